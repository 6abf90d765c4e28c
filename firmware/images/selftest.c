/* The selftest: builds each network in the given memory, repeats its training run and compares the digests. */
#include "images/selftest.h"

#include "link/egg_session.h"

#define GENERATIONS 3u

typedef struct {
    const uint8_t *stream;
    uint8_t label;
} selftest_recording;

typedef struct {
    const char *name;
    egg_net_config net;
    egg_estimator_config es;
    egg_sigma sigma;
    egg_learning_rate hidden, readout;
    uint8_t batch;                     /* recordings of a generation */
    uint32_t digest[GENERATIONS + 1u]; /* before the first generation, and after each */
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

/* Recording i of a generation: all runs go through the same recordings, in their order. */
static const selftest_recording *recording(const selftest_case *c, uint32_t generation, uint32_t i) {
    return &selftest_recordings[(generation * c->batch + i) % SELFTEST_RECORDINGS];
}

static void batch(const selftest_case *c, const egg_generation *gen, egg_workspace *ws, int32_t *fitness_diff,
                  int8_t *fitness_bytes, uint8_t *active) {
    zero(fitness_diff, c->es.pairs * sizeof *fitness_diff);
    zero(active, (c->net.inputs + 8u) / 8u);
    for (uint32_t i = 0; i < c->batch; i++) {
        const selftest_recording *r = recording(c, gen->generation, i);
        egg_batch_evaluate(gen, ws, r->stream, r->label, fitness_diff);
        egg_batch_mark(&c->net, r->stream, active);
    }
    egg_shape_fitness(fitness_diff, c->es.pairs, fitness_bytes);
    egg_batch_update(gen, ws, fitness_bytes, active);
}

/* Whether the run has this estimator, and the image too. */
static bool uses(const selftest_case *c, uint32_t estimator) {
    return (EGG_SESSION_ESTIMATORS >> estimator & 1u) != 0 && c->es.estimator == estimator;
}

static void online(const selftest_case *c, const egg_generation *gen, egg_workspace *ws, int8_t *fitness_bytes) {
    const selftest_recording *r = recording(c, gen->generation, 0);
    if (uses(c, EGG_ESTIMATOR_SAMPLE)) {
        uint8_t exponent;
        egg_sample_evaluate(gen, ws, 0, r->stream, r->label, fitness_bytes, &exponent);
        egg_sample_credit(gen, ws, 0, fitness_bytes, exponent);
    }
    if (uses(c, EGG_ESTIMATOR_SWEEP)) egg_sweep_evaluate(gen, ws, r->stream, r->label);
    egg_sample_update_online(gen, ws, r->stream);
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
    t->gen.seed = SELFTEST_SEED;
    t->gen.sigma = c->sigma;
    t->gen.learning_rate_hidden = c->hidden;
    t->gen.learning_rate_readout = c->readout;
    if (egg_generation_check(&t->gen) != EGG_OK) return 1;
    egg_net_randomize(&t->net, SELFTEST_SEED, SELFTEST_STD_HIDDEN, SELFTEST_STD_READOUT);
    uint32_t differ = egg_net_digest(&t->net) != c->digest[0];
    while (t->gen.generation < GENERATIONS) {
        if (uses(c, EGG_ESTIMATOR_BATCH))
            batch(c, &t->gen, &t->ws, fitness_diff, fitness_bytes, active);
        else
            online(c, &t->gen, &t->ws, fitness_bytes);
        uint32_t digest = egg_net_digest(&t->net), expected = c->digest[t->gen.generation + 1u];
        if (digest != expected) differ++;
        if (report != NULL) report(c->name, t->gen.generation, digest, expected);
        t->gen.generation++;
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
