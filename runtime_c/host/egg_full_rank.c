/* Full-rank ES, made as fast as it can be, so that the comparison is fair: the members share the base currents of a
 * recording, and the recordings share the noise of a pair. Only the work of events x neurons cannot be shared among
 * pairs. */
#include "host/egg_full_rank.h"

#include "base/egg_stream.h"
#include "estimators/egg_estimator_private.h"
#include "kernels/egg_kernel_private.h"

/* Key of the noise of matrix m of a pair. */
static egg_key full_key(const egg_generation *gen, uint32_t pair, uint32_t m) {
    return egg_rng_key(gen->seed, gen->generation, pair, m, EGG_NOISE_FULL, 0);
}

typedef struct {
    void (*noise)(egg_key key, uint32_t first, uint32_t n, uint32_t *word);
    void (*perturb)(int16_t *x, size_t n, int32_t sigma, int32_t limit);
    void (*mix)(int16_t *out, const int16_t *x, const int16_t *y, int16_t sign, size_t n);
    void (*add)(int16_t *sum, const int8_t *e, int16_t f, uint32_t n);
} full_kernel;

#define EGG_IMPL "host/egg_full_rank_impl.h"
#define EGG_IMPL_PORTABLE
#include "kernels/egg_simd_variants_impl.h"

static const full_kernel *kernel_of(const egg_workspace *ws) {
    static const full_kernel *const variants[] = EGG_VARIANTS(&full_portable, full);
    return variants[EGG_VECTORS ? egg_kernel_level_of(ws->kernels) : 0];
}

/* e[count]: noise values from counter `first` of a matrix on; first is a multiple of 4. */
static void noise_values(const full_kernel *kernel, egg_key key, size_t first, size_t count, int8_t *e) {
    uint32_t word[64]; /* small, because the firmware that counts instructions has 4 KB of stack */
    for (size_t i = 0; i < count; i += sizeof word) {
        size_t n = count - i < sizeof word ? count - i : sizeof word;
        kernel->noise(key, (uint32_t)((first + i) >> 2), (uint32_t)((n + 3u) >> 2), word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        egg_copy(e + i, word, n);
#else
        for (size_t b = 0; b < n; b++) e[i + b] = (int8_t)(uint8_t)(word[b >> 2] >> (8u * (b & 3u)));
#endif
    }
}

typedef struct {
    egg_net noise;    /* a net of the same shape whose weights are the noise of one pair */
    int16_t *first;   /* [ticks][padded] perturbation of layer 0, shared by both members */
    int16_t *deeper;  /* [ticks][padded] of another layer */
    int16_t *current; /* [ticks][padded] perturbed */
    int16_t *readout; /* [outputs][padded] noise of the readout, transposed */
} full_memory;

static size_t widest_current(const egg_net_config *c) {
    uint32_t widest = 0;
    for (uint32_t l = 0; l < c->layers; l++)
        if (egg_padded(c->layer[l].size) > widest) widest = egg_padded(c->layer[l].size);
    return (size_t)c->ticks * widest;
}

static size_t readout_size(const egg_net_config *c) {
    return (size_t)c->outputs * egg_padded(c->layer[c->layers - 1u].size);
}

size_t egg_full_rank_bytes(const egg_net_config *c) {
    return (3u * widest_current(c) + readout_size(c)) * sizeof(int16_t) + egg_net_bytes(c);
}

static full_memory carve(const egg_net_config *c, void *memory) {
    full_memory fm;
    fm.first = (int16_t *)memory;
    fm.deeper = fm.first + widest_current(c);
    fm.current = fm.deeper + widest_current(c);
    fm.readout = fm.current + widest_current(c);
    egg_net_init(&fm.noise, c, (int8_t *)(fm.readout + readout_size(c)), egg_net_bytes(c));
    return fm;
}

static void draw_pair(const egg_generation *gen, const egg_workspace *ws, uint32_t pair, const full_memory *fm) {
    const egg_net_config *c = &fm->noise.config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++)
        noise_values(kernel_of(ws), full_key(gen, pair, m), 0, (size_t)egg_net_rows(c, m) * egg_net_cols(c, m),
                     fm->noise.weights[m]);
    if (c->readout == EGG_READOUT_SPIKES) return;
    uint32_t size = c->layer[c->layers - 1u].size, padded = egg_padded(size);
    const int8_t *e = fm->noise.weights[c->layers];
    for (uint32_t h = 0; h < padded; h++)
        for (uint32_t j = 0; j < c->outputs; j++) fm->readout[j * padded + h] = h < size ? e[h * c->outputs + j] : 0;
}

/* out = clamp(rs(sigma * noise currents, 8), Lp) of layer l (SPEC.md section 7.3). */
static void perturbation(const egg_generation *gen, const egg_workspace *ws, const full_memory *fm, uint32_t l,
                         const uint8_t *stream, int16_t *out) {
    const egg_net_config *c = &gen->net->config;
    egg_forward_currents(&fm->noise, ws, l, stream, INT16_MAX, out);
    kernel_of(ws)->perturb(out, (size_t)c->ticks * egg_padded(c->layer[l].size), gen->sigma.hidden,
                           egg_forward_perturbation_limit(&c->layer[l]));
}

/* Fitness of a member, sign +1 or -1. */
static int32_t member(const egg_generation *gen, egg_workspace *ws, const full_memory *fm, const int16_t *base,
                      uint32_t label, int16_t sign) {
    const egg_net_config *c = &gen->net->config;
    uint32_t spikes = 0;
    for (uint32_t l = 0; l < c->layers; l++) {
        const egg_lif_config *lif = &c->layer[l];
        const int16_t *shared = base, *noise = fm->first;
        if (l > 0) {
            egg_forward_currents(gen->net, ws, l, ws->layer_streams[l - 1u], egg_forward_base_limit(lif), ws->current);
            perturbation(gen, ws, fm, l, ws->layer_streams[l - 1u], fm->deeper);
            shared = ws->current;
            noise = fm->deeper;
        }
        size_t n = (size_t)c->ticks * egg_padded(lif->size);
        kernel_of(ws)->mix(fm->current, shared, noise, sign, n);
        bool last = l + 1u == c->layers;
        spikes += ws->kernels->lif(fm->current, c->ticks, lif->size, lif->threshold, lif->leak_shift, lif->refractory,
                                   NULL, NULL, 0, ws->count, last ? NULL : ws->spikes);
        if (!last) egg_stream_encode(ws->spikes, c->ticks, lif->size, ws->layer_streams[l]);
    }
    if (c->readout == EGG_READOUT_SPIKES) {
        for (uint32_t j = 0; j < c->outputs; j++) ws->logits[j] = ws->count[j] * (1 << c->gain);
    } else {
        uint32_t size = c->layer[c->layers - 1u].size, padded = egg_padded(size);
        const int8_t *bias = fm->noise.weights[c->layers] + (size_t)size * c->outputs;
        egg_forward_integrate(gen->net, ws);
        for (uint32_t j = 0; j < c->outputs; j++) {
            int32_t sum = c->ticks * bias[j] + ws->kernels->dot(ws->count, fm->readout + j * padded, padded);
            sum = egg_clamp(egg_round_shift(sum * gen->sigma.readout, EGG_SIGMA_SHIFT), (int32_t)EGG_READOUT_LIMIT);
            ws->logits[j] = (ws->logits[j] + sign * sum) * (1 << c->gain);
        }
    }
    return egg_forward_fitness(gen->net, &gen->es, ws, spikes, label);
}

void egg_full_rank_share(const egg_generation *gen, egg_workspace *ws, const egg_dataset *data, const uint32_t *index,
                         uint32_t n, uint32_t position0, int16_t *base, uint8_t *active, egg_run_counts *counts) {
    const egg_net_config *c = &gen->net->config;
    size_t size = (size_t)c->ticks * egg_padded(c->layer[0].size);
    for (uint32_t i = 0; i < n; i++, base += size) {
        const uint8_t *stream = egg_shifted(gen, ws, position0 + i, data->streams + data->offsets[index[i]]);
        uint32_t label = data->labels[index[i]], spikes = egg_run(gen->net, ws, stream);
        egg_dataset_count(counts, egg_forward_result(gen->net, ws, spikes, label), label, true);
        for (size_t k = 0; k < size; k++) base[k] = ws->base[k];
        egg_batch_mark(c, stream, active);
    }
}

void egg_full_rank_evaluate(const egg_generation *gen, egg_workspace *ws, void *memory, const egg_dataset *data,
                            const uint32_t *index, uint32_t n, const int16_t *base, uint32_t pair0, uint32_t pair1,
                            int32_t *fitness_diff) {
    const egg_net_config *c = &gen->net->config;
    size_t size = (size_t)c->ticks * egg_padded(c->layer[0].size);
    full_memory fm = carve(c, memory);
    for (uint32_t pair = pair0; pair < pair1; pair++) {
        draw_pair(gen, ws, pair, &fm);
        for (uint32_t i = 0; i < n; i++) {
            const uint8_t *stream = egg_shifted(gen, ws, i, data->streams + data->offsets[index[i]]);
            uint32_t label = data->labels[index[i]];
            if (i == 0) egg_forward_share(gen->net, ws, stream); /* the transposed readout */
            perturbation(gen, ws, &fm, 0, stream, fm.first);
            fitness_diff[pair] += member(gen, ws, &fm, base + i * size, label, 1);
            fitness_diff[pair] -= member(gen, ws, &fm, base + i * size, label, -1);
        }
    }
}

#define PAIRS 64u /* summed in 16 bits: 64 * 127 * 4 < 32768 */

void egg_full_rank_steps(const egg_generation *gen, const egg_workspace *ws, const int8_t *fitness_bytes,
                         const uint8_t *active, uint32_t m, uint32_t row0, uint32_t row1, int32_t *sum) {
    const full_kernel *kernel = kernel_of(ws);
    uint32_t cols = egg_net_cols(&gen->net->config, m), pairs = gen->es.pairs;
    egg_learning_rate rate = egg_learning_rate_of(gen, m);
    for (uint32_t i = row0; i < row1; i++) {
        if (m == 0 && !(((uint32_t)active[i >> 3] >> (i & 7u)) & 1u)) continue;
        size_t first = (size_t)i * cols, skip = first & 3u; /* the row may start inside a word */
        int16_t part[EGG_NEURONS_MAX];
        int8_t e[EGG_NEURONS_MAX + 4u];
        for (uint32_t block = 0; block < pairs; block += PAIRS) {
            egg_zero(part, cols * sizeof *part);
            for (uint32_t pair = block; pair < pairs && pair < block + PAIRS; pair++) {
                noise_values(kernel, full_key(gen, pair, m), first - skip, cols + skip, e);
                kernel->add(part, e + skip, fitness_bytes[pair], cols);
            }
            ws->kernels->add_wide(sum + first, part, cols);
        }
        for (uint32_t j = 0; j < cols; j++)
            sum[first + j] = egg_clamp(egg_round_shift(sum[first + j] * rate.m, rate.n), EGG_STEP_MAX);
    }
}
