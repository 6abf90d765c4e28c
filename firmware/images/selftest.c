/* The selftest: builds each network in the given memory, repeats its training run and compares the digests. */
#include "images/selftest.h"

#include "base/egg_stream.h"
#include "link/egg_session.h"

typedef struct {
    const uint8_t *stream;
    uint16_t bytes;
    uint8_t label;
} selftest_recording;

typedef struct {
    uint32_t digest;
    egg_learning_rate hidden, readout;
    const uint8_t *order; /* indices of the recordings to train on */
} selftest_generation;

typedef struct {
    const char *name;
    egg_net_config net;
    egg_estimator_config es;
    egg_sigma sigma;
    uint32_t seed, initial;
    uint8_t std_hidden, std_readout, batch, generations;
    const selftest_recording *recordings;
    const selftest_generation *generation;
} selftest_case;

#include "images/selftest_vectors.h"

/* Memory that is not used yet; take() cuts pieces of it that are aligned to 4. */
typedef struct {
    uint8_t *next;
    size_t left;
} pool;

static void *take(pool *p, size_t bytes) {
    bytes = (bytes + 3u) & ~(size_t)3u;
    if (bytes > p->left) return NULL;
    void *piece = p->next;
    p->next += bytes;
    p->left -= bytes;
    return piece;
}

static void zero(void *memory, size_t bytes) {
    for (uint8_t *b = memory; bytes > 0; bytes--) *b++ = 0;
}

static void batch(const selftest_case *c, const selftest_generation *g, const egg_generation *gen, egg_workspace *ws,
                  int32_t *fitness_diff, int8_t *fitness_bytes, uint8_t *active) {
    zero(fitness_diff, c->es.pairs * sizeof *fitness_diff);
    zero(active, (c->net.inputs + 8u) / 8u);
    for (uint32_t i = 0; i < c->batch; i++) {
        const selftest_recording *s = &c->recordings[g->order[i]];
        egg_batch_evaluate(gen, ws, s->stream, s->label, fitness_diff);
        egg_batch_mark(&c->net, s->stream, active);
    }
    egg_shape_fitness(fitness_diff, c->es.pairs, fitness_bytes);
    egg_batch_update(gen, ws, fitness_bytes, active);
}

/* Whether this image has an estimator. */
static bool has(uint32_t estimator) {
    return (EGG_SESSION_ESTIMATORS >> estimator & 1u) != 0;
}

static void online(const selftest_case *c, const selftest_generation *g, const egg_generation *gen, egg_workspace *ws,
                   int8_t *fitness_bytes) {
    const selftest_recording *s = &c->recordings[g->order[0]];
    if (has(EGG_ESTIMATOR_SAMPLE) && c->es.estimator == EGG_ESTIMATOR_SAMPLE) {
        uint8_t exponent;
        egg_sample_evaluate(gen, ws, 0, s->stream, s->label, fitness_bytes, &exponent);
        egg_sample_credit(gen, ws, 0, fitness_bytes, exponent);
    } else if (has(EGG_ESTIMATOR_SWEEP)) {
        egg_sweep_evaluate(gen, ws, s->stream, s->label);
    }
    egg_sample_update_online(gen, ws, s->stream);
}

typedef struct {
    egg_net net;
    egg_workspace ws;
    egg_generation gen;
} trainer; /* in the given memory, because the stack is small */

static uint32_t run(const selftest_case *c, pool p, selftest_report report) {
    trainer *t = take(&p, sizeof *t);
    if (t == NULL || egg_estimator_check(&c->net, &c->es) != EGG_OK) return 1;
    size_t weights = egg_net_bytes(&c->net), scratch = egg_workspace_bytes(&c->net, &c->es);
    int8_t *memory = take(&p, weights);
    void *work = take(&p, scratch);
    int32_t *fitness_diff = take(&p, c->es.pairs * sizeof *fitness_diff);
    int8_t *fitness_bytes = take(&p, c->es.pairs);
    uint8_t *active = take(&p, (c->net.inputs + 8u) / 8u);
    if (memory == NULL || work == NULL || fitness_diff == NULL || fitness_bytes == NULL || active == NULL) return 1;
    if (egg_net_init(&t->net, &c->net, memory, weights) != EGG_OK) return 1;
    if (egg_workspace_init(&t->ws, &c->net, &c->es, work, scratch) != EGG_OK) return 1;

    zero(&t->gen, sizeof t->gen);
    t->gen.net = &t->net;
    t->gen.es = c->es;
    t->gen.seed = c->seed;
    t->gen.sigma = c->sigma;
    egg_net_randomize(&t->net, c->seed, c->std_hidden, c->std_readout);
    uint32_t differ = egg_net_digest(&t->net) != c->initial;
    for (; t->gen.generation < c->generations; t->gen.generation++) {
        const selftest_generation *g = &c->generation[t->gen.generation];
        t->gen.learning_rate_hidden = g->hidden;
        t->gen.learning_rate_readout = g->readout;
        if (egg_generation_check(&t->gen) != EGG_OK) return differ + 1u;
        for (uint32_t i = 0; i < c->batch; i++) {
            const selftest_recording *s = &c->recordings[g->order[i]];
            if (egg_stream_check(s->stream, s->bytes, c->net.ticks, c->net.inputs) != EGG_OK) return differ + 1u;
        }
        if (has(EGG_ESTIMATOR_BATCH) && c->es.estimator == EGG_ESTIMATOR_BATCH)
            batch(c, g, &t->gen, &t->ws, fitness_diff, fitness_bytes, active);
        else
            online(c, g, &t->gen, &t->ws, fitness_bytes);
        uint32_t digest = egg_net_digest(&t->net);
        if (digest != g->digest) differ++;
        if (report != NULL) report(c->name, t->gen.generation, digest, g->digest);
    }
    return differ;
}

uint32_t selftest_run(void *memory, size_t bytes, selftest_report report) {
    pool p = {memory, bytes};
    uint32_t differ = 0;
    for (uint32_t i = 0; i < sizeof selftest_cases / sizeof selftest_cases[0]; i++)
        differ += run(&selftest_cases[i], p, report);
    return differ;
}
