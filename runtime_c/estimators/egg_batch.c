/* Estimator batch: EGGROLL as published (SPEC.md section 7.1). */
#include "base/egg_stream.h"
#include "estimators/egg_estimator_private.h"
#include "estimators/egg_pair_private.h"
#include "kernels/egg_kernel_private.h"
#include "net/egg_workspace_private.h"

/* Key of the signs of factor A or B (EGG_NOISE_A, EGG_NOISE_B) of matrix m. */
static egg_key factor_key(const egg_generation *gen, uint32_t m, uint32_t noise, uint32_t rank) {
    return egg_rng_key(gen->seed, gen->generation, 0, m, noise, rank);
}

/* words[rows]: the signs of the pairs of sign word `word`, for each row (or column). */
static void draw(egg_key key, uint32_t rows, uint32_t word, uint32_t *words) {
    for (uint32_t i = 0; i < rows; i++) words[i] = egg_rng_signs(key, i, word);
}

/* Draws the signs of the pairs of one word that a workspace keeps. */
static void draw_word(const egg_generation *gen, egg_workspace *ws, uint32_t word) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        uint32_t rows = egg_net_rows(c, m), cols = egg_net_cols(c, m);
        for (uint32_t r = 0; r < gen->es.rank; r++) {
            draw(factor_key(gen, m, EGG_NOISE_A, r), cols, word, ws->a_words[m] + r * cols);
            if (egg_keeps_row_signs(c, m))
                draw(factor_key(gen, m, EGG_NOISE_B, r), rows, word, ws->b_words[m] + r * rows);
        }
    }
}

/* The signs of the pair in slot p of the word, as +1 and -1. */
static void expand_pair(const egg_generation *gen, egg_workspace *ws, uint32_t p) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        uint32_t rows = egg_net_rows(c, m), cols = egg_net_cols(c, m);
        for (uint32_t r = 0; r < gen->es.rank; r++) {
            ws->kernels->expand(ws->a_words[m] + r * cols, cols, p, ws->a[m] + r * egg_padded(cols));
            if (egg_keeps_row_signs(c, m))
                ws->kernels->expand(ws->b_words[m] + r * rows, rows, p, ws->b[m] + r * egg_padded(rows));
        }
    }
}

size_t egg_batch_noise_words(const egg_net_config *net, const egg_estimator_config *es) {
    size_t blocks = (egg_pair_words(es) + EGG_SIGN_WORDS - 1u) / EGG_SIGN_WORDS;
    return blocks * es->rank * egg_net_rows(net, 0) * EGG_SIGN_WORDS;
}

/* The cache is [block of EGG_SIGN_WORDS words][rank][rows][EGG_SIGN_WORDS]. */
void egg_batch_noise(const egg_generation *gen, uint32_t row0, uint32_t row1, uint32_t *noise) {
    uint32_t words = egg_pair_words(&gen->es), rows = egg_net_rows(&gen->net->config, 0);
    for (uint32_t word0 = 0; word0 < words; word0 += EGG_SIGN_WORDS) {
        for (uint32_t r = 0; r < gen->es.rank; r++, noise += (size_t)rows * EGG_SIGN_WORDS) {
            egg_key key = factor_key(gen, 0, EGG_NOISE_B, r);
            for (uint32_t i = row0; i < row1; i++)
                for (uint32_t w = 0; w < EGG_SIGN_WORDS; w++)
                    noise[i * EGG_SIGN_WORDS + w] = egg_rng_signs(key, i, word0 + w);
        }
    }
}

/* ws->projection of matrix 0 for sign words word0 .. word0 + words - 1. */
static void project(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t word0,
                    uint32_t words) {
    const egg_net_config *c = &gen->net->config;
    uint32_t rows = egg_net_rows(c, 0);
    int16_t *out = ws->projection;
    if (egg_is_convolution(c, 0)) return; /* egg_forward_convolution.c projects each place */
    for (uint32_t r = 0; r < gen->es.rank; r++) {
        const uint32_t *noise =
            gen->noise == NULL
                ? NULL
                : gen->noise + ((size_t)(word0 / EGG_SIGN_WORDS) * gen->es.rank + r) * rows * EGG_SIGN_WORDS;
        egg_key key = factor_key(gen, 0, EGG_NOISE_B, r);
        const uint8_t *tick = stream;
        for (uint32_t t = 0; t < c->ticks; t++, out += 32u * EGG_SIGN_WORDS)
            tick = ws->kernels->project(tick, noise, key, rows - 1u, word0, words, out);
    }
}

static int32_t member_fitness(const egg_generation *gen, egg_workspace *ws, uint32_t label, int32_t sign,
                              uint32_t slot) {
    uint32_t spikes = egg_forward_member(gen->net, &gen->es, gen->sigma, ws, sign, slot);
    return egg_forward_fitness(gen->net, &gen->es, ws, spikes, label);
}

egg_result egg_batch_evaluate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t label,
                              int32_t *fitness_diff) {
    uint32_t pairs = gen->es.pairs, words = egg_pair_words(&gen->es), spikes = 0;
    egg_forward_share(gen->net, ws, stream);
    bool together = egg_pair_begin(gen, ws, &spikes);
    for (uint32_t word = 0; word < words; word++) {
        if (word % EGG_SIGN_WORDS == 0)
            project(gen, ws, stream, word, words - word < EGG_SIGN_WORDS ? words - word : EGG_SIGN_WORDS);
        draw_word(gen, ws, word);
        if (together) egg_pair_find_movable(gen, ws, pairs - 32u * word < 32u ? pairs - 32u * word : 32u);
        for (uint32_t p = 0; p < 32 && 32 * word + p < pairs; p++) {
            uint32_t slot = 32u * (word % EGG_SIGN_WORDS) + p;
            if (together) {
                *fitness_diff++ += egg_pair_difference(gen, ws, p, label);
                continue;
            }
            expand_pair(gen, ws, p);
            *fitness_diff++ += member_fitness(gen, ws, label, 1, slot) - member_fitness(gen, ws, label, -1, slot);
        }
    }
    if (together)
        egg_pair_end(gen, ws);
    else
        spikes = egg_forward_member(gen->net, &gen->es, gen->sigma, ws, 0, 0);
    return egg_forward_result(gen->net, ws, spikes, label);
}

void egg_batch_member(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t pair,
                      int32_t sign) {
    uint32_t word = pair / 32u, word0 = word - word % EGG_SIGN_WORDS;
    egg_forward_share(gen->net, ws, stream);
    project(gen, ws, stream, word0, word - word0 + 1u);
    draw_word(gen, ws, word);
    expand_pair(gen, ws, pair % 32u);
    egg_forward_member(gen->net, &gen->es, gen->sigma, ws, sign, pair - 32u * word0);
}

void egg_batch_mark(const egg_net_config *net, const uint8_t *stream, uint8_t *active) {
    for (uint32_t t = 0; t < net->ticks; t++) {
        int32_t event, index = -1;
        while ((event = egg_stream_next(&stream, &index)) >= 0)
            active[event >> 3] = (uint8_t)(active[event >> 3] | (1u << (event & 7)));
    }
    active[net->inputs >> 3] = (uint8_t)(active[net->inputs >> 3] | (1u << (net->inputs & 7u)));
}

/* ws->sum[cols] += the sum of byte * A B^T over the pairs of one word, for one row. */
static void add_word(const egg_generation *gen, egg_workspace *ws, uint32_t m, uint32_t row, uint32_t word,
                     const egg_key *key_b) {
    uint32_t cols = egg_net_cols(&gen->net->config, m);
    for (uint32_t r = 0; r < gen->es.rank; r++) /* a sign of A B^T is + where those of A and B agree */
        egg_sign_sums_add(ws->scratch->sums.table, ws->a_words[m] + r * cols, ~egg_rng_signs(key_b[r], row, word), cols,
                          ws->sum);
}

void egg_batch_update(const egg_generation *gen, egg_workspace *ws, const int8_t *fitness_bytes,
                      const uint8_t *active) {
    const egg_net_config *c = &gen->net->config;
    uint32_t pairs = gen->es.pairs, words = egg_pair_words(&gen->es);
    uint32_t ready = words; /* the word whose signs and table are in the workspace */
    egg_key *key_b = ws->scratch->sums.key_b;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        uint32_t rows = egg_net_rows(c, m), cols = egg_net_cols(c, m);
        egg_learning_rate rate = egg_learning_rate_of(gen, m);
        egg_key row_key = egg_row_bits_key(gen, m);
        egg_column_bits(gen, m, ws->column_bits);
        egg_zero(ws->sum, cols * sizeof *ws->sum);
        for (uint32_t r = 0; r < gen->es.rank; r++) key_b[r] = factor_key(gen, m, EGG_NOISE_B, r);
        for (uint32_t i = 0; i < rows; i++) {
            if (!egg_row_is_active(c, active, m, i)) continue;
            for (uint32_t word = 0; word < words; word++) {
                if (word != ready) {
                    draw_word(gen, ws, word);
                    egg_sign_sums_fill(fitness_bytes + 32u * word, pairs - 32u * word, 0, ws->scratch->sums.table);
                    ready = word;
                }
                add_word(gen, ws, m, i, word, key_b);
            }
            egg_sign_sums_steps(ws->sum, cols, rate.m, rate.n, EGG_STEP_MAX, ws->step);
            ws->kernels->round_row(gen->net->weights[m] + (size_t)i * cols, ws->step, egg_rng_round(row_key, i),
                                   ws->column_bits, cols);
        }
    }
}
