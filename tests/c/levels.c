/* Runs generations with the hot loops of every vector width that this machine has, and of none (level 0, what devices
 * run); all must give the same bits. Prints a CRC of each case, so that machines can be compared, too. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign() */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "egg_kernel.h"
#include "host/egg_host.h"
#include "host/egg_steps.h"

enum { SAMPLES = 4, GENERATIONS = 2, TICKS = 9, STREAM_MAX = 4096 };

typedef struct {
    uint8_t estimator;
    uint16_t inputs, hidden, pairs;
    uint8_t rank, segments, leak_shift, refractory, spikes, online, fitness;
} shape;

static const shape SHAPES[] = {
    {EGG_BATCH, 90, 70, 512, 1, 1, 1, 0, 0, 0, EGG_FITNESS_XENT},     /* the common case: halving leak */
    {EGG_BATCH, 90, 33, 200, 3, 1, 1, 0, 0, 0, EGG_FITNESS_XENT},     /* ranks, part of a vector */
    {EGG_BATCH, 40, 128, 65, 1, 1, 3, 0, 0, 0, EGG_FITNESS_ACCURACY}, /* another leak */
    {EGG_BATCH, 40, 17, 40, 2, 1, 2, 2, 0, 0, EGG_FITNESS_XENT},      /* refractory */
    {EGG_BATCH, 40, 5, 130, 1, 1, 1, 0, 1, 0, EGG_FITNESS_XENT},      /* spikes as outputs */
    {EGG_SAMPLE, 90, 70, 256, 1, 5, 1, 0, 0, 0, EGG_FITNESS_XENT},    /* tables of 2^5 patterns */
    {EGG_SAMPLE, 90, 33, 100, 1, 3, 3, 0, 0, 0, EGG_FITNESS_XENT},    /* another leak */
    {EGG_SAMPLE, 40, 16, 31, 1, 4, 1, 1, 0, 1, EGG_FITNESS_ACCURACY}, /* online, refractory */
    {EGG_SAMPLE, 40, 40, 64, 1, 8, 1, 0, 0, 1, EGG_FITNESS_XENT},     /* more segments than tables have */
    {EGG_SAMPLE, 40, 6, 96, 1, 2, 1, 0, 1, 0, EGG_FITNESS_XENT},      /* spikes as outputs */
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

/* SAMPLES recordings with about a third of the inputs in each tick */
static void record(egg_data *data, uint32_t inputs, uint32_t outputs, uint8_t *streams, uint64_t *offsets,
                   uint8_t *labels) {
    uint64_t at = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        offsets[i] = at;
        labels[i] = (uint8_t)draw(outputs);
        for (uint32_t t = 0; t < TICKS; t++) {
            int32_t last = -1;
            for (int32_t j = 0; j < (int32_t)inputs; j++)
                if (draw(3) == 0) streams[at++] = (uint8_t)(j - last), last = j;
            streams[at++] = 0;
        }
    }
    offsets[SAMPLES] = at;
    data->streams = streams;
    data->offsets = offsets;
    data->labels = labels;
}

/* Fitness bytes of all generations, then the weights. */
static uint32_t run(const shape *s, const egg_data *data, const egg_kernels *kernels) {
    egg_net_config c = {.inputs = s->inputs, .outputs = s->spikes ? s->hidden : 7, .ticks = TICKS, .layers = 1};
    c.readout = s->spikes ? EGG_READOUT_SPIKES : EGG_READOUT_INTEGRATE;
    c.gain = s->spikes ? 10 : 3;
    c.layer[0].size = s->hidden;
    c.layer[0].threshold = 160;
    c.layer[0].leak_shift = s->leak_shift;
    c.layer[0].refractory = s->refractory;
    egg_es_config es = {.estimator = s->estimator, .pairs = s->pairs, .rank = s->rank, .segments = s->segments};
    es.fitness = s->fitness;
    es.penalty = 3;
    egg_net net;
    egg_ws ws;
    int8_t *weights = zeroed(egg_net_bytes(&c));
    check(egg_net_init(&net, &c, weights, egg_net_bytes(&c)));
    egg_net_randomize(&net, 11, 30, 30);
    size_t bytes = egg_ws_bytes(&c, &es);
    void *memory = zeroed(bytes), *scratch = zeroed(egg_host_scratch(&c, &es));
    check(egg_ws_init(&ws, &c, &es, memory, bytes));
    ws.kernels = kernels;
    egg_gen gen = {.net = &net, .es = es, .seed = 5};
    uint32_t sample = s->estimator == EGG_SAMPLE;
    gen.sigma.hidden = sample ? 70 : 500;
    gen.sigma.readout = sample ? 3000 : 400;
    gen.rate_hidden = gen.rate_readout = (egg_rate){100, sample ? 7 : 5};
    check(egg_gen_check(&gen));
    int32_t *diff = zeroed(s->pairs * sizeof *diff), *sum = zeroed(egg_net_bytes(&c) * sizeof *sum);
    int8_t *f = zeroed((size_t)SAMPLES * s->pairs);
    uint8_t *active = zeroed((c.inputs + 8u) / 8u), *e = zeroed(SAMPLES);
    uint32_t *noise = zeroed(egg_batch_noise_words(&c, &es) * sizeof *noise), index[SAMPLES] = {0, 1, 2, 3}, crc = 0;
    egg_credit credit, *parts[1] = {&credit};
    void *held = zeroed(egg_credit_bytes(&c, &es, SAMPLES));
    egg_credit_init(&credit, &c, &es, SAMPLES, held);
    egg_tally tally = {0, 0, 0, 0};
    for (gen.generation = 0; gen.generation < GENERATIONS; gen.generation++) {
        if (sample && s->online) {
            egg_host_online(&gen, &ws, scratch, data, index, SAMPLES, 0, f, e, &tally);
        } else if (sample) {
            egg_host_sample(&gen, &ws, scratch, data, index, SAMPLES, 0, 0, f, e, &credit, &tally);
            for (uint32_t m = 0; m < egg_net_matrices(&c); m++)
                egg_credit_learn(&gen, &ws, parts, 1, m, 0, egg_net_rows(&c, m), NULL, 1);
        } else {
            egg_batch_noise(&gen, 0, egg_net_rows(&c, 0), noise);
            gen.noise = noise;
            memset(diff, 0, s->pairs * sizeof *diff);
            memset(active, 0, (c.inputs + 8u) / 8u);
            egg_host_batch(&gen, &ws, scratch, data, index, SAMPLES, diff, active, &tally);
            egg_shape(diff, s->pairs, f);
            for (uint32_t m = 0; m < egg_net_matrices(&c); m++) {
                uint32_t rows = egg_net_rows(&c, m);
                egg_steps_batch(&gen, &ws, f, active, m, 0, rows, sum, scratch);
                egg_apply(&gen, &ws, m, 0, rows, sum);
            }
        }
        crc = egg_crc32(crc, f, (size_t)s->pairs * (sample ? SAMPLES : 1u));
        crc = egg_crc32(crc, e, SAMPLES);
    }
    crc = egg_crc32(crc, weights, egg_net_bytes(&c));
    void *all[] = {weights, memory, scratch, diff, sum, f, active, e, noise, held};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return crc;
}

int main(void) {
    static uint8_t streams[SAMPLES * STREAM_MAX], labels[SAMPLES];
    static uint64_t offsets[SAMPLES + 1];
    unsigned widths = 0, failed = 0;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        const shape *s = &SHAPES[i];
        egg_data data;
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
