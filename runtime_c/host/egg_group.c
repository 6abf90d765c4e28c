#include "egg_group.h"

#include "../egg_es_private.h"
#include "../egg_fx.h"
#include "../egg_kernel.h"
#include "../egg_loss.h"
#include "egg_group_private.h"

#define EGG_BODY "egg_group_body.h"
#include "egg_widths.h"

/* One vector width: pairs in lanes at once, s from projections, diff[pairs of the lanes] from s. */
typedef struct {
    uint32_t pairs, average;
    void (*scale)(const egg_group_job *job, uint32_t n, int32_t sigma, int32_t limit);
    uint32_t (*patterns)(const egg_group_job *job);
    uint32_t (*settle)(const egg_group_job *job, uint32_t pair0, uint32_t pairs);
    void (*eval)(const egg_group_job *job, uint32_t pair0, int32_t *diff);
} group_kernel;

static const group_kernel *kernel_of(const egg_ws *ws) {
    if (ws->kernels == egg_kernel_level(0)) return NULL;
#if defined(__GNUC__) && EGG_PAD > 1
    static const group_kernel v16 = {16, average_v16, scale_v16, patterns_v16, settle_v16, group_v16};
#if defined(__x86_64__)
    static const group_kernel avx2 = {32, average_avx2, scale_avx2, patterns_avx2, settle_avx2, group_avx2};
    static const group_kernel avx512 = {64, average_avx512, scale_avx512, patterns_avx512, settle_avx512, group_avx512};
    if (ws->kernels == egg_kernel_level(3)) return __builtin_cpu_supports("avx512vnni") ? &avx512 : &avx2;
    if (ws->kernels == egg_kernel_level(2)) return &avx2;
#endif
    if (ws->kernels == egg_kernel_level(1)) return &v16;
#endif
    return NULL;
}

uint32_t egg_group_fits(const egg_net_config *net, const egg_es_config *es, const egg_ws *ws) {
    if (kernel_of(ws) == NULL || net->layers > 1) return 0;
    return es->estimator == EGG_BATCH || (es->estimator == EGG_SAMPLE && es->segments <= EGG_GROUP_SEGMENTS);
}

static size_t aligned(size_t bytes) {
    return (bytes + EGG_GROUP_VECTOR - 1u) & ~(size_t)(EGG_GROUP_VECTOR - 1u);
}

static size_t quads(const egg_net_config *c) {
    return (c->layer[0].size + 3u) / 4u;
}

static size_t weight_bytes(const egg_net_config *c) {
    return aligned((size_t)c->layer[0].size * egg_group_columns(c) * sizeof(uint32_t));
}

static size_t packed_bytes(const egg_net_config *c) {
    return aligned(quads(c) * egg_group_columns(c) * sizeof(uint32_t));
}

static size_t live_bytes(const egg_net_config *c) { /* one more: what is no neuron of the list is written, too */
    return aligned((c->layer[0].size + 1u) * sizeof(egg_group_live));
}

static size_t base_bytes(const egg_net_config *c) {
    return aligned((c->layer[0].size + 3u) * c->ticks * sizeof(int16_t));
}

static size_t word_bytes(const egg_net_config *c, const egg_es_config *es) {
    uint32_t ranks = es->estimator == EGG_BATCH ? es->rank : 1;
    return aligned(2u * egg_group_stride(c, ranks) * sizeof(uint32_t));
}

static size_t table_bytes(const egg_net_config *c, const egg_es_config *es) {
    return es->estimator == EGG_SAMPLE ? quads(c) * 4u * EGG_GROUP_PATTERNS * sizeof(int16_t) : 0;
}

size_t egg_group_bytes(const egg_net_config *c, const egg_es_config *es) {
    return weight_bytes(c) + packed_bytes(c) + live_bytes(c) + base_bytes(c) + word_bytes(c, es) + table_bytes(c, es) +
           quads(c) * 8u * EGG_GROUP_VECTOR;
}

void egg_group_prepare(const egg_net *net, void *scratch) {
    const egg_net_config *c = &net->config;
    uint32_t *weights = (uint32_t *)scratch;
    if (c->readout == EGG_READOUT_SPIKES) return;
    egg_zero(weights, weight_bytes(c));
    for (uint32_t h = 0; h < c->layer[0].size; h++, weights += egg_group_columns(c))
        for (uint32_t j = 0; j < c->outputs; j++) weights[j] = (uint8_t)net->weights[1][h * c->outputs + j];
}

/* Packs the readout weights of the live neurons. */
static void pack(const egg_group_job *job) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t columns = egg_group_columns(c), *out = job->packed;
    if (c->readout == EGG_READOUT_SPIKES) return;
    for (uint32_t i = 0; i < job->lives; i++, out += i % 4u ? 0 : columns) {
        const uint32_t *w = job->weights + job->live[i].neuron * columns;
        uint32_t shift = 8u * (i % 4u);
        for (uint32_t j = 0; j < columns; j++) out[j] = (shift ? out[j] : 0) | w[j] << shift;
    }
}

/* The job of one recording; leaves the base currents, neuron by neuron, in scratch. */
static egg_group_job job_of(const egg_gen *gen, egg_ws *ws, void *scratch, const uint8_t *stream, uint32_t label) {
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[0].size, padded = egg_pad(size), sample = gen->es.estimator == EGG_SAMPLE;
    egg_group_job job;
    uint8_t *memory = (uint8_t *)scratch;
    job.gen = gen;
    job.label = label;
    job.pos = 0;
    job.ranks = sample ? 1 : gen->es.rank;
    job.average = kernel_of(ws)->average && c->layer[0].leak_shift == 1 && c->layer[0].refractory == 0;
    job.s = ws->projection;
    job.weights = (const uint32_t *)(const void *)memory;
    job.packed = (uint32_t *)(void *)(memory += weight_bytes(c));
    job.live = (egg_group_live *)(void *)(memory += packed_bytes(c));
    job.base = (int16_t *)(void *)(memory += live_bytes(c));
    job.words = (uint32_t *)(void *)(memory += base_bytes(c));
    memory += word_bytes(c, &gen->es);
    job.tables = sample ? (int16_t *)(void *)memory : NULL;
    job.counts = memory + table_bytes(c, &gen->es);
    job.lives = 0;
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

static egg_result unperturbed(const egg_gen *gen, egg_ws *ws, uint32_t label) {
    static const egg_sigma none = {0, 0};
    uint32_t spikes = egg_forward_member(gen->net, NULL, none, ws, 0, 0);
    return egg_forward_result(gen->net, ws, spikes, label);
}

/* s[rank][ticks] of the pairs of words word0 .. */
static void perturb(const egg_group_job *job, const egg_ws *ws, const uint8_t *stream, uint32_t word0, uint32_t words) {
    static const egg_key none = {0, 0};
    const egg_gen *gen = job->gen;
    const egg_net_config *c = &gen->net->config;
    uint32_t rows = egg_net_rows(c, 0);
    int16_t *s = job->s;
    for (uint32_t r = 0; r < job->ranks; r++) {
        const uint32_t *noise = gen->noise + ((size_t)(word0 / EGG_WORDS) * job->ranks + r) * rows * EGG_WORDS;
        const uint8_t *tick = stream;
        for (uint32_t t = 0; t < c->ticks; t++, s += 32u * EGG_WORDS)
            tick = ws->kernels->project(tick, noise, none, rows - 1u, word0, words, s);
    }
    kernel_of(ws)->scale(job, job->ranks * c->ticks * 32u * EGG_WORDS, gen->sigma.hidden,
                         egg_forward_limit(&c->layer[0]) / (int32_t)job->ranks);
}

/* Lists the neurons that matter to the next EGG_GROUP_SETTLED pairs. */
static void settle(egg_group_job *job, const group_kernel *kernel, uint32_t pair0) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t pairs = job->gen->es.pairs - pair0;
    if (c->layer[0].refractory == 0) {
        job->lives = kernel->settle(job, pair0, pairs < EGG_GROUP_SETTLED ? pairs : EGG_GROUP_SETTLED);
    } else { /* the bounds of egg_group_body.h know nothing of it */
        for (uint32_t h = 0; h < c->layer[0].size; h++) {
            egg_group_live all = {(uint16_t)h, 0, c->ticks, 0};
            job->live[h] = all;
        }
        job->lives = c->layer[0].size;
    }
    pack(job);
}

egg_result egg_group_batch(const egg_gen *gen, egg_ws *ws, void *scratch, const uint8_t *stream, uint32_t label,
                           int32_t *diff) {
    const group_kernel *kernel = kernel_of(ws);
    egg_group_job job = job_of(gen, ws, scratch, stream, label);
    uint32_t pairs = gen->es.pairs, words = (pairs + 31u) / 32u;
    for (uint32_t word0 = 0; word0 < words; word0 += EGG_WORDS) {
        perturb(&job, ws, stream, word0, words - word0 < EGG_WORDS ? words - word0 : EGG_WORDS);
        for (uint32_t p = 32u * word0; p < pairs && p < 32u * (word0 + EGG_WORDS); p += kernel->pairs) {
            if (p % EGG_GROUP_SETTLED == 0) settle(&job, kernel, p);
            kernel->eval(&job, p, diff + p);
        }
    }
    return unperturbed(gen, ws, label);
}

egg_result egg_group_sample(const egg_gen *gen, egg_ws *ws, void *scratch, uint32_t pos, const uint8_t *stream,
                            uint32_t label, int8_t *f, uint8_t *e) {
    const group_kernel *kernel = kernel_of(ws);
    egg_group_job job = job_of(gen, ws, scratch, stream, label);
    job.pos = pos;
    job.lives = kernel->patterns(&job);
    pack(&job);
    egg_zero(ws->diff, gen->es.pairs * sizeof *ws->diff);
    for (uint32_t p = 0; p < gen->es.pairs; p += kernel->pairs) kernel->eval(&job, p, ws->diff + p);
    egg_sample_shape(ws->diff, gen->es.pairs, f, e);
    return unperturbed(gen, ws, label);
}
