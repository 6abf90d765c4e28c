/* The update of the estimators sample, sweep and eprop: takes the credit that a recording has left in the workspace to
 * the weights of its events (SPEC.md section 9). */
#include "base/egg_stream.h"
#include "estimators/egg_estimator_private.h"
#include "kernels/egg_kernel_private.h"
#include "kernels/egg_packed16_private.h"
#include "net/egg_workspace_private.h"

/* An update of one matrix. */
typedef struct {
    const egg_generation *gen;
    egg_workspace *ws;
    uint32_t matrix, cols, segments;
    uint32_t used;  /* entries of a row of credit; 0 if there is no credit at all */
    uint32_t width; /* the events of a row: bits of the number that counts those in one segment */
    egg_key row_key;
    int32_t *sum; /* NULL, or where to add the steps instead of rounding them into the weights */
} update;

/* Lists the columns with credit in ws->touched and their rounding bits in ws->column_bits, and packs their credit, two
 * columns in a word. Most columns have none, so cores without vector units visit only those. */
static void find_touched(update *u) {
    egg_workspace *ws = u->ws;
    uint32_t cols = u->cols, row = egg_credit_row(cols), used = 0;
    int16_t *credit = ws->credit[u->matrix];
    egg_word *to = (egg_word *)(void *)credit;
    egg_key key = egg_column_bits_key(u->gen, u->matrix);
    for (uint32_t j = 0; j < cols; j++) {
        int32_t any = 0;
        for (uint32_t s = 0; s < u->segments; s++) any |= credit[s * row + j];
        if (any == 0) continue;
        ws->column_bits[used] = (uint16_t)egg_rng_round(key, j);
        ws->touched[used++] = (uint16_t)j;
    }
    u->used = (used + 1u) / 2u;
    if (used & 1u) ws->column_bits[used] = 0, ws->touched[used] = 0; /* its credit is 0 */
    for (uint32_t s = 0; s < u->segments; s++, credit += row)
        for (uint32_t i = 0; i < used; i += 2) {
            int32_t second = i + 1u < used ? credit[ws->touched[i + 1u]] : 0;
            *to++ = (uint32_t)credit[ws->touched[i]] + ((uint32_t)second << 16);
        }
}

/* Whether the update of a matrix visits all columns on every core: that of a convolution and of the readout behind it.
 */
static bool by_columns(const egg_net_config *c, uint32_t m) {
    return egg_is_convolution(c, m) || (m == c->layers && egg_ends_in_convolution(c));
}

/* Prepares the update of a matrix. */
static update begin(const egg_generation *gen, egg_workspace *ws, uint32_t m, int32_t *sum) {
    const egg_net_config *c = &gen->net->config;
    update u = {gen, ws, m, egg_net_cols(c, m), m < c->layers ? gen->es.segments : 1u, 0, 0, egg_row_bits_key(gen, m),
                sum};
    bool whole = by_columns(c, m);
    u.used = egg_padded(u.cols);
    u.width =
        u.segments > 1 ? 32u / u.segments : 16u; /* 16 suffice for all ticks; of several segments each is shorter */
    if (EGG_SPARSE && !whole)
        find_touched(&u);
    else if (sum == NULL)
        egg_column_bits(gen, m, ws->column_bits);
    return u;
}

/* Takes a row whose events are counted in n: rounds its step into the weights, or adds it to the sum. */
static void update_row(const update *u, uint32_t row, uint32_t n) {
    egg_workspace *ws = u->ws;
    uint32_t cols = u->cols, row_bits = egg_rng_round(u->row_key, row);
    int8_t *w = u->gen->net->weights[u->matrix] + (size_t)row * cols;
    int32_t *sum = u->sum != NULL ? u->sum + (size_t)row * cols : NULL;
    if (EGG_SPARSE) {
        uint32_t times;
        const egg_word *step = egg_packed16_combine((const egg_word *)(const void *)ws->credit[u->matrix], n, u->width,
                                                    u->used, (egg_word *)(void *)ws->step, &times);
        if (sum == NULL)
            egg_packed16_learn(w, step, times, u->used, ws->touched, ws->column_bits, row_bits);
        else
            egg_packed16_add(sum, step, times, u->used, ws->touched);
        return;
    }
    int16_t factor[EGG_TICKS_MAX];
    for (uint32_t s = 0; s < u->segments; s++, n >>= u->width) factor[s] = (int16_t)(n & ((1u << u->width) - 1u));
    ws->kernels->combine(ws->credit[u->matrix], factor, u->segments, u->used, ws->step);
    if (sum != NULL)
        ws->kernels->add_wide(sum, ws->step, cols);
    else
        ws->kernels->round_row(w, ws->step, row_bits, ws->column_bits, cols);
}

/* Finds the first event of each tick. */
static void open_ticks(egg_scratch *x, const uint8_t *stream, uint32_t ticks) {
    const uint8_t *at = stream;
    for (uint32_t t = 0; t < ticks; t++) {
        int32_t index = -1;
        const uint8_t *first = at;
        x->gather.index[t] = egg_stream_next(&first, &index) < 0 ? INT32_MAX : index;
        x->gather.at[t] = (uint32_t)(first - stream);
        while (*at++ != 0) {
        }
    }
}

/* Counts the events of rows [row0, row1) in each segment: n[row1 - row0], which is 0 before. */
static void count_events(const update *u, const uint8_t *stream, uint32_t row0, uint32_t row1) {
    egg_scratch *x = u->ws->scratch;
    uint32_t ticks = u->gen->net->config.ticks;
    egg_segment_walk walk = {0, 0};
    for (uint32_t t = 0; t < ticks; t++) {
        const uint8_t *at = stream + x->gather.at[t];
        int32_t index = x->gather.index[t];
        uint32_t one = 1u << (walk.segment * u->width);
        while (index < (int32_t)row1) {
            x->gather.n[(uint32_t)index - row0] += one;
            if (egg_stream_next(&at, &index) < 0) index = INT32_MAX;
        }
        x->gather.at[t] = (uint32_t)(at - stream);
        x->gather.index[t] = index;
        egg_segment_next(&walk, u->segments, ticks);
    }
}

/* All rows of a LIF matrix. To count the events of a row in each segment, it reads all ticks of the stream side by
 * side, for one block of rows after the other. */
static void lif_matrix(const update *u, const uint8_t *stream) {
    const egg_net_config *c = &u->gen->net->config;
    uint32_t bias = egg_net_rows(c, u->matrix) - 1u, all = 0;
    egg_scratch *x = u->ws->scratch;
    open_ticks(x, stream, c->ticks);
    egg_zero(x->gather.n, sizeof x->gather.n);
    for (uint32_t row0 = 0; row0 < bias; row0 += EGG_GATHER_ROWS) {
        uint32_t row1 = bias - row0 < EGG_GATHER_ROWS ? bias : row0 + EGG_GATHER_ROWS;
        uint32_t *at = x->gather.n;
        count_events(u, stream, row0, row1);
        for (uint32_t row = row0; row < row1; row++, at++) {
            uint32_t n = *at;
            if (n == 0) continue;
            *at = 0;
            update_row(u, row, n);
        }
    }
    egg_segment_walk walk = {0, 0};
    for (uint32_t t = 0; t < c->ticks; t++) {
        all += 1u << (walk.segment * u->width);
        egg_segment_next(&walk, u->segments, c->ticks);
    }
    update_row(u, bias, all);
}

/* Takes ws->step as the step of a row, for updates that visit all columns. */
static void take_step(const update *u, uint32_t row) {
    egg_workspace *ws = u->ws;
    uint32_t cols = u->cols;
    if (u->sum != NULL)
        ws->kernels->add_wide(u->sum + (size_t)row * cols, ws->step, cols);
    else
        ws->kernels->round_row(u->gen->net->weights[u->matrix] + (size_t)row * cols, ws->step,
                               egg_rng_round(u->row_key, row), ws->column_bits, cols);
}

/* All rows of the matrix of a convolution, whose gradient is known. */
static void convolution_matrix(const update *u) {
    uint32_t rows = egg_net_rows(&u->gen->net->config, u->matrix);
    const int32_t *gradient = u->ws->gradient[u->matrix];
    for (uint32_t row = 0; row < rows; row++, gradient += u->cols) {
        int32_t any = 0;
        for (uint32_t j = 0; j < u->cols; j++) any |= gradient[j];
        if (any == 0) continue; /* a step of 0 moves no weight */
        for (uint32_t j = 0; j < u->cols; j++) u->ws->step[j] = (int16_t)egg_clamp(gradient[j], EGG_STEP_MAX);
        take_step(u, row);
    }
}

/* All rows of the readout matrix behind a convolution: a square of neurons may have many spikes, which limits steps. */
static void pooled_matrix(const update *u) {
    const egg_net_config *c = &u->gen->net->config;
    uint32_t size = egg_readout_units(c);
    const int16_t *credit = u->ws->credit[u->matrix];
    for (uint32_t h = 0; h <= size; h++) {
        int32_t n = h < size ? u->ws->count[h] : c->ticks;
        if (n == 0) continue;
        for (uint32_t j = 0; j < u->cols; j++) u->ws->step[j] = (int16_t)egg_clamp(n * credit[j], EGG_STEP_MAX);
        take_step(u, h);
    }
}

/* All rows of the readout matrix: the events of a row are the spikes of its neuron. */
static void readout_matrix(const update *u) {
    const egg_net_config *c = &u->gen->net->config;
    uint32_t size = egg_net_rows(c, c->layers) - 1u;
    for (uint32_t h = 0; h <= size; h++) {
        uint32_t n = h < size ? (uint16_t)u->ws->count[h] : c->ticks;
        if (n != 0) update_row(u, h, n);
    }
}

void egg_sample_accumulate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, int32_t *sum) {
    const egg_net_config *c = &gen->net->config;
    if (ws->no_credit) return;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        update u = begin(gen, ws, m, sum);
        if (u.used != 0) {
            if (egg_is_convolution(c, m))
                convolution_matrix(&u);
            else if (by_columns(c, m))
                pooled_matrix(&u);
            else if (m < c->layers)
                lif_matrix(&u, m == 0 ? stream : ws->layer_streams[m - 1u]);
            else
                readout_matrix(&u);
        }
        if (sum != NULL) sum += (size_t)egg_net_rows(c, m) * u.cols;
    }
}

void egg_sample_update_online(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream) {
    egg_sample_accumulate(gen, ws, stream, NULL);
}
