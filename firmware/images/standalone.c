/* The device trains by itself: it repeats a run whose recordings are linked into flash. eggroll_edge packs a run into
 * the file that standalone_data.S links.
 *
 * It reports in lines of text on the serial port. A zero byte goes before and after each line. Frames of the link end
 * with a zero byte, so a host that expects frames takes a line for a damaged one and drops it.
 *
 * After a power loss the device continues from its newest checkpoint. When a host trains or configures the device, the
 * run stops until the next reset. */
#include "images/standalone.h"

#include "board.h"
#include "common/console.h"

/* The header of the file. All integers are little-endian, as on all boards. The last six fields say where the parts of
 * the file begin, in bytes from the header; the parts are aligned to 4 bytes. */
typedef struct {
    uint32_t magic;
    uint32_t generations;     /* of the whole run */
    uint32_t batch;           /* recordings of one generation */
    uint32_t chunk;           /* number of successive generations with the same hyperparameters */
    uint32_t every;           /* generations from one report and checkpoint to the next */
    uint32_t recordings;      /* to train on; they come first in offsets and labels */
    uint32_t tests;           /* to test on when the training is over; they come last */
    uint32_t config_bytes;    /* length of config */
    uint32_t config;          /* payload of the command CONFIG */
    uint32_t hyperparameters; /* standalone_hyperparameters [generations / chunk, rounded up] */
    uint32_t offsets;         /* uint32_t [recordings + tests + 1]: where each stream begins and the last one ends */
    uint32_t order;           /* uint16_t [generations * batch]: number of each recording to train on */
    uint32_t labels;          /* uint8_t [recordings + tests] */
    uint32_t streams;         /* the recordings, encoded */
} standalone_header;

/* In memory as in the payload of the command GENERATION. */
typedef struct {
    egg_sigma sigma;
    egg_learning_rate hidden, readout;
} standalone_hyperparameters;

#define MAGIC 0x4C474745u /* "EGGL" */

extern const uint8_t standalone_data[];
static const standalone_header *const head = (const standalone_header *)(const void *)standalone_data;

static struct {
    uint32_t generation;        /* the current one */
    uint32_t position;          /* of the next recording in the generation */
    uint32_t tested;            /* recordings of the test that are done */
    uint32_t runs, right, loss; /* recordings since the last report, right ones, their loss in 1/4096 bit */
    bool on;                    /* there is something to do */
    bool begun;                 /* the current generation has its hyperparameters */
} now;

/* A part of the file, by its place in the header. */
static const void *part(uint32_t place) {
    return standalone_data + place;
}

/* The stream of recording number i, and in *n its length in bytes. */
static const uint8_t *recording(uint32_t i, size_t *n) {
    const uint32_t *offsets = part(head->offsets);
    *n = offsets[i + 1u] - offsets[i];
    return (const uint8_t *)part(head->streams) + offsets[i];
}

static uint32_t label(uint32_t i) {
    return ((const uint8_t *)part(head->labels))[i];
}

/* Begins a line of text. end_line() ends it. */
static void begin_line(const char *what, uint32_t number) {
    board_uart_write(0);
    console_write(what);
    console_write_number(number);
}

static void end_line(const char *rest) {
    console_write(rest);
    console_write("\n");
    board_uart_write(0);
}

static void count(const egg_result *result, uint32_t expected) {
    now.runs++;
    now.right += result->predicted == expected;
    now.loss += (uint32_t)result->loss;
}

/* Writes how many recordings since the last report were right, their mean loss, and the digest of the weights. */
static void write_counts(const egg_session *s) {
    uint32_t thousandths = now.runs == 0 ? 0 : now.loss / now.runs * 1000u >> 12;
    console_write(": right ");
    console_write_number(now.right);
    console_write(" of ");
    console_write_number(now.runs);
    console_write(", loss ");
    console_write_number(thousandths / 1000u);
    console_write(thousandths % 1000u < 10u ? ".00" : thousandths % 1000u < 100u ? ".0" : ".");
    console_write_number(thousandths % 1000u);
    console_write(" bits, digest ");
    console_write_hex(egg_net_digest(&s->net));
    now.runs = now.right = now.loss = 0;
}

static void stop(const char *why) {
    now.on = false;
    begin_line("standalone: stopped at generation ", now.generation);
    end_line(why);
}

void standalone_begin(egg_session *s) {
    size_t needed = 0;
    now.on = head->magic == MAGIC && egg_session_resume(s, part(head->config), head->config_bytes, &needed) == EGG_OK;
    now.generation = s->generations_done;
    if (!now.on) {
        stop(needed > s->bytes ? ": the net does not fit this board" : ": bad data");
        return;
    }
    begin_line("standalone: ", head->generations);
    console_write(" generations, from ");
    console_write_number(now.generation);
    end_line("");
}

/* Trains on one recording; after the last recording of a generation, updates the weights. */
static egg_status learn(egg_session *s) {
    if (!now.begun) {
        const standalone_hyperparameters *row =
            (const standalone_hyperparameters *)part(head->hyperparameters) + now.generation / head->chunk;
        egg_status status = egg_session_begin(s, now.generation, row->sigma, row->hidden, row->readout);
        if (status != EGG_OK) return status;
        now.begun = true;
    }
    const uint16_t *order = part(head->order);
    uint32_t i = order[now.generation * head->batch + now.position];
    egg_result result;
    size_t n;
    const uint8_t *stream = recording(i, &n);
    egg_status status = egg_session_train(s, stream, n, label(i), now.position, &result);
    if (status != EGG_OK) return status;
    count(&result, label(i));
    if (++now.position < head->batch) return EGG_OK;
    now.position = 0;
    if (s->generations_done == now.generation)
        status = egg_session_update(s, false); /* the online estimator has updated already */
    now.generation++;
    now.begun = now.generation % head->chunk != 0;
    if (status == EGG_OK && (now.generation % head->every == 0 || now.generation == head->generations)) {
        begin_line("generation ", now.generation);
        write_counts(s);
        end_line(egg_session_save(s) == EGG_OK ? ", saved" : "");
    }
    return status;
}

/* Tests one recording, or, after the last one, ends the run. */
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
        begin_line("standalone: over after generation ", now.generation);
        write_counts(s);
        end_line("");
    }
    return status;
}

bool standalone_step(egg_session *s) {
    if (!now.on) return false;
    board_led_write(true);
    egg_status status = EGG_E_ORDER; /* if the host has trained, `done` is not where this run left it */
    if (s->generations_done == now.generation) status = now.generation < head->generations ? learn(s) : test(s);
    board_led_write(false);
    if (status != EGG_OK) stop(status == EGG_E_ORDER ? ": the host has taken over" : egg_status_text(status));
    return true;
}
