#include "egg_group.h"

#include "../egg_es_private.h"
#include "../egg_fx.h"
#include "../egg_kernel.h"
#include "../egg_loss.h"
#include "egg_group_private.h"

#if defined(__GNUC__) && EGG_PAD > 1
#define EGG_INLINE __attribute__((always_inline))
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define K(name) name##_v16
#define TARGET
#define LANE_BYTES 16
#include "egg_group_body.h"
#undef K
#undef TARGET
#undef LANE_BYTES

#if defined(__x86_64__)
#define K(name) name##_avx2
#define TARGET __attribute__((target("avx2")))
#define LANE_BYTES 32
#include "egg_group_body.h"
#undef K
#undef TARGET
#undef LANE_BYTES

#define K(name) name##_avx512
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define LANE_BYTES 64
#include "egg_group_body.h"
#endif
#endif

/* One vector width: pairs in lanes at once, s from projections, diff[pairs of the lanes] from s. */
typedef struct {
    uint32_t pairs, average;
    void (*scale)(const egg_group_job *job, uint32_t n, int32_t sigma, int32_t limit);
    void (*eval)(const egg_group_job *job, uint32_t pair0, int32_t *diff);
} group_kernel;

static const group_kernel *kernel_of(const egg_ws *ws) {
    if (ws->kernels == egg_kernel_level(0)) return NULL;
#if defined(__GNUC__) && EGG_PAD > 1
    static const group_kernel v16 = {16, average_v16, scale_v16, group_v16};
#if defined(__x86_64__)
    static const group_kernel avx2 = {32, average_avx2, scale_avx2, group_avx2};
    static const group_kernel avx512 = {64, average_avx512, scale_avx512, group_avx512};
    if (ws->kernels == egg_kernel_level(3)) return __builtin_cpu_supports("avx512vnni") ? &avx512 : &avx2;
    if (ws->kernels == egg_kernel_level(2)) return &avx2;
#endif
    if (ws->kernels == egg_kernel_level(1)) return &v16;
#endif
    return NULL;
}

uint32_t egg_group_fits(const egg_net_config *net, const egg_es_config *es, const egg_ws *ws) {
    return kernel_of(ws) != NULL && net->layers == 1 && es->estimator == EGG_BATCH;
}

static size_t aligned(size_t bytes) {
    return (bytes + EGG_GROUP_VECTOR - 1u) & ~(size_t)(EGG_GROUP_VECTOR - 1u);
}

static size_t packed_bytes(const egg_net_config *c) {
    uint32_t outputs = (c->outputs + EGG_GROUP_COLUMNS - 1u) / EGG_GROUP_COLUMNS * EGG_GROUP_COLUMNS;
    return aligned((size_t)((c->layer[0].size + 3u) / 4u) * outputs * 4u);
}

static size_t base_bytes(const egg_net_config *c) {
    return aligned((size_t)c->layer[0].size * c->ticks * sizeof(int16_t));
}

static size_t word_bytes(const egg_net_config *c, const egg_es_config *es) {
    return aligned(2u * es->rank * (2u * c->layer[0].size + 1u + c->outputs) * sizeof(uint32_t));
}

size_t egg_group_bytes(const egg_net_config *c, const egg_es_config *es) {
    size_t counts = (size_t)((c->layer[0].size + 3u) / 4u) * 8u * EGG_GROUP_VECTOR;
    return packed_bytes(c) + base_bytes(c) + word_bytes(c, es) + counts;
}

void egg_group_prepare(const egg_net *net, void *scratch) {
    const egg_net_config *c = &net->config;
    int8_t *packed = (int8_t *)scratch;
    uint32_t size = c->layer[0].size;
    uint32_t outputs = (c->outputs + EGG_GROUP_COLUMNS - 1u) / EGG_GROUP_COLUMNS * EGG_GROUP_COLUMNS;
    if (c->readout == EGG_READOUT_SPIKES) return;
    egg_zero(packed, packed_bytes(c));
    for (uint32_t h = 0; h < size; h++)
        for (uint32_t j = 0; j < c->outputs; j++)
            packed[(h / 4u * outputs + j) * 4u + h % 4u] = net->weights[1][h * c->outputs + j];
}

/* base currents neuron by neuron */
static void share(const egg_group_job *job, const egg_ws *ws) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t size = c->layer[0].size, padded = egg_pad(size);
    int16_t *out = job->base;
    for (uint32_t h = 0; h < size; h++)
        for (uint32_t t = 0; t < c->ticks; t++) {
            int32_t current = ws->base[t * padded + h];
            *out++ = (int16_t)(job->average ? 2 * current + INT16_MIN : current);
        }
}

egg_result egg_group_batch(const egg_gen *gen, egg_ws *ws, void *scratch, const uint8_t *stream, uint32_t label,
                           int32_t *diff) {
    const egg_net_config *c = &gen->net->config;
    const group_kernel *kernel = kernel_of(ws);
    uint32_t pairs = gen->es.pairs, ranks = gen->es.rank, words = (pairs + 31u) / 32u, rows = egg_net_rows(c, 0);
    egg_group_job job;
    job.gen = gen;
    job.label = label;
    job.ranks = ranks;
    job.average = kernel->average && c->layer[0].leak_shift == 1 && c->layer[0].refractory == 0;
    job.s = ws->projection;
    job.packed = (const int8_t *)scratch;
    job.base = (int16_t *)(void *)((uint8_t *)scratch + packed_bytes(c));
    job.words = (uint32_t *)(void *)((uint8_t *)job.base + base_bytes(c));
    job.counts = (uint8_t *)job.words + word_bytes(c, &gen->es);
    egg_forward_share(gen->net, ws, stream);
    share(&job, ws);
    for (uint32_t word0 = 0; word0 < words; word0 += EGG_WORDS) {
        uint32_t n = words - word0 < EGG_WORDS ? words - word0 : EGG_WORDS;
        static const egg_key none = {0, 0};
        int16_t *c_out = ws->projection;
        for (uint32_t r = 0; r < ranks; r++) {
            const uint32_t *noise = gen->noise + ((size_t)(word0 / EGG_WORDS) * ranks + r) * rows * EGG_WORDS;
            const uint8_t *tick = stream;
            for (uint32_t t = 0; t < c->ticks; t++, c_out += 32u * EGG_WORDS)
                tick = ws->kernels->project(tick, noise, none, rows - 1u, word0, n, c_out);
        }
        kernel->scale(&job, ranks * c->ticks * 32u * EGG_WORDS, gen->sigma.hidden,
                      egg_forward_limit(&c->layer[0]) / gen->es.rank);
        for (uint32_t p = 32u * word0; p < pairs && p < 32u * (word0 + EGG_WORDS); p += kernel->pairs)
            kernel->eval(&job, p, diff + p);
    }
    static const egg_sigma unperturbed = {0, 0};
    uint32_t spikes = egg_forward_member(gen->net, NULL, unperturbed, ws, 0, 0);
    return egg_forward_result(gen->net, ws, spikes, label);
}
