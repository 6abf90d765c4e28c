/* Estimator `batch`: EGGROLL as published (DESIGN.md section 7.1). */
#include "egg_es.h"

#include "egg_es_private.h"
#include "egg_fx.h"
#include "egg_kernel.h"
#include "egg_pair.h"
#include "egg_stream.h"

static egg_key factor_key(const egg_gen *gen, uint32_t m, uint32_t stream, uint32_t rank) {
    return egg_rng_key(gen->seed, gen->generation, 0, m, stream, rank);
}

static void draw(egg_key key, uint32_t rows, uint32_t word, uint32_t *words) {
    for (uint32_t i = 0; i < rows; i++) words[i] = egg_rng_signs(key, i, word);
}

/* The noise of the pairs of one word in all matrices; of matrix 0 only the columns' side. */
static void draw_word(const egg_gen *gen, egg_ws *ws, uint32_t word) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        uint32_t rows = egg_net_rows(c, m), cols = egg_net_cols(c, m);
        for (uint32_t r = 0; r < gen->es.rank; r++) {
            draw(factor_key(gen, m, EGG_STREAM_A, r), cols, word, ws->a_words[m] + r * cols);
            if (m > 0) draw(factor_key(gen, m, EGG_STREAM_B, r), rows, word, ws->b_words[m] + r * rows);
        }
    }
}

static void expand_pair(const egg_gen *gen, egg_ws *ws, uint32_t p) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        uint32_t rows = egg_net_rows(c, m), cols = egg_net_cols(c, m);
        for (uint32_t r = 0; r < gen->es.rank; r++) {
            ws->kernels->expand(ws->a_words[m] + r * cols, cols, p, ws->a[m] + r * egg_pad(cols));
            if (m > 0) ws->kernels->expand(ws->b_words[m] + r * rows, rows, p, ws->b[m] + r * egg_pad(rows));
        }
    }
}

size_t egg_batch_noise_words(const egg_net_config *net, const egg_es_config *es) {
    size_t groups = ((es->pairs + 31u) / 32u + EGG_WORDS - 1u) / EGG_WORDS;
    return groups * es->rank * egg_net_rows(net, 0) * EGG_WORDS;
}

/* [group of EGG_WORDS words][rank][rows][EGG_WORDS] */
void egg_batch_noise(const egg_gen *gen, uint32_t row0, uint32_t row1, uint32_t *noise) {
    uint32_t words = (gen->es.pairs + 31u) / 32u, rows = egg_net_rows(&gen->net->config, 0);
    for (uint32_t word0 = 0; word0 < words; word0 += EGG_WORDS) {
        for (uint32_t r = 0; r < gen->es.rank; r++, noise += (size_t)rows * EGG_WORDS) {
            egg_key key = factor_key(gen, 0, EGG_STREAM_B, r);
            for (uint32_t i = row0; i < row1; i++)
                for (uint32_t w = 0; w < EGG_WORDS; w++) noise[i * EGG_WORDS + w] = egg_rng_signs(key, i, word0 + w);
        }
    }
}

/* projection[rank][ticks][pair] of matrix 0 for words word0 .. word0 + words - 1 */
static void project(const egg_gen *gen, egg_ws *ws, const uint8_t *stream, uint32_t word0, uint32_t words) {
    const egg_net_config *c = &gen->net->config;
    uint32_t rows = egg_net_rows(c, 0);
    int16_t *out = ws->projection;
    for (uint32_t r = 0; r < gen->es.rank; r++) {
        const uint32_t *noise = gen->noise == NULL
                                    ? NULL
                                    : gen->noise + ((size_t)(word0 / EGG_WORDS) * gen->es.rank + r) * rows * EGG_WORDS;
        egg_key key = factor_key(gen, 0, EGG_STREAM_B, r);
        const uint8_t *tick = stream;
        for (uint32_t t = 0; t < c->ticks; t++, out += 32u * EGG_WORDS)
            tick = ws->kernels->project(tick, noise, key, rows - 1u, word0, words, out);
    }
}

static int32_t member_fitness(const egg_gen *gen, egg_ws *ws, uint32_t label, int32_t sign, uint32_t lane) {
    uint32_t spikes = egg_forward_member(gen->net, &gen->es, gen->sigma, ws, sign, lane);
    return egg_forward_fitness(gen->net, &gen->es, ws, spikes, label);
}

egg_result egg_batch_eval(const egg_gen *gen, egg_ws *ws, const uint8_t *stream, uint32_t label, int32_t *diff) {
    uint32_t pairs = gen->es.pairs, words = (pairs + 31u) / 32u, spikes = 0;
    egg_forward_share(gen->net, ws, stream);
    uint32_t together = egg_pair_begin(gen, ws, &spikes);
    for (uint32_t word = 0; word < words; word++) {
        if (word % EGG_WORDS == 0) project(gen, ws, stream, word, words - word < EGG_WORDS ? words - word : EGG_WORDS);
        draw_word(gen, ws, word);
        if (together) egg_pair_settle(gen, ws, pairs - 32u * word < 32u ? pairs - 32u * word : 32u);
        for (uint32_t p = 0; p < 32 && 32 * word + p < pairs; p++) {
            uint32_t lane = 32u * (word % EGG_WORDS) + p;
            if (together) {
                *diff++ += egg_pair_diff(gen, ws, p, label);
                continue;
            }
            expand_pair(gen, ws, p);
            *diff++ += member_fitness(gen, ws, label, 1, lane) - member_fitness(gen, ws, label, -1, lane);
        }
    }
    if (together)
        egg_pair_end(gen, ws);
    else
        spikes = egg_forward_member(gen->net, &gen->es, gen->sigma, ws, 0, 0);
    return egg_forward_result(gen->net, ws, spikes, label);
}

void egg_batch_member(const egg_gen *gen, egg_ws *ws, const uint8_t *stream, uint32_t pair, int32_t sign) {
    uint32_t word = pair / 32u, word0 = word - word % EGG_WORDS;
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

/* sum[cols] += f A B^T of one row for the pairs of one word */
static void add_word(const egg_gen *gen, egg_ws *ws, uint32_t m, uint32_t row, uint32_t word, const egg_key *key_b) {
    uint32_t cols = egg_net_cols(&gen->net->config, m);
    for (uint32_t r = 0; r < gen->es.rank; r++) /* the signs of A B^T: set where those of A and B agree */
        egg_table_add(ws->scratch->sums.table, ws->a_words[m] + r * cols, ~egg_rng_signs(key_b[r], row, word), cols,
                      ws->sum);
}

void egg_batch_update(const egg_gen *gen, egg_ws *ws, const int8_t *f, const uint8_t *active) {
    const egg_net_config *c = &gen->net->config;
    uint32_t pairs = gen->es.pairs, words = (pairs + 31u) / 32u, ready = words; /* word in a_words and table */
    egg_key *key_b = ws->scratch->sums.key_b;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        uint32_t rows = egg_net_rows(c, m), cols = egg_net_cols(c, m);
        egg_rate rate = egg_es_rate(gen, m);
        egg_key rho = egg_es_rho_key(gen, m);
        egg_es_kappa(gen, m, ws->kappa);
        egg_zero(ws->sum, cols * sizeof *ws->sum);
        for (uint32_t r = 0; r < gen->es.rank; r++) key_b[r] = factor_key(gen, m, EGG_STREAM_B, r);
        for (uint32_t i = 0; i < rows; i++) {
            if (m == 0 && !(((uint32_t)active[i >> 3] >> (i & 7u)) & 1u)) continue;
            for (uint32_t word = 0; word < words; word++) {
                if (word != ready) {
                    draw_word(gen, ws, word);
                    egg_table_fill(f + 32u * word, pairs - 32u * word, 0, ws->scratch->sums.table);
                    ready = word;
                }
                add_word(gen, ws, m, i, word, key_b);
            }
            egg_table_steps(ws->sum, cols, rate.m, rate.n, EGG_STEP_MAX, ws->step);
            ws->kernels->round_row(gen->net->weights[m] + (size_t)i * cols, ws->step, egg_rng_round(rho, i), ws->kappa,
                                   cols);
        }
    }
}
