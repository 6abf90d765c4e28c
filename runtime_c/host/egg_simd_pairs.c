#include "host/egg_simd_pairs.h"

#include "base/egg_loss.h"
#include "estimators/egg_estimator_private.h"
#include "host/egg_simd_pairs_private.h"
#include "host/egg_simd_private.h"

/* The loops of one width of vectors. */
typedef struct {
    uint32_t pairs;   /* in lanes at once */
    uint32_t average; /* whether there is an averaging neuron */
    void (*scale)(const egg_simd_job *job, uint32_t n, int32_t sigma, int32_t limit);
    uint32_t (*patterns)(const egg_simd_job *job);
    uint32_t (*find_movable)(const egg_simd_job *job, uint32_t pair0, uint32_t pairs);
    void (*evaluate)(const egg_simd_job *job, uint32_t pair0, int32_t *fitness_diff);
} pairs_kernel;

#define EGG_IMPL "host/egg_simd_pairs_impl.h"
#define EGG_IMPL_VNNI
#include "kernels/egg_simd_variants_impl.h"

/* NULL if there is none for the kernels of the workspace. */
static const pairs_kernel *kernel_of(const egg_workspace *ws) {
    static const pairs_kernel *const variants[] = EGG_VARIANTS(NULL, pairs);
    return variants[EGG_VECTORS ? egg_simd_vnni_level(ws->kernels) : 0];
}

bool egg_simd_pairs_fit(const egg_net_config *net, const egg_estimator_config *es, const egg_workspace *ws) {
    if (kernel_of(ws) == NULL || net->layers > 1 || egg_is_convolution(net, 0)) return false;
    return es->estimator == EGG_ESTIMATOR_BATCH ||
           (es->estimator == EGG_ESTIMATOR_SAMPLE && es->segments <= EGG_SIMD_SEGMENTS_MAX);
}

/* Rounds up to whole vectors. */
static size_t aligned(size_t bytes) {
    return (bytes + EGG_SIMD_VECTOR_BYTES - 1u) & ~(size_t)(EGG_SIMD_VECTOR_BYTES - 1u);
}

/* Groups of four neurons. */
static size_t quads(const egg_net_config *c) {
    return (c->layer[0].size + 3u) / 4u;
}

static size_t weight_bytes(const egg_net_config *c) {
    return aligned((size_t)c->layer[0].size * egg_simd_columns(c) * sizeof(uint32_t));
}

static size_t packed_bytes(const egg_net_config *c) {
    return aligned(quads(c) * egg_simd_columns(c) * sizeof(uint32_t));
}

static size_t neuron_bytes(const egg_net_config *c) { /* one more, because the entry behind the list is written, too */
    return aligned((c->layer[0].size + 1u) * sizeof(egg_simd_neuron));
}

static size_t base_bytes(const egg_net_config *c) {
    return aligned((c->layer[0].size + 3u) * c->ticks * sizeof(int16_t));
}

static size_t word_bytes(const egg_net_config *c, const egg_estimator_config *es) {
    uint32_t ranks = es->estimator == EGG_ESTIMATOR_BATCH ? es->rank : 1;
    return aligned(2u * egg_simd_stride(c, ranks) * sizeof(uint32_t));
}

static size_t table_bytes(const egg_net_config *c, const egg_estimator_config *es) {
    return es->estimator == EGG_ESTIMATOR_SAMPLE ? quads(c) * 4u * EGG_SIMD_PATTERNS * sizeof(int16_t) : 0;
}

size_t egg_simd_pairs_bytes(const egg_net_config *c, const egg_estimator_config *es) {
    return weight_bytes(c) + packed_bytes(c) + neuron_bytes(c) + base_bytes(c) + word_bytes(c, es) +
           table_bytes(c, es) + quads(c) * 8u * EGG_SIMD_VECTOR_BYTES;
}

void egg_simd_pairs_prepare(const egg_net *net, void *scratch) {
    const egg_net_config *c = &net->config;
    uint32_t *weights = (uint32_t *)scratch;
    if (c->readout == EGG_READOUT_SPIKES) return;
    egg_zero(weights, weight_bytes(c));
    for (uint32_t h = 0; h < c->layer[0].size; h++, weights += egg_simd_columns(c))
        for (uint32_t j = 0; j < c->outputs; j++) weights[j] = (uint8_t)net->weights[1][h * c->outputs + j];
}

/* Packs the readout weights of the neurons in the list. */
static void pack(const egg_simd_job *job) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t columns = egg_simd_columns(c), *out = job->packed;
    if (c->readout == EGG_READOUT_SPIKES) return;
    for (uint32_t i = 0; i < job->listed; i++, out += i % 4u ? 0 : columns) {
        const uint32_t *w = job->weights + job->neurons[i].neuron * columns;
        uint32_t shift = 8u * (i % 4u);
        for (uint32_t j = 0; j < columns; j++) out[j] = (shift ? out[j] : 0) | w[j] << shift;
    }
}

/* The job of one recording. Leaves the base currents, neuron by neuron, in scratch. */
static egg_simd_job job_of(const egg_generation *gen, egg_workspace *ws, void *scratch, const uint8_t *stream,
                           uint32_t label) {
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[0].size, padded = egg_padded(size), sample = gen->es.estimator == EGG_ESTIMATOR_SAMPLE;
    egg_simd_job job;
    uint8_t *memory = (uint8_t *)scratch;
    job.gen = gen;
    job.label = label;
    job.position = 0;
    job.ranks = sample ? 1 : gen->es.rank;
    job.average = kernel_of(ws)->average && c->layer[0].leak_shift == 1 && c->layer[0].refractory == 0;
    job.s = ws->projection;
    job.weights = (const uint32_t *)(const void *)memory;
    job.packed = (uint32_t *)(void *)(memory += weight_bytes(c));
    job.neurons = (egg_simd_neuron *)(void *)(memory += packed_bytes(c));
    job.base = (int16_t *)(void *)(memory += neuron_bytes(c));
    job.words = (uint32_t *)(void *)(memory += base_bytes(c));
    memory += word_bytes(c, &gen->es);
    job.tables = sample ? (int16_t *)(void *)memory : NULL;
    job.counts = memory + table_bytes(c, &gen->es);
    job.listed = 0;
    job.shared = ws->base;

    egg_forward_share(gen->net, ws, stream);
    int16_t *out = job.base;
    for (uint32_t h = 0; h < size; h++)
        for (uint32_t t = 0; t < c->ticks; t++) {
            int32_t current = ws->base[t * padded + h];
            *out++ = (int16_t)(job.average ? 2 * current + INT16_MIN : current);
        }
    return job;
}

/* Runs the unperturbed net. */
static egg_result unperturbed(const egg_generation *gen, egg_workspace *ws, uint32_t label) {
    static const egg_sigma none = {0, 0};
    uint32_t spikes = egg_forward_member(gen->net, NULL, none, ws, 0, 0);
    return egg_forward_result(gen->net, ws, spikes, label);
}

/* job->s of the pairs of `words` sign words from word0 on. */
static void perturb(const egg_simd_job *job, const egg_workspace *ws, const uint8_t *stream, uint32_t word0,
                    uint32_t words) {
    static const egg_key none = {0, 0};
    const egg_generation *gen = job->gen;
    const egg_net_config *c = &gen->net->config;
    uint32_t rows = egg_net_rows(c, 0);
    int16_t *s = job->s;
    for (uint32_t r = 0; r < job->ranks; r++) {
        const uint32_t *noise =
            gen->noise + ((size_t)(word0 / EGG_SIGN_WORDS) * job->ranks + r) * rows * EGG_SIGN_WORDS;
        const uint8_t *tick = stream;
        for (uint32_t t = 0; t < c->ticks; t++, s += 32u * EGG_SIGN_WORDS)
            tick = ws->kernels->project(tick, noise, none, rows - 1u, word0, words, s);
    }
    kernel_of(ws)->scale(job, job->ranks * c->ticks * 32u * EGG_SIGN_WORDS, gen->sigma.hidden,
                         egg_forward_perturbation_limit(&c->layer[0]) / (int32_t)job->ranks);
}

/* Lists the neurons that some of the EGG_SIMD_MOVABLE_PAIRS pairs from pair0 on must run. */
static void list_neurons(egg_simd_job *job, const pairs_kernel *kernel, uint32_t pair0) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t pairs = job->gen->es.pairs - pair0;
    if (c->layer[0].refractory == 0) {
        job->listed = kernel->find_movable(job, pair0, pairs < EGG_SIMD_MOVABLE_PAIRS ? pairs : EGG_SIMD_MOVABLE_PAIRS);
    } else { /* find_movable() does not support a refractory time: list all */
        for (uint32_t h = 0; h < c->layer[0].size; h++) {
            egg_simd_neuron all = {(uint16_t)h, 0, c->ticks, 0};
            job->neurons[h] = all;
        }
        job->listed = c->layer[0].size;
    }
    pack(job);
}

egg_result egg_simd_pairs_batch(const egg_generation *gen, egg_workspace *ws, void *scratch, const uint8_t *stream,
                                uint32_t label, int32_t *fitness_diff) {
    const pairs_kernel *kernel = kernel_of(ws);
    egg_simd_job job = job_of(gen, ws, scratch, stream, label);
    uint32_t pairs = gen->es.pairs, words = egg_pair_words(&gen->es);
    for (uint32_t word0 = 0; word0 < words; word0 += EGG_SIGN_WORDS) {
        perturb(&job, ws, stream, word0, words - word0 < EGG_SIGN_WORDS ? words - word0 : EGG_SIGN_WORDS);
        for (uint32_t p = 32u * word0; p < pairs && p < 32u * (word0 + EGG_SIGN_WORDS); p += kernel->pairs) {
            if (p % EGG_SIMD_MOVABLE_PAIRS == 0) list_neurons(&job, kernel, p);
            kernel->evaluate(&job, p, fitness_diff + p);
        }
    }
    return unperturbed(gen, ws, label);
}

egg_result egg_simd_pairs_sample(const egg_generation *gen, egg_workspace *ws, void *scratch, uint32_t position,
                                 const uint8_t *stream, uint32_t label, int8_t *fitness_bytes, uint8_t *exponent) {
    const pairs_kernel *kernel = kernel_of(ws);
    egg_simd_job job = job_of(gen, ws, scratch, stream, label);
    job.position = position;
    job.listed = kernel->patterns(&job);
    pack(&job);
    egg_zero(ws->fitness_diff, gen->es.pairs * sizeof *ws->fitness_diff);
    for (uint32_t p = 0; p < gen->es.pairs; p += kernel->pairs) kernel->evaluate(&job, p, ws->fitness_diff + p);
    egg_sample_shape_fitness(ws->fitness_diff, gen->es.pairs, fitness_bytes, exponent);
    return unperturbed(gen, ws, label);
}
