/* The board trains by itself, on a lesson in flash (eggroll_edge/lesson.py packs a run into one). It tells how it goes
 * in lines of text, each between zero bytes, which the link's frames are cut at: a host that listens for frames drops
 * them. After power loss it goes on from its newest checkpoint. A host that trains or configures takes over until the
 * next reset. */
#include "lesson.h"

#include "board.h"
#include "say.h"

/* Little-endian, as all boards are. Places are bytes from the head on, multiples of 4 but for labels and streams. */
typedef struct {
    uint32_t magic;
    uint32_t generations, batch; /* samples a generation */
    uint32_t chunk;              /* generations that share a row of steps */
    uint32_t every;              /* generations between reports, each with a checkpoint */
    uint32_t recordings, tests;  /* to learn from; then those to be tested on at the end */
    uint32_t config_bytes;       /* of CONFIG's payload */
    uint32_t config, steps, offsets, order, labels, streams;
} lesson_head;

typedef struct {
    egg_sigma sigma;
    egg_learning_rate hidden, readout;
} lesson_steps; /* as GENERATION's payload from its sigmas on */

#define MAGIC 0x4C474745u /* "EGGL" */

extern const uint8_t lesson_data[];
static const lesson_head *const head = (const lesson_head *)(const void *)lesson_data;

static struct {
    uint32_t generation, sample; /* to come */
    uint32_t tested;
    uint32_t runs, right, loss; /* since the last report; loss in 1/4096 bit */
    bool on, begun;
} now;

static const void *part(uint32_t place) {
    return lesson_data + place;
}

static const uint8_t *recording(uint32_t i, size_t *n) {
    const uint32_t *offsets = part(head->offsets);
    *n = offsets[i + 1u] - offsets[i];
    return (const uint8_t *)part(head->streams) + offsets[i];
}

static uint32_t label(uint32_t i) {
    return ((const uint8_t *)part(head->labels))[i];
}

/* Begins a line. */
static void tell(const char *what, uint32_t number) {
    board_send(0);
    say(what);
    say_number(number);
}

static void end_line(const char *rest) {
    say(rest);
    say("\n");
    board_send(0);
}

static void count(const egg_result *result, uint32_t expected) {
    now.runs++;
    now.right += result->predicted == expected;
    now.loss += (uint32_t)result->loss;
}

/* right and loss of the recordings since the last report, and the digest */
static void tell_runs(const egg_session *s) {
    uint32_t thousandths = now.runs == 0 ? 0 : now.loss / now.runs * 1000u >> 12;
    say(": right ");
    say_number(now.right);
    say(" of ");
    say_number(now.runs);
    say(", loss ");
    say_number(thousandths / 1000u);
    say(thousandths % 1000u < 10u ? ".00" : thousandths % 1000u < 100u ? ".0" : ".");
    say_number(thousandths % 1000u);
    say(" bits, digest ");
    say_hex(egg_net_digest(&s->net));
    now.runs = now.right = now.loss = 0;
}

static void stop(const char *why) {
    now.on = false;
    tell("lesson: stopped at generation ", now.generation);
    end_line(why);
}

void lesson_begin(egg_session *s) {
    size_t needed = 0;
    now.on = head->magic == MAGIC && egg_session_resume(s, part(head->config), head->config_bytes, &needed) == EGG_OK;
    now.generation = s->generations_done;
    if (!now.on) {
        stop(needed > s->bytes ? ": the net does not fit this board" : ": the lesson is faulty");
        return;
    }
    tell("lesson: ", head->generations);
    say(" generations, from ");
    say_number(now.generation);
    end_line("");
}

static egg_status learn(egg_session *s) {
    if (!now.begun) {
        const lesson_steps *steps = (const lesson_steps *)part(head->steps) + now.generation / head->chunk;
        egg_status status = egg_session_begin(s, now.generation, steps->sigma, steps->hidden, steps->readout);
        if (status != EGG_OK) return status;
        now.begun = true;
    }
    const uint16_t *order = part(head->order);
    uint32_t i = order[now.generation * head->batch + now.sample];
    egg_result result;
    size_t n;
    const uint8_t *stream = recording(i, &n);
    egg_status status = egg_session_train(s, stream, n, label(i), now.sample, &result);
    if (status != EGG_OK) return status;
    count(&result, label(i));
    if (++now.sample < head->batch) return EGG_OK;
    now.sample = 0;
    if (s->generations_done == now.generation) status = egg_session_update(s, false); /* online is done by itself */
    now.generation++;
    now.begun = now.generation % head->chunk != 0;
    if (status == EGG_OK && (now.generation % head->every == 0 || now.generation == head->generations)) {
        tell("generation ", now.generation);
        tell_runs(s);
        end_line(egg_session_save(s) == EGG_OK ? ", saved" : "");
    }
    return status;
}

static egg_status test(egg_session *s) {
    egg_status status = EGG_OK;
    if (now.tested < head->tests) {
        egg_result result;
        size_t n;
        uint32_t i = head->recordings + now.tested++;
        const uint8_t *stream = recording(i, &n);
        status = egg_session_infer(s, stream, n, label(i), &result);
        if (status == EGG_OK) count(&result, label(i));
    } else {
        now.on = false;
        tell("lesson: over after generation ", now.generation);
        tell_runs(s);
        end_line("");
    }
    return status;
}

bool lesson_step(egg_session *s) {
    if (!now.on) return false;
    board_led(true);
    egg_status status = EGG_E_ORDER;
    if (s->generations_done == now.generation) status = now.generation < head->generations ? learn(s) : test(s);
    board_led(false);
    if (status != EGG_OK) stop(status == EGG_E_ORDER ? ": the host has taken over" : egg_status_text(status));
    return true;
}
