/* The main program of image bench, which is not a product: it runs the generations of bench_work.h between two marks,
 * so that an emulator can count their instructions. eggroll_edge writes bench_work.h for `eggroll-edge bench`.
 *
 * It prints a line for each piece of work, and DONE after the last one:
 *
 *   <name> live <neurons> digest <weights>
 *
 * <neurons> is the number of neurons of the first layer that a perturbation can change, summed over the recordings:
 * those that egg_pair.c had to simulate pair by pair, or (sweep, eprop) those that have a credit; of a net without a
 * hidden layer, its outputs. <weights> is the digest of
 * the weights afterwards. Both are hexadecimal.
 *
 * A region is what runs from bench_begin() to bench_end(). The estimators `batch` and `full` have two: all evaluations,
 * then the update. Estimators that credit each recording have these two for each recording. If the updates are summed
 * up, the update of the last recording contains the end of the generation. */
#include "board.h"
#include "common/console.h"
#include "common/cpu.h"
#include "estimators/egg_eprop.h"
#include "estimators/egg_sweep.h"
#include "host/egg_full_rank.h"

typedef struct {
    const uint8_t *stream;
    uint8_t label;
} bench_recording;

typedef struct {
    const char *name;
    egg_net_config net;
    egg_estimator_config es;
    egg_sigma sigma;
    egg_learning_rate hidden, readout;
    uint32_t seed, generation; /* the first generation's number */
    uint32_t mini_batch;       /* 1: one generation, whose updates are summed up; 0: one for each recording */
    uint32_t recordings;
    const int8_t *weights;
    const bench_recording *recording;
} bench_work;

#include "bench_work.h"

/* The marks: the emulator counts from the call of bench_begin() to the call of bench_end(). */
__attribute__((noinline)) void bench_begin(void);
__attribute__((noinline)) void bench_end(void);

void bench_begin(void) {
    __asm__ volatile("");
}

void bench_end(void) {
    __asm__ volatile("" ::: "memory");
}

void firmware_fault(void) {
    cpu_interrupts(false);
    console_write("FAULT\n");
    for (;;) cpu_sleep();
}

static uint8_t *next; /* where the free part of the arena begins */

/* Takes memory from the arena, aligned to 4. */
static void *take(size_t bytes) {
    void *piece = next;
    next += (bytes + 3u) & ~(size_t)3u;
    if (next > (uint8_t *)arena_end) firmware_fault();
    return piece;
}

static void zero(void *memory, size_t bytes) {
    for (uint8_t *b = memory; bytes > 0; bytes--) *b++ = 0;
}

static egg_net net;
static egg_workspace ws;
static egg_generation gen;
static uint32_t live; /* see the top of this file */

static void batch(const bench_work *w) {
    int32_t *fitness_diff = take(w->es.pairs * sizeof *fitness_diff);
    int8_t *fitness_bytes = take(w->es.pairs);
    uint8_t *active = take((w->net.inputs + 8u) / 8u);
    zero(fitness_diff, w->es.pairs * sizeof *fitness_diff);
    zero(active, (w->net.inputs + 8u) / 8u);
    bench_begin();
    for (uint32_t i = 0; i < w->recordings; i++) {
        egg_batch_evaluate(&gen, &ws, w->recording[i].stream, w->recording[i].label, fitness_diff);
        live += ws.part.pair.movable;
    }
    bench_end();
    bench_begin();
    for (uint32_t i = 0; i < w->recordings; i++) egg_batch_mark(&w->net, w->recording[i].stream, active);
    egg_shape_fitness(fitness_diff, w->es.pairs, fitness_bytes);
    egg_batch_update(&gen, &ws, fitness_bytes, active);
    bench_end();
}

/* The sums of a mini-batch, one for each weight; NULL if there are none. */
static int32_t *sums(const bench_work *w) {
    if (!w->mini_batch) return NULL;
    size_t bytes = 4u * egg_net_bytes(&w->net);
    int32_t *sum = take(bytes);
    zero(sum, bytes);
    return sum;
}

/* Takes the credit of recording i to the weights or to the sums, and begins the next generation or ends this one. */
static void learn(const bench_work *w, uint32_t i, int32_t *sum) {
    if (sum == NULL) {
        egg_sample_update_online(&gen, &ws, w->recording[i].stream);
        gen.generation++;
        return;
    }
    egg_sample_accumulate(&gen, &ws, w->recording[i].stream, sum);
    if (i + 1u < w->recordings) return;
    for (uint32_t m = 0; m < egg_net_matrices(&w->net); m++)
        egg_sample_finish(&gen, &ws, m, 0, egg_net_rows(&w->net, m), sum);
}

static void sample(const bench_work *w) {
    int8_t *fitness_bytes = take(w->es.pairs);
    int32_t *sum = sums(w);
    for (uint32_t i = 0; i < w->recordings; i++) {
        uint8_t exponent;
        uint32_t at = w->mini_batch ? i : 0;
        bench_begin();
        egg_sample_evaluate(&gen, &ws, at, w->recording[i].stream, w->recording[i].label, fitness_bytes, &exponent);
        live += ws.part.pair.movable;
        bench_end();
        bench_begin();
        egg_sample_credit(&gen, &ws, at, fitness_bytes, exponent);
        learn(w, i, sum);
        bench_end();
    }
}

/* Columns of the first matrix that have a credit. */
static uint32_t credited(const bench_work *w) {
    uint32_t size = egg_net_cols(&w->net, 0), segments = w->net.layers > 0 ? w->es.segments : 1u, found = 0;
    for (uint32_t h = 0; h < size; h++) {
        uint32_t s = 0;
        while (s < segments && ws.credit[0][s * size + h] == 0) s++;
        found += s < segments;
    }
    return found;
}

static void credit(const bench_work *w) {
    bool eprop = w->es.estimator == EGG_ESTIMATOR_EPROP;
    int32_t *sum = sums(w);
    for (uint32_t i = 0; i < w->recordings; i++) {
        bench_begin();
        (eprop ? egg_eprop_evaluate : egg_sweep_evaluate)(&gen, &ws, w->recording[i].stream, w->recording[i].label);
        bench_end();
        if (!ws.no_credit) live += credited(w);
        bench_begin();
        learn(w, i, sum);
        bench_end();
    }
}

/* The full-rank update holds the sums of this many rows at a time. The sums of all rows would take 4 bytes for each
 * weight. */
#define ROWS 16u

/* Full-rank evolution strategies with the code of the host (runtime_c/host/) and the kernels of the board. It does each
 * thing once: it draws the noise of a pair once for all recordings, computes the unperturbed currents of a recording
 * once for all pairs, and skips the rows of inputs that had no events. */
static void full(const bench_work *w) {
    const egg_net_config *c = &w->net;
    size_t tick_currents = (size_t)c->ticks * c->layer[0].size;
    int32_t *fitness_diff = take(w->es.pairs * sizeof *fitness_diff);
    int8_t *fitness_bytes = take(w->es.pairs);
    uint8_t *active = take((c->inputs + 8u) / 8u);
    int16_t *base = take(w->recordings * tick_currents * sizeof *base);
    void *memory = take(egg_full_rank_bytes(c));
    uint32_t widest = 0;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++)
        if (egg_net_cols(c, m) > widest) widest = egg_net_cols(c, m);
    int32_t *sum = take(ROWS * widest * sizeof *sum);
    uint64_t *offsets = take(w->recordings * sizeof *offsets);
    uint8_t *labels = take(w->recordings);
    uint32_t *index = take(w->recordings * sizeof *index);
    zero(fitness_diff, w->es.pairs * sizeof *fitness_diff);
    zero(active, (c->inputs + 8u) / 8u);
    for (uint32_t i = 0; i < w->recordings; i++) {
        offsets[i] = (uint64_t)(w->recording[i].stream - w->recording[0].stream);
        labels[i] = w->recording[i].label;
        index[i] = i;
    }
    egg_dataset data = {w->recording[0].stream, offsets, labels};
    bench_begin();
    for (uint32_t i = 0; i < w->recordings; i++) {
        egg_forward_share(&net, &ws, w->recording[i].stream);
        egg_forward_member(&net, &gen.es, gen.sigma, &ws, 0, 0);
        for (size_t k = 0; k < tick_currents; k++) base[i * tick_currents + k] = ws.base[k];
    }
    egg_full_rank_evaluate(&gen, &ws, memory, &data, index, w->recordings, base, 0, w->es.pairs, fitness_diff);
    bench_end();
    bench_begin();
    for (uint32_t i = 0; i < w->recordings; i++) egg_batch_mark(c, w->recording[i].stream, active);
    egg_shape_fitness(fitness_diff, w->es.pairs, fitness_bytes);
    size_t before = 0; /* number of weights before this row */
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        uint32_t rows = egg_net_rows(c, m), cols = egg_net_cols(c, m), n;
        for (uint32_t row = 0; row < rows; row += n, before += n * cols) {
            n = rows - row < ROWS ? rows - row : ROWS;
            zero(sum, n * cols * sizeof *sum);
            egg_full_rank_steps(&gen, &ws, fitness_bytes, active, m, row, row + n, sum - (size_t)row * cols);
            egg_sample_finish(&gen, &ws, m, row, row + n, sum - before);
        }
    }
    bench_end();
}

static void run(const bench_work *w) {
    next = arena_start;
    live = 0;
    size_t weights = egg_net_bytes(&w->net), scratch = egg_workspace_bytes(&w->net, &w->es);
    int8_t *memory = take(weights);
    for (size_t i = 0; i < weights; i++) memory[i] = w->weights[i];
    if (egg_net_init(&net, &w->net, memory, weights) != EGG_OK) firmware_fault();
    if (egg_workspace_init(&ws, &w->net, &w->es, take(scratch), scratch) != EGG_OK) firmware_fault();
    egg_generation fresh = {&net, w->es, w->seed, w->generation, w->sigma, w->hidden, w->readout, NULL};
    gen = fresh;
    if (egg_generation_check(&gen) != EGG_OK) firmware_fault();
    if (w->es.estimator == EGG_ESTIMATOR_BATCH)
        batch(w);
    else if (w->es.estimator == EGG_ESTIMATOR_SAMPLE)
        sample(w);
    else if (w->es.estimator == EGG_ESTIMATOR_SWEEP || w->es.estimator == EGG_ESTIMATOR_EPROP)
        credit(w);
    else
        full(w);
    console_write(w->name);
    console_write(" live ");
    console_write_hex(live);
    console_write(" digest ");
    console_write_hex(egg_net_digest(&net));
    console_write("\n");
}

int main(void) {
    board_init();
    for (uint32_t i = 0; i < sizeof bench_works / sizeof bench_works[0]; i++) run(&bench_works[i]);
    console_write("DONE\n");
    for (;;) cpu_sleep();
}
