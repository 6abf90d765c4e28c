/* Runs generations with the hot loops of every width of vectors that this machine has, and without vectors (level 0).
 * All must give the same bits. Prints a CRC for each case, so that a test can compare machines, too. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign() */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/egg_bytes.h"
#include "host/egg_batch_update.h"
#include "host/egg_dataset.h"
#include "kernels/egg_kernel_private.h"

enum { RECORDINGS = 4, GENERATIONS = 2, TICKS = 9, STREAM_MAX = 4096 };

typedef struct {
    uint8_t estimator;
    uint16_t inputs, hidden, pairs;
    uint8_t rank, segments, leak_shift, refractory, spikes, online, fitness;
} shape;

static const shape SHAPES[] = {
    {EGG_ESTIMATOR_BATCH, 90, 70, 512, 1, 1, 1, 0, 0, 0, EGG_FITNESS_XENT},     /* the common case: halving leak */
    {EGG_ESTIMATOR_BATCH, 90, 33, 200, 3, 1, 1, 0, 0, 0, EGG_FITNESS_XENT},     /* ranks, part of a vector */
    {EGG_ESTIMATOR_BATCH, 40, 128, 65, 1, 1, 3, 0, 0, 0, EGG_FITNESS_ACCURACY}, /* another leak */
    {EGG_ESTIMATOR_BATCH, 40, 17, 40, 2, 1, 2, 2, 0, 0, EGG_FITNESS_XENT},      /* refractory */
    {EGG_ESTIMATOR_BATCH, 40, 5, 130, 1, 1, 1, 0, 1, 0, EGG_FITNESS_XENT},      /* spikes as outputs */
    {EGG_ESTIMATOR_SAMPLE, 90, 70, 256, 1, 5, 1, 0, 0, 0, EGG_FITNESS_XENT},    /* tables of 2^5 patterns */
    {EGG_ESTIMATOR_SAMPLE, 90, 33, 100, 1, 3, 3, 0, 0, 0, EGG_FITNESS_XENT},    /* another leak */
    {EGG_ESTIMATOR_SAMPLE, 40, 16, 31, 1, 4, 1, 1, 0, 1, EGG_FITNESS_ACCURACY}, /* online, refractory */
    {EGG_ESTIMATOR_SAMPLE, 40, 40, 64, 1, 8, 1, 0, 0, 1, EGG_FITNESS_XENT},     /* more segments than tables have */
    {EGG_ESTIMATOR_SAMPLE, 40, 6, 96, 1, 2, 1, 0, 1, 0, EGG_FITNESS_XENT},      /* spikes as outputs */
    {EGG_ESTIMATOR_SWEEP, 90, 70, 1, 1, 5, 1, 0, 0, 0, EGG_FITNESS_XENT},       /* part of a vector */
    {EGG_ESTIMATOR_SWEEP, 40, 33, 1, 1, 3, 2, 2, 0, 1, EGG_FITNESS_ACCURACY},   /* online, refractory */
    {EGG_ESTIMATOR_SWEEP, 40, 6, 1, 1, 8, 1, 0, 1, 0, EGG_FITNESS_XENT},        /* spikes as outputs */
    {EGG_ESTIMATOR_SWEEP, 90, 0, 1, 1, 3, 1, 0, 0, 0, EGG_FITNESS_XENT},        /* no LIF layer */
    {EGG_ESTIMATOR_EPROP, 90, 70, 1, 1, TICKS, 1, 0, 0, 0, EGG_FITNESS_XENT},   /* a segment for each tick */
    {EGG_ESTIMATOR_EPROP, 40, 33, 1, 1, TICKS, 2, 2, 0, 1, EGG_FITNESS_XENT},   /* online, refractory */
};

static uint32_t seed = 1;

static uint32_t draw(uint32_t below) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void *zeroed(size_t bytes) {
    void *p;
    if (posix_memalign(&p, 64, bytes + 1u) != 0) exit(4);
    memset(p, 0, bytes);
    return p;
}

static void check(egg_status status) {
    if (status == EGG_OK) return;
    fprintf(stderr, "levels: %s\n", egg_status_text(status));
    exit(3);
}

/* RECORDINGS recordings with events at about a third of the inputs in each tick */
static void record(egg_dataset *data, uint32_t inputs, uint32_t outputs, uint8_t *streams, uint64_t *offsets,
                   uint8_t *labels) {
    uint64_t at = 0;
    for (uint32_t i = 0; i < RECORDINGS; i++) {
        offsets[i] = at;
        labels[i] = (uint8_t)draw(outputs);
        for (uint32_t t = 0; t < TICKS; t++) {
            int32_t last = -1;
            for (int32_t j = 0; j < (int32_t)inputs; j++)
                if (draw(3) == 0) streams[at++] = (uint8_t)(j - last), last = j;
            streams[at++] = 0;
        }
    }
    offsets[RECORDINGS] = at;
    data->streams = streams;
    data->offsets = offsets;
    data->labels = labels;
}

/* Returns the CRC of the fitness bytes of all generations and of the weights. */
static uint32_t run(const shape *s, const egg_dataset *data, const egg_kernels *kernels) {
    egg_net_config c = {
        .inputs = s->inputs, .outputs = s->spikes ? s->hidden : 7, .ticks = TICKS, .layers = s->hidden > 0};
    c.readout = s->spikes ? EGG_READOUT_SPIKES : EGG_READOUT_INTEGRATE;
    c.gain = s->spikes ? 10 : 3;
    c.input_segments = 3;
    c.layer[0].size = s->hidden;
    c.layer[0].threshold = 160;
    c.layer[0].leak_shift = s->leak_shift;
    c.layer[0].refractory = s->refractory;
    egg_estimator_config es = {.estimator = s->estimator, .pairs = s->pairs, .rank = s->rank, .segments = s->segments};
    es.fitness = s->fitness;
    es.penalty = 3;
    egg_net net;
    egg_workspace ws;
    int8_t *weights = zeroed(egg_net_bytes(&c));
    check(egg_net_init(&net, &c, weights, egg_net_bytes(&c)));
    egg_net_randomize(&net, 11, 30, 30);
    size_t bytes = egg_workspace_bytes(&c, &es);
    void *memory = zeroed(bytes), *scratch = zeroed(egg_dataset_scratch_bytes(&c, &es));
    check(egg_workspace_init(&ws, &c, &es, memory, bytes));
    ws.kernels = kernels;
    egg_generation gen = {.net = &net, .es = es, .seed = 5};
    uint32_t sweep = s->estimator >= EGG_ESTIMATOR_SWEEP, sample = s->estimator == EGG_ESTIMATOR_SAMPLE || sweep;
    gen.sigma.hidden = sample ? 70 : 500;
    gen.sigma.readout = sample ? 3000 : 400;
    gen.learning_rate_hidden = gen.learning_rate_readout = (egg_learning_rate){100, sample ? 7 : 5};
    check(egg_generation_check(&gen));
    int32_t *fitness_diff = zeroed(s->pairs * sizeof *fitness_diff), *sum = zeroed(egg_net_bytes(&c) * sizeof *sum);
    int8_t *fitness_bytes = zeroed((size_t)RECORDINGS * s->pairs);
    uint8_t *active = zeroed((c.inputs + 8u) / 8u), *exponent = zeroed(RECORDINGS);
    uint32_t *noise = zeroed(egg_batch_noise_words(&c, &es) * sizeof *noise), index[RECORDINGS] = {0, 1, 2, 3}, crc = 0;
    egg_sample_update update, *parts[1] = {&update};
    void *held = zeroed(egg_sample_update_bytes(&c, &es, RECORDINGS));
    egg_sample_update_init(&update, &c, &es, RECORDINGS, held);
    egg_run_counts counts = {0, 0, 0, 0, 0};
    for (gen.generation = 0; gen.generation < GENERATIONS; gen.generation++) {
        if (sweep && s->online) {
            egg_dataset_credit_online(&gen, &ws, data, index, RECORDINGS, &counts);
        } else if (sample && s->online) {
            egg_dataset_online(&gen, &ws, scratch, data, index, RECORDINGS, false, fitness_bytes, exponent, &counts);
        } else if (sample) {
            if (sweep)
                egg_dataset_credit(&gen, &ws, data, index, RECORDINGS, 0, &update, &counts);
            else
                egg_dataset_sample(&gen, &ws, scratch, data, index, RECORDINGS, 0, false, fitness_bytes, exponent,
                                   &update, &counts);
            for (uint32_t m = 0; m < egg_net_matrices(&c); m++)
                egg_sample_update_rows(&gen, &ws, parts, 1, m, 0, egg_net_rows(&c, m), NULL, true);
        } else {
            egg_batch_noise(&gen, 0, egg_net_rows(&c, 0), noise);
            gen.noise = noise;
            memset(fitness_diff, 0, s->pairs * sizeof *fitness_diff);
            memset(active, 0, (c.inputs + 8u) / 8u);
            egg_dataset_batch(&gen, &ws, scratch, data, index, RECORDINGS, 0, fitness_diff, active, &counts);
            egg_shape_fitness(fitness_diff, s->pairs, fitness_bytes);
            for (uint32_t m = 0; m < egg_net_matrices(&c); m++) {
                uint32_t rows = egg_net_rows(&c, m);
                egg_batch_update_steps(&gen, &ws, fitness_bytes, active, m, 0, rows, sum, scratch);
                egg_sample_finish(&gen, &ws, m, 0, rows, sum);
            }
        }
        crc = egg_crc32(crc, fitness_bytes, (size_t)s->pairs * (sample ? RECORDINGS : 1u));
        crc = egg_crc32(crc, exponent, RECORDINGS);
    }
    crc = egg_crc32(crc, weights, egg_net_bytes(&c));
    void *all[] = {weights, memory, scratch, fitness_diff, sum, fitness_bytes, active, exponent, noise, held};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return crc;
}

int main(void) {
    static uint8_t streams[RECORDINGS * STREAM_MAX], labels[RECORDINGS];
    static uint64_t offsets[RECORDINGS + 1];
    unsigned widths = 0, failed = 0;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        const shape *s = &SHAPES[i];
        egg_dataset data;
        record(&data, s->inputs, s->spikes ? s->hidden : 7, streams, offsets, labels);
        uint32_t expected = run(s, &data, egg_kernel_level(0));
        printf("%08x\n", (unsigned)expected);
        for (uint32_t level = 1; level < egg_kernel_levels(); level++) {
            if (egg_kernel_level(level) == NULL) continue;
            uint32_t found = run(s, &data, egg_kernel_level(level));
            widths += i == 0;
            if (found == expected) continue;
            fprintf(stderr, "case %u, level %u: %08x, level 0 gives %08x\n", (unsigned)i, (unsigned)level,
                    (unsigned)found, (unsigned)expected);
            failed++;
        }
    }
    printf("%u vector widths, %u failed\n", widths, failed);
    return failed != 0;
}
