/* Runs whole generations that it reads as text from standard input, and prints what test_c_matrix.py compares. It is a
 * program for hosts (libc, malloc); the core is not. Its input are numbers, separated by white space:
 *   inputs outputs ticks layers readout gain; then for each layer: size threshold leak_shift refractory; without a
 *   layer: input_segments
 *   estimator pairs rank segments fitness penalty learn_above sigma_hidden sigma_readout seed std_hidden std_readout
 *   the number of recordings; then for each: label, bytes, and the stream in hexadecimal
 *   the number of generations; then for each: m n (hidden) m n (readout), the number of recordings and their indices */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/egg_stream.h"
#include "estimators/egg_eprop.h"
#include "estimators/egg_estimator.h"
#include "estimators/egg_sweep.h"

static unsigned next(void) {
    unsigned x;
    if (scanf("%u", &x) != 1) {
        fprintf(stderr, "driver: the input ended early\n");
        exit(2);
    }
    return x;
}

static void check(egg_status status, const char *what) {
    if (status == EGG_OK) return;
    fprintf(stderr, "driver: %s: %s\n", what, egg_status_text(status));
    exit(3);
}

/* allocated to the byte, so that a sanitizer notices the first byte beyond */
static void *need(size_t bytes) {
    void *p = malloc(bytes);
    if (p == NULL) exit(4);
    memset(p, 0x55, bytes);
    return p;
}

typedef struct {
    unsigned label;
    uint8_t *stream;
} recording;

static void print_signed(const int8_t *fitness_bytes, unsigned n) {
    for (unsigned i = 0; i < n; i++) printf(" %d", fitness_bytes[i]);
}

static void batch(const egg_generation *gen, egg_workspace *ws, const recording *recordings, const unsigned *index,
                  unsigned n) {
    unsigned pairs = gen->es.pairs;
    size_t marks = (gen->net->config.inputs + 8u) / 8u;
    int32_t *fitness_diff = need(pairs * sizeof *fitness_diff);
    int8_t *fitness_bytes = need(pairs);
    uint8_t *active = need(marks);
    memset(fitness_diff, 0, pairs * sizeof *fitness_diff);
    memset(active, 0, marks);
    for (unsigned i = 0; i < n; i++) {
        const recording *s = &recordings[index[i]];
        egg_result r = egg_batch_evaluate(gen, ws, s->stream, s->label, fitness_diff);
        egg_batch_mark(&gen->net->config, s->stream, active);
        printf(" loss %d %d", (int)r.loss, r.predicted == s->label);
    }
    egg_shape_fitness(fitness_diff, pairs, fitness_bytes);
    egg_batch_update(gen, ws, fitness_bytes, active);
    printf(" f");
    print_signed(fitness_bytes, pairs);
    free(fitness_diff);
    free(fitness_bytes);
    free(active);
}

static void sample_generation(const egg_generation *gen, egg_workspace *ws, const recording *recordings,
                              const unsigned *index, unsigned n) {
    const egg_net_config *c = &gen->net->config;
    size_t weights = egg_net_bytes(c);
    int8_t *fitness_bytes = need(gen->es.pairs);
    int32_t *sum = need(weights * sizeof *sum);
    memset(sum, 0, weights * sizeof *sum);
    for (unsigned i = 0; i < n; i++) {
        const recording *s = &recordings[index[i]];
        uint8_t exponent;
        egg_result r = egg_sample_evaluate(gen, ws, i, s->stream, s->label, fitness_bytes, &exponent);
        egg_sample_credit(gen, ws, i, fitness_bytes, exponent);
        if (n == 1)
            egg_sample_update_online(gen, ws, s->stream);
        else
            egg_sample_accumulate(gen, ws, s->stream, sum);
        printf(" loss %d %d e %u f", (int)r.loss, r.predicted == s->label, exponent);
        print_signed(fitness_bytes, gen->es.pairs);
    }
    for (uint32_t m = 0; n > 1 && m < egg_net_matrices(c); m++)
        egg_sample_finish(gen, ws, m, 0, egg_net_rows(c, m), sum);
    free(fitness_bytes);
    free(sum);
}

static void credit_generation(const egg_generation *gen, egg_workspace *ws, const recording *recordings,
                              const unsigned *index, unsigned n) {
    const egg_net_config *c = &gen->net->config;
    size_t weights = egg_net_bytes(c);
    int32_t *sum = need(weights * sizeof *sum);
    memset(sum, 0, weights * sizeof *sum);
    for (unsigned i = 0; i < n; i++) {
        const recording *s = &recordings[index[i]];
        egg_result r = (gen->es.estimator == EGG_ESTIMATOR_EPROP ? egg_eprop_evaluate : egg_sweep_evaluate)(
            gen, ws, s->stream, s->label);
        egg_sample_accumulate(gen, ws, s->stream, n == 1 ? NULL : sum);
        printf(" loss %d %d", (int)r.loss, r.predicted == s->label);
    }
    for (uint32_t m = 0; n > 1 && m < egg_net_matrices(c); m++)
        egg_sample_finish(gen, ws, m, 0, egg_net_rows(c, m), sum);
    free(sum);
}

int main(void) {
    egg_net_config c;
    memset(&c, 0, sizeof c);
    c.inputs = (uint16_t)next();
    c.outputs = (uint16_t)next();
    c.ticks = (uint8_t)next();
    c.layers = (uint8_t)next();
    c.readout = (uint8_t)next();
    c.gain = (uint8_t)next();
    for (unsigned l = 0; l < c.layers; l++) {
        c.layer[l].size = (uint16_t)next();
        c.layer[l].threshold = (uint16_t)next();
        c.layer[l].leak_shift = (uint8_t)next();
        c.layer[l].refractory = (uint8_t)next();
    }
    if (c.layers == 0) c.input_segments = (uint8_t)next();
    egg_net net;
    egg_generation gen;
    memset(&gen, 0, sizeof gen);
    gen.net = &net;
    gen.es.estimator = (uint8_t)next();
    gen.es.pairs = (uint16_t)next();
    gen.es.rank = (uint8_t)next();
    gen.es.segments = (uint8_t)next();
    gen.es.fitness = (uint8_t)next();
    gen.es.penalty = (uint16_t)next();
    gen.es.learn_above = (uint16_t)next();
    gen.sigma.hidden = (uint16_t)next();
    gen.sigma.readout = (uint16_t)next();
    gen.seed = next();
    unsigned std_hidden = next(), std_readout = next();

    check(egg_estimator_check(&c, &gen.es), "config");
    size_t weights = egg_net_bytes(&c), bytes = egg_workspace_bytes(&c, &gen.es);
    int8_t *memory = need(weights);
    void *scratch = need(bytes);
    egg_workspace ws;
    check(egg_net_init(&net, &c, memory, weights), "net");
    check(egg_workspace_init(&ws, &c, &gen.es, scratch, bytes), "workspace");
    egg_net_randomize(&net, gen.seed, std_hidden, std_readout);
    printf("start %08x\n", (unsigned)egg_net_digest(&net));

    unsigned count = next();
    recording *recordings = need(count * sizeof *recordings);
    for (unsigned i = 0; i < count; i++) {
        recordings[i].label = next();
        unsigned n = next();
        recordings[i].stream = need(n);
        for (unsigned k = 0; k < n; k++) {
            unsigned byte;
            if (scanf("%2x", &byte) != 1) return 2;
            recordings[i].stream[k] = (uint8_t)byte;
        }
        check(egg_stream_check(recordings[i].stream, n, c.ticks, c.inputs), "stream");
    }
    for (unsigned generations = next(); gen.generation < generations; gen.generation++) {
        gen.learning_rate_hidden.m = (uint8_t)next();
        gen.learning_rate_hidden.n = (uint8_t)next();
        gen.learning_rate_readout.m = (uint8_t)next();
        gen.learning_rate_readout.n = (uint8_t)next();
        check(egg_generation_check(&gen), "generation");
        unsigned n = next();
        unsigned *index = need(n * sizeof *index);
        for (unsigned i = 0; i < n; i++) index[i] = next();
        printf("generation");
        if (gen.es.estimator == EGG_ESTIMATOR_SWEEP || gen.es.estimator == EGG_ESTIMATOR_EPROP)
            credit_generation(&gen, &ws, recordings, index, n);
        else
            (gen.es.estimator == EGG_ESTIMATOR_BATCH ? batch : sample_generation)(&gen, &ws, recordings, index, n);
        printf(" digest %08x\n", (unsigned)egg_net_digest(&net));
        free(index);
    }
    for (unsigned i = 0; i < count; i++) free(recordings[i].stream);
    free(recordings);
    free(memory);
    free(scratch);
    return 0;
}
