/* Full-rank ES: one noise value a weight, the honest baseline. It shares base currents over the population and a pair's
 * noise over the batch; what it cannot share is the work events x neurons of each pair. */
#include "../egg_es_private.h"
#include "../egg_fx.h"
#include "../egg_kernel.h"
#include "../egg_stream.h"
#include "egg_host.h"

static egg_key full_key(const egg_gen *gen, uint32_t pair, uint32_t m) {
    return egg_rng_key(gen->seed, gen->generation, pair, m, EGG_STREAM_FULL, 0);
}

/* e[count] from counter `first` of a matrix, first a multiple of 4: popcount of a byte, minus 4 */
static void noise_values(egg_key key, size_t first, size_t count, int8_t *e) {
    for (size_t i = 0; i < count; i += 4) {
        uint32_t v = egg_rng_word(key, (uint32_t)((first + i) >> 2));
        v -= (v >> 1) & 0x55555555u;
        v = (v & 0x33333333u) + ((v >> 2) & 0x33333333u);
        v = (v + (v >> 4)) & 0x0F0F0F0Fu;
        for (size_t b = 0; b < 4 && i + b < count; b++, v >>= 8) e[i + b] = (int8_t)((int32_t)(v & 255u) - 4);
    }
}

typedef struct {
    egg_net noise;    /* a net of the same shape whose weights are one pair's noise */
    int16_t *first;   /* [ticks][padded] perturbation of layer 0, shared by both members */
    int16_t *deeper;  /* [ticks][padded] of another layer */
    int16_t *current; /* [ticks][padded] perturbed */
} full_memory;

static size_t widest_current(const egg_net_config *c) {
    uint32_t widest = 0;
    for (uint32_t l = 0; l < c->layers; l++)
        if (egg_pad(c->layer[l].size) > widest) widest = egg_pad(c->layer[l].size);
    return (size_t)c->ticks * widest;
}

size_t egg_full_bytes(const egg_net_config *c) {
    return 3u * widest_current(c) * sizeof(int16_t) + egg_net_bytes(c);
}

static full_memory carve(const egg_net_config *c, void *memory) {
    full_memory fm;
    fm.first = (int16_t *)memory;
    fm.deeper = fm.first + widest_current(c);
    fm.current = fm.deeper + widest_current(c);
    egg_net_init(&fm.noise, c, (int8_t *)(fm.current + widest_current(c)), egg_net_bytes(c));
    return fm;
}

static void draw_pair(const egg_gen *gen, uint32_t pair, egg_net *noise) {
    const egg_net_config *c = &noise->config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++)
        noise_values(full_key(gen, pair, m), 0, (size_t)egg_net_rows(c, m) * egg_net_cols(c, m), noise->weights[m]);
}

/* out = clamp(rs(sigma * noise currents, 8), Lp) of layer l */
static void perturbation(const egg_gen *gen, const egg_ws *ws, const full_memory *fm, uint32_t l, const uint8_t *stream,
                         int16_t *out) {
    const egg_net_config *c = &gen->net->config;
    int32_t limit = egg_forward_limit(&c->layer[l]);
    egg_forward_currents(&fm->noise, ws, l, stream, 32767, out);
    size_t n = (size_t)c->ticks * egg_pad(c->layer[l].size);
    for (size_t i = 0; i < n; i++) out[i] = (int16_t)egg_clamp(egg_round_shift(out[i] * gen->sigma.hidden, 8), limit);
}

static int32_t member(const egg_gen *gen, egg_ws *ws, const full_memory *fm, const int16_t *base, uint32_t label,
                      int16_t sign) {
    const egg_net_config *c = &gen->net->config;
    uint32_t spikes = 0;
    for (uint32_t l = 0; l < c->layers; l++) {
        const egg_lif_config *lif = &c->layer[l];
        const int16_t *shared = base, *noise = fm->first;
        if (l > 0) {
            egg_forward_currents(gen->net, ws, l, ws->train[l - 1u], egg_forward_base_limit(lif), ws->current);
            perturbation(gen, ws, fm, l, ws->train[l - 1u], fm->deeper);
            shared = ws->current;
            noise = fm->deeper;
        }
        size_t n = (size_t)c->ticks * egg_pad(lif->size);
        for (size_t i = 0; i < n; i++) fm->current[i] = (int16_t)(shared[i] + sign * noise[i]);
        uint32_t last = l + 1u == c->layers;
        spikes += ws->kernels->lif(fm->current, c->ticks, lif->size, lif->threshold, lif->leak_shift, lif->refractory,
                                   NULL, NULL, 0, ws->count, last ? NULL : ws->spikes);
        if (!last) egg_stream_encode(ws->spikes, c->ticks, lif->size, ws->train[l]);
    }
    if (c->readout == EGG_READOUT_SPIKES) {
        for (uint32_t j = 0; j < c->outputs; j++) ws->logits[j] = ws->count[j] * (1 << c->gain);
    } else {
        uint32_t size = c->layer[c->layers - 1u].size;
        const int8_t *e = fm->noise.weights[c->layers];
        egg_forward_integrate(gen->net, ws);
        for (uint32_t j = 0; j < c->outputs; j++) {
            int32_t sum = c->ticks * e[size * c->outputs + j];
            for (uint32_t h = 0; h < size; h++) sum += ws->count[h] * e[h * c->outputs + j];
            sum = egg_clamp(egg_round_shift(sum * gen->sigma.readout, 8), 1 << 19);
            ws->logits[j] = (ws->logits[j] + sign * sum) * (1 << c->gain);
        }
    }
    return egg_forward_fitness(gen->net, &gen->es, ws, spikes, label);
}

void egg_full_share(const egg_gen *gen, egg_ws *ws, const egg_data *data, const uint32_t *index, uint32_t n,
                    int16_t *base, uint8_t *active, egg_tally *tally) {
    const egg_net_config *c = &gen->net->config;
    size_t size = (size_t)c->ticks * egg_pad(c->layer[0].size);
    for (uint32_t i = 0; i < n; i++, base += size) {
        uint8_t predicted;
        egg_host_run(gen->net, ws, data, index + i, 1, &predicted, tally);
        for (size_t k = 0; k < size; k++) base[k] = ws->base[k];
        egg_batch_mark(c, data->streams + data->offsets[index[i]], active);
    }
}

void egg_full_eval(const egg_gen *gen, egg_ws *ws, void *memory, const egg_data *data, const uint32_t *index,
                   uint32_t n, const int16_t *base, uint32_t pair0, uint32_t pair1, int32_t *diff) {
    const egg_net_config *c = &gen->net->config;
    size_t size = (size_t)c->ticks * egg_pad(c->layer[0].size);
    full_memory fm = carve(c, memory);
    for (uint32_t pair = pair0; pair < pair1; pair++) {
        draw_pair(gen, pair, &fm.noise);
        for (uint32_t i = 0; i < n; i++) {
            const uint8_t *stream = data->streams + data->offsets[index[i]];
            uint32_t label = data->labels[index[i]];
            if (i == 0) egg_forward_share(gen->net, ws, stream); /* the transposed readout */
            perturbation(gen, ws, &fm, 0, stream, fm.first);
            diff[pair] += member(gen, ws, &fm, base + i * size, label, 1);
            diff[pair] -= member(gen, ws, &fm, base + i * size, label, -1);
        }
    }
}

void egg_full_steps(const egg_gen *gen, const int8_t *f, const uint8_t *active, uint32_t m, uint32_t row0,
                    uint32_t row1, int32_t *sum) {
    uint32_t cols = egg_net_cols(&gen->net->config, m);
    egg_rate rate = egg_es_rate(gen, m);
    for (uint32_t pair = 0; pair < gen->es.pairs; pair++) {
        egg_key key = full_key(gen, pair, m);
        for (uint32_t i = row0; i < row1; i++) {
            if (m == 0 && !(((uint32_t)active[i >> 3] >> (i & 7u)) & 1u)) continue;
            int8_t e[EGG_NEURONS_MAX + 4u];
            size_t first = (size_t)i * cols, skip = first & 3u; /* the row may start inside a word */
            noise_values(key, first - skip, cols + skip, e);
            for (uint32_t j = 0; j < cols; j++) sum[first + j] += f[pair] * e[skip + j];
        }
    }
    for (size_t k = (size_t)row0 * cols; k < (size_t)row1 * cols; k++)
        sum[k] = egg_clamp(egg_round_shift(sum[k] * rate.m, rate.n), EGG_STEP_MAX);
}
