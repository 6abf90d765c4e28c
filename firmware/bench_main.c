/* Firmware that runs generations of bench_work.h (eggroll_edge/bench_mcu.py writes it) between marks, so that an
 * emulator can count their instructions. Never part of a product image. It prints, for each piece of work,
 *   <name> live <neurons> digest <weights, hex>
 * live is what egg_pair_find_movable() left to do, summed over the samples, and at the end DONE.
 * Regions, in order: batch, full: evaluations, update. sample (online): both for each sample. */
#include "board.h"
#include "cpu.h"
#include "estimators/egg_estimator.h"
#include "host/egg_full_rank.h"

typedef struct {
    const uint8_t *stream;
    uint8_t label;
} bench_sample;

typedef struct {
    const char *name;
    egg_net_config net;
    egg_estimator_config es;
    egg_sigma sigma;
    egg_learning_rate hidden, readout;
    uint32_t seed, samples;
    const int8_t *weights;
    const bench_sample *sample;
} bench_work;

#include "bench_work.h"

__attribute__((noinline)) void bench_begin(void);
__attribute__((noinline)) void bench_end(void);

void bench_begin(void) {
    __asm__ volatile("");
}

void bench_end(void) {
    __asm__ volatile("" ::: "memory");
}

static void say(const char *text) {
    while (*text) board_send((uint8_t)*text++);
}

static void say_hex(uint32_t x) {
    for (int shift = 28; shift >= 0; shift -= 4) board_send((uint8_t)"0123456789abcdef"[(x >> shift) & 15u]);
}

void firmware_fault(void) {
    cpu_interrupts(false);
    say("FAULT\n");
    for (;;) cpu_sleep();
}

static uint8_t *next;

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
static uint32_t live;

static void batch(const bench_work *w) {
    int32_t *diff = take(w->es.pairs * sizeof *diff);
    int8_t *f = take(w->es.pairs);
    uint8_t *active = take((w->net.inputs + 8u) / 8u);
    zero(diff, w->es.pairs * sizeof *diff);
    zero(active, (w->net.inputs + 8u) / 8u);
    bench_begin();
    for (uint32_t i = 0; i < w->samples; i++) {
        egg_batch_evaluate(&gen, &ws, w->sample[i].stream, w->sample[i].label, diff);
        live += ws.pair.movable;
    }
    bench_end();
    bench_begin();
    for (uint32_t i = 0; i < w->samples; i++) egg_batch_mark(&w->net, w->sample[i].stream, active);
    egg_shape_fitness(diff, w->es.pairs, f);
    egg_batch_update(&gen, &ws, f, active);
    bench_end();
}

static void online(const bench_work *w) {
    int8_t *f = take(w->es.pairs);
    for (uint32_t i = 0; i < w->samples; i++, gen.generation++) {
        uint8_t e;
        bench_begin();
        egg_sample_evaluate(&gen, &ws, 0, w->sample[i].stream, w->sample[i].label, f, &e);
        live += ws.pair.movable;
        bench_end();
        bench_begin();
        egg_sample_credit(&gen, &ws, 0, f, e);
        egg_sample_update_online(&gen, &ws, w->sample[i].stream);
        bench_end();
    }
}

#define ROWS 16u /* whose sums full-rank's update holds at once: those of all rows would take 4 bytes a weight */

/* Full-rank ES as the host has it (runtime_c/host/egg_full_rank.c), with the same kernels below it: a pair's noise is
 * drawn once for all samples, base currents are computed once for all pairs, inactive rows are skipped. */
static void full(const bench_work *w) {
    const egg_net_config *c = &w->net;
    size_t tick_currents = (size_t)c->ticks * c->layer[0].size;
    int32_t *diff = take(w->es.pairs * sizeof *diff);
    int8_t *f = take(w->es.pairs);
    uint8_t *active = take((c->inputs + 8u) / 8u);
    int16_t *base = take(w->samples * tick_currents * sizeof *base);
    void *memory = take(egg_full_rank_bytes(c));
    uint32_t widest = 0;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++)
        if (egg_net_cols(c, m) > widest) widest = egg_net_cols(c, m);
    int32_t *sum = take(ROWS * widest * sizeof *sum);
    uint64_t *offsets = take(w->samples * sizeof *offsets);
    uint8_t *labels = take(w->samples);
    uint32_t *index = take(w->samples * sizeof *index);
    zero(diff, w->es.pairs * sizeof *diff);
    zero(active, (c->inputs + 8u) / 8u);
    for (uint32_t i = 0; i < w->samples; i++) {
        offsets[i] = (uint64_t)(w->sample[i].stream - w->sample[0].stream);
        labels[i] = w->sample[i].label;
        index[i] = i;
    }
    egg_dataset data = {w->sample[0].stream, offsets, labels};
    bench_begin();
    for (uint32_t i = 0; i < w->samples; i++) {
        egg_forward_share(&net, &ws, w->sample[i].stream);
        egg_forward_member(&net, &gen.es, gen.sigma, &ws, 0, 0);
        for (size_t k = 0; k < tick_currents; k++) base[i * tick_currents + k] = ws.base[k];
    }
    egg_full_rank_evaluate(&gen, &ws, memory, &data, index, w->samples, base, 0, w->es.pairs, diff);
    bench_end();
    bench_begin();
    for (uint32_t i = 0; i < w->samples; i++) egg_batch_mark(c, w->sample[i].stream, active);
    egg_shape_fitness(diff, w->es.pairs, f);
    size_t before = 0; /* weights before this row: where it would lie in sums of all of them */
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        uint32_t rows = egg_net_rows(c, m), cols = egg_net_cols(c, m), n;
        for (uint32_t row = 0; row < rows; row += n, before += n * cols) {
            n = rows - row < ROWS ? rows - row : ROWS;
            zero(sum, n * cols * sizeof *sum);
            egg_full_rank_steps(&gen, &ws, f, active, m, row, row + n, sum - (size_t)row * cols);
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
    egg_generation fresh = {&net, w->es, w->seed, 0, w->sigma, w->hidden, w->readout, NULL};
    gen = fresh;
    if (egg_generation_check(&gen) != EGG_OK) firmware_fault();
    if (w->es.estimator == EGG_ESTIMATOR_BATCH)
        batch(w);
    else if (w->es.estimator == EGG_ESTIMATOR_SAMPLE)
        online(w);
    else
        full(w);
    say(w->name);
    say(" live ");
    say_hex(live);
    say(" digest ");
    say_hex(egg_net_digest(&net));
    say("\n");
}

int main(void) {
    board_init();
    for (uint32_t i = 0; i < sizeof bench_works / sizeof bench_works[0]; i++) run(&bench_works[i]);
    say("DONE\n");
    for (;;) cpu_sleep();
}
