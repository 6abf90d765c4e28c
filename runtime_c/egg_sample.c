/* Estimator `sample`: a rank-1 current on neurons x segments; each sample credits its own events (DESIGN.md
 * section 7.2). */
#include "egg_es.h"

#include "egg_es_private.h"
#include "egg_fx.h"
#include "egg_kernel.h"
#include "egg_pair.h"
#include "egg_stream.h"

/* The signs of the pairs of one word: neurons and segments of every LIF layer, outputs of the readout. */
static void draw_word(const egg_gen *gen, egg_ws *ws, uint32_t pos, uint32_t word) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        uint32_t stream = m < c->layers ? EGG_STREAM_A : EGG_STREAM_LOGIT;
        egg_key key = egg_rng_key(gen->seed, gen->generation, pos, m, stream, 0);
        for (uint32_t j = 0; j < egg_net_cols(c, m); j++) ws->a_words[m][j] = egg_rng_signs(key, j, word);
        if (m >= c->layers) continue;
        key = egg_rng_key(gen->seed, gen->generation, pos, m, EGG_STREAM_Z, 0);
        for (uint32_t s = 0; s < gen->es.segments; s++) ws->z_words[m][s] = egg_rng_signs(key, s, word);
    }
}

static void expand_pair(const egg_gen *gen, egg_ws *ws, uint32_t p) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++)
        ws->kernels->expand(ws->a_words[m], egg_net_cols(c, m), p, ws->a[m]);
}

egg_result egg_sample_eval(const egg_gen *gen, egg_ws *ws, uint32_t pos, const uint8_t *stream, uint32_t label,
                           int8_t *f, uint8_t *e) {
    uint32_t pairs = gen->es.pairs, spikes = 0;
    egg_forward_share(gen->net, ws, stream);
    uint32_t together = egg_pair_begin(gen, ws, &spikes);
    for (uint32_t pair = 0; pair < pairs; pair++) {
        int32_t fitness[2];
        if (pair % 32u == 0) {
            draw_word(gen, ws, pos, pair / 32u);
            if (together && pair == 0) egg_pair_settle(gen, ws, 32); /* all pairs perturb alike */
        }
        if (together) {
            ws->diff[pair] = egg_pair_diff(gen, ws, pair % 32u, label);
            continue;
        }
        expand_pair(gen, ws, pair % 32u);
        for (int32_t i = 0; i < 2; i++) {
            spikes = egg_forward_member(gen->net, &gen->es, gen->sigma, ws, 1 - 2 * i, pair % 32u);
            fitness[i] = egg_forward_fitness(gen->net, &gen->es, ws, spikes, label);
        }
        ws->diff[pair] = fitness[0] - fitness[1];
    }
    egg_sample_shape(ws->diff, pairs, f, e);
    if (together)
        egg_pair_end(gen, ws);
    else
        spikes = egg_forward_member(gen->net, &gen->es, gen->sigma, ws, 0, 0);
    return egg_forward_result(gen->net, ws, spikes, label);
}

/* credit += f z a^T, pair by pair: for vector units. */
static void credit_pairs(const egg_gen *gen, egg_ws *ws, uint32_t pos, const int8_t *f) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t pair = 0; pair < gen->es.pairs; pair++) {
        uint32_t p = pair % 32u;
        if (p == 0) draw_word(gen, ws, pos, pair / 32u);
        if (f[pair] == 0) continue;
        expand_pair(gen, ws, p);
        for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
            uint32_t padded = egg_pad(egg_net_cols(c, m));
            for (uint32_t s = 0; s < (m < c->layers ? gen->es.segments : 1u); s++) {
                uint32_t positive = m >= c->layers || ((ws->z_words[m][s] >> p) & 1u);
                ws->kernels->add_scaled(ws->credit[m] + s * padded, ws->a[m], (int16_t)(positive ? f[pair] : -f[pair]),
                                        padded);
            }
        }
    }
}

/* The same, 32 pairs at once: without vector units. */
static void credit_words(const egg_gen *gen, egg_ws *ws, uint32_t pos, const int8_t *f) {
    const egg_net_config *c = &gen->net->config;
    uint32_t pairs = gen->es.pairs;
    for (uint32_t word = 0; 32u * word < pairs; word++, f += 32) {
        draw_word(gen, ws, pos, word);
        for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
            int16_t *credit = ws->credit[m];
            for (uint32_t s = 0; s < (m < c->layers ? gen->es.segments : 1u); s++) {
                uint32_t cols = egg_net_cols(c, m);
                egg_table_fill(f, pairs - 32u * word, m < c->layers ? ~ws->z_words[m][s] : 0, ws->scratch->sums.table);
                for (uint32_t j = 0; j < cols; j++) ws->sum[j] = credit[j];
                egg_table_add(ws->scratch->sums.table, ws->a_words[m], 0, cols, ws->sum);
                for (uint32_t j = 0; j < cols; j++) *credit++ = (int16_t)ws->sum[j];
            }
        }
    }
}

void egg_sample_credit(const egg_gen *gen, egg_ws *ws, uint32_t pos, const int8_t *f, uint32_t e) {
    const egg_net_config *c = &gen->net->config;
    uint32_t matrices = egg_net_matrices(c);
    for (uint32_t m = 0; m < matrices; m++)
        egg_zero(ws->credit[m], (m < c->layers ? gen->es.segments : 1u) * egg_pad(egg_net_cols(c, m)) * 2u);
    if (EGG_PAIRS_TOGETHER)
        credit_words(gen, ws, pos, f);
    else
        credit_pairs(gen, ws, pos, f);
    int32_t limit =
        (int32_t)((uint32_t)EGG_STEP_MAX / c->ticks); /* here and elsewhere: only unsigned division is linked */
    for (uint32_t m = 0; m < matrices; m++) {
        egg_rate rate = egg_es_rate(gen, m);
        uint32_t n = (m < c->layers ? gen->es.segments : 1u) * egg_pad(egg_net_cols(c, m));
        for (uint32_t i = 0; i < n; i++) {
            int32_t credit = ws->credit[m][i] * rate.m;
            credit = rate.n >= e ? egg_round_shift(credit, rate.n - e) : credit * (1 << (e - rate.n));
            ws->credit[m][i] = (int16_t)egg_clamp(credit, limit);
        }
    }
}

/* One row with n[segment] events: sum = NULL rounds its step into the weights, else adds it there. */
static void learn_row(const egg_gen *gen, egg_ws *ws, uint32_t m, uint32_t row, const int16_t *n, uint32_t segments,
                      egg_key rho, int32_t *sum) {
    uint32_t cols = egg_net_cols(&gen->net->config, m);
    ws->kernels->combine(ws->credit[m], n, segments, egg_pad(cols), ws->step);
    size_t offset = (size_t)row * cols;
    if (sum != NULL)
        ws->kernels->add_wide(sum + offset, ws->step, cols);
    else
        ws->kernels->round_row(gen->net->weights[m] + offset, ws->step, egg_rng_round(rho, row), ws->kappa, cols);
}

/* Steps to the next event of tick t. */
static void advance(egg_scratch *x, uint32_t t, const uint8_t *stream) {
    const uint8_t *at = stream + x->gather.at[t];
    if (egg_stream_next(&at, &x->gather.index[t]) < 0) x->gather.index[t] = INT32_MAX;
    x->gather.at[t] = (uint32_t)(at - stream);
}

/* A LIF matrix: walks the T ticks of the stream side by side, in blocks of rows, and counts each row's events in each
 * segment. */
static void lif_matrix(const egg_gen *gen, egg_ws *ws, uint32_t m, const uint8_t *stream, int32_t *sum) {
    const egg_net_config *c = &gen->net->config;
    uint32_t ticks = c->ticks, segments = gen->es.segments, bias = egg_net_rows(c, m) - 1u;
    egg_key rho = egg_es_rho_key(gen, m);
    egg_scratch *x = ws->scratch;
    int16_t factor[EGG_SEGMENTS_MAX];
    const uint8_t *tick = stream;
    for (uint32_t t = 0; t < ticks; t++) {
        x->gather.at[t] = (uint32_t)(tick - stream);
        while (*tick++ != 0) {
        }
        x->gather.index[t] = -1;
        advance(x, t, stream);
    }
    for (uint32_t row0 = 0; row0 < bias; row0 += EGG_GATHER_ROWS) {
        uint32_t rows = bias - row0 < EGG_GATHER_ROWS ? bias - row0 : EGG_GATHER_ROWS;
        egg_zero(x->gather.n, rows * sizeof x->gather.n[0]);
        for (uint32_t t = 0; t < ticks; t++) {
            uint8_t *count = &x->gather.n[0][t * segments / ticks];
            while (x->gather.index[t] < (int32_t)(row0 + rows)) {
                count[((uint32_t)x->gather.index[t] - row0) * EGG_SEGMENTS_MAX]++;
                advance(x, t, stream);
            }
        }
        for (uint32_t row = 0; row < rows; row++) {
            const uint8_t *n = x->gather.n[row];
            uint32_t any = 0;
            for (uint32_t s = 0; s < segments; s++) any |= n[s], factor[s] = n[s];
            if (any != 0) learn_row(gen, ws, m, row0 + row, factor, segments, rho, sum);
        }
    }
    egg_zero(factor, sizeof factor);
    for (uint32_t t = 0; t < ticks; t++) factor[t * segments / ticks]++;
    learn_row(gen, ws, m, bias, factor, segments, rho, sum);
}

static void readout_matrix(const egg_gen *gen, egg_ws *ws, int32_t *sum) {
    const egg_net_config *c = &gen->net->config;
    uint32_t m = c->layers, size = c->layer[m - 1u].size;
    egg_key rho = egg_es_rho_key(gen, m);
    for (uint32_t h = 0; h <= size; h++) {
        int16_t n = h < size ? ws->count[h] : c->ticks;
        if (n != 0) learn_row(gen, ws, m, h, &n, 1, rho, sum);
    }
}

void egg_sample_add(const egg_gen *gen, egg_ws *ws, const uint8_t *stream, int32_t *sum) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        if (sum == NULL) egg_es_kappa(gen, m, ws->kappa);
        if (m < c->layers)
            lif_matrix(gen, ws, m, m == 0 ? stream : ws->train[m - 1u], sum);
        else
            readout_matrix(gen, ws, sum);
        if (sum != NULL) sum += (size_t)egg_net_rows(c, m) * egg_net_cols(c, m);
    }
}

void egg_sample_learn(const egg_gen *gen, egg_ws *ws, const uint8_t *stream) {
    egg_sample_add(gen, ws, stream, NULL);
}
