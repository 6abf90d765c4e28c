/* Estimator sample: a rank-1 perturbation of the currents over neurons and segments; the credit of a recording goes to
 * the weights of its events (SPEC.md section 7.2). */
#include "base/egg_stream.h"
#include "estimators/egg_estimator_private.h"
#include "estimators/egg_pair_private.h"
#include "kernels/egg_kernel_private.h"
#include "net/egg_workspace_private.h"

/* Draws the signs of the pairs of one word: of the neurons and segments of each LIF layer, and of the outputs. */
static void draw_word(const egg_generation *gen, egg_workspace *ws, uint32_t position, uint32_t word) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        uint32_t noise = m < c->layers ? EGG_NOISE_A : EGG_NOISE_LOGIT;
        egg_key key = egg_rng_key(gen->seed, gen->generation, position, m, noise, 0);
        for (uint32_t j = 0; j < egg_net_cols(c, m); j++) ws->a_words[m][j] = egg_rng_signs(key, j, word);
        if (m >= c->layers) continue;
        key = egg_rng_key(gen->seed, gen->generation, position, m, EGG_NOISE_Z, 0);
        for (uint32_t s = 0; s < gen->es.segments; s++) ws->z_words[m][s] = egg_rng_signs(key, s, word);
    }
}

/* Segments of matrix m: the readout has one. */
static inline uint32_t segments_of(const egg_generation *gen, const egg_net_config *c, uint32_t m) {
    return m < c->layers ? gen->es.segments : 1u;
}

/* The signs of the pair in slot p of the word, as +1 and -1. */
static void expand_pair(const egg_generation *gen, egg_workspace *ws, uint32_t p) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++)
        ws->kernels->expand(ws->a_words[m], egg_net_cols(c, m), p, ws->a[m]);
}

egg_result egg_sample_evaluate(const egg_generation *gen, egg_workspace *ws, uint32_t position, const uint8_t *stream,
                               uint32_t label, int8_t *fitness_bytes, uint8_t *exponent) {
    uint32_t pairs = gen->es.pairs, spikes = 0;
    egg_forward_share(gen->net, ws, stream);
    bool together = egg_pair_begin(gen, ws, &spikes);
    for (uint32_t pair = 0; pair < pairs; pair++) {
        int32_t fitness[2];
        if (pair % 32u == 0) {
            draw_word(gen, ws, position, pair / 32u);
            if (together && pair == 0)
                egg_pair_find_movable(gen, ws,
                                      32); /* the sizes of the perturbations are the same for all blocks of pairs */
        }
        if (together) {
            ws->fitness_diff[pair] = egg_pair_difference(gen, ws, pair % 32u, label);
            continue;
        }
        expand_pair(gen, ws, pair % 32u);
        for (int32_t i = 0; i < 2; i++) {
            spikes = egg_forward_member(gen->net, &gen->es, gen->sigma, ws, 1 - 2 * i, pair % 32u);
            fitness[i] = egg_forward_fitness(gen->net, &gen->es, ws, spikes, label);
        }
        ws->fitness_diff[pair] = fitness[0] - fitness[1];
    }
    egg_sample_shape_fitness(ws->fitness_diff, pairs, fitness_bytes, exponent);
    if (together)
        egg_pair_end(gen, ws);
    else
        spikes = egg_forward_member(gen->net, &gen->es, gen->sigma, ws, 0, 0);
    return egg_forward_result(gen->net, ws, spikes, label);
}

/* credit += byte * z a^T, pair by pair. This form suits vector units. */
static void credit_pairs(const egg_generation *gen, egg_workspace *ws, uint32_t position, const int8_t *fitness_bytes) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t pair = 0; pair < gen->es.pairs; pair++) {
        uint32_t p = pair % 32u;
        if (p == 0) draw_word(gen, ws, position, pair / 32u);
        if (fitness_bytes[pair] == 0) continue;
        expand_pair(gen, ws, p);
        for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
            uint32_t padded = egg_padded(egg_net_cols(c, m));
            for (uint32_t s = 0; s < segments_of(gen, c, m); s++) {
                uint32_t positive = m >= c->layers || ((ws->z_words[m][s] >> p) & 1u);
                ws->kernels->add_scaled(ws->credit[m] + s * padded, ws->a[m],
                                        (int16_t)(positive ? fitness_bytes[pair] : -fitness_bytes[pair]), padded);
            }
        }
    }
}

/* The same, 32 pairs at once. This form suits cores without vector units. */
static void credit_words(const egg_generation *gen, egg_workspace *ws, uint32_t position, const int8_t *fitness_bytes) {
    const egg_net_config *c = &gen->net->config;
    uint32_t pairs = gen->es.pairs;
    for (uint32_t word = 0; 32u * word < pairs; word++, fitness_bytes += 32) {
        draw_word(gen, ws, position, word);
        for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
            uint32_t cols = egg_net_cols(c, m);
            for (uint32_t s = 0; s < segments_of(gen, c, m); s++) {
                int16_t *credit = ws->credit[m] + s * egg_credit_row(cols);
                egg_sign_sums_fill(fitness_bytes, pairs - 32u * word, m < c->layers ? ~ws->z_words[m][s] : 0,
                                   ws->scratch->sums.table);
                for (uint32_t j = 0; j < cols; j++) ws->sum[j] = credit[j];
                egg_sign_sums_add(ws->scratch->sums.table, ws->a_words[m], 0, cols, ws->sum);
                for (uint32_t j = 0; j < cols; j++) *credit++ = (int16_t)ws->sum[j];
            }
        }
    }
}

void egg_sample_credit(const egg_generation *gen, egg_workspace *ws, uint32_t position, const int8_t *fitness_bytes,
                       uint32_t exponent) {
    const egg_net_config *c = &gen->net->config;
    uint32_t matrices = egg_net_matrices(c);
    for (uint32_t m = 0; m < matrices; m++)
        egg_zero(ws->credit[m], segments_of(gen, c, m) * egg_credit_row(egg_net_cols(c, m)) * 2u);
    if (EGG_PAIR_TOGETHER)
        credit_words(gen, ws, position, fitness_bytes);
    else
        credit_pairs(gen, ws, position, fitness_bytes);
    /* Divisions are unsigned here and elsewhere, so that firmware links only one kind of them. */
    int32_t limit = (int32_t)((uint32_t)EGG_STEP_MAX / c->ticks);
    for (uint32_t m = 0; m < matrices; m++) {
        egg_learning_rate rate = egg_learning_rate_of(gen, m);
        uint32_t n = segments_of(gen, c, m) * egg_credit_row(egg_net_cols(c, m));
        for (uint32_t i = 0; i < n; i++) {
            int32_t credit = ws->credit[m][i] * rate.m;
            credit =
                rate.n >= exponent ? egg_round_shift(credit, rate.n - exponent) : credit * (1 << (exponent - rate.n));
            ws->credit[m][i] = (int16_t)egg_clamp(credit, limit);
        }
    }
}
