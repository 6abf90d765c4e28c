/* The update of the estimators sample and sweep: takes the credit that a recording has left in the workspace to the
 * weights of its events (SPEC.md section 9). */
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
    uint32_t used; /* entries of a row of credit; 0 if there is no credit at all */
    egg_key row_key;
    int32_t *sum; /* NULL, or where to add the steps instead of rounding them into the weights */
} update;

/* Moves the credit of the columns that have any to the front, and lists these columns in ws->touched. Most columns have
 * none, so cores without vector units visit only those. */
static void find_touched(update *u) {
    egg_workspace *ws = u->ws;
    uint32_t cols = u->cols, used = 0;
    int16_t *credit = ws->credit[u->matrix], *to = credit;
    egg_key key = egg_column_bits_key(u->gen, u->matrix);
    for (uint32_t j = 0; j < cols; j++) {
        const int16_t *at = credit + j;
        int32_t any = 0;
        for (uint32_t s = 0; s < u->segments; s++, at += cols) any |= *at;
        if (any != 0) ws->touched[used++] = j;
    }
    for (uint32_t s = 0; s < u->segments; s++, credit += cols)
        for (uint32_t i = 0; i < used; i++) *to++ = credit[ws->touched[i]];
    for (uint32_t i = 0; i < used; i++) ws->touched[i] |= egg_rng_round(key, ws->touched[i]) << EGG_TOUCHED_SHIFT;
    u->used = used;
}

/* Prepares the update of a matrix. */
static update begin(const egg_generation *gen, egg_workspace *ws, uint32_t m, int32_t *sum) {
    const egg_net_config *c = &gen->net->config;
    update u = {gen, ws, m, egg_net_cols(c, m), m < c->layers ? gen->es.segments : 1u, 0, egg_row_bits_key(gen, m),
                sum};
    u.used = egg_padded(u.cols);
    if (EGG_SPARSE)
        find_touched(&u);
    else if (sum == NULL)
        egg_column_bits(gen, m, ws->column_bits);
    return u;
}

/* Takes a row with n[segment] events: rounds its step into the weights, or adds it to the sum. */
static void update_row(const update *u, uint32_t row, const int16_t *n) {
    egg_workspace *ws = u->ws;
    const int16_t *step = ws->step;
    int32_t factor = 1;
    uint32_t cols = u->cols, word = egg_rng_word(u->row_key, row);
    int8_t *w = u->gen->net->weights[u->matrix] + (size_t)row * cols;
    int32_t *sum = u->sum != NULL ? u->sum + (size_t)row * cols : NULL;
    if (!EGG_SPARSE) {
        ws->kernels->combine(ws->credit[u->matrix], n, u->segments, u->used, ws->step);
        if (sum != NULL)
            ws->kernels->add_wide(sum, step, cols);
        else
            ws->kernels->round_row(w, step, word >> 20, ws->column_bits, cols);
        return;
    }
    step = egg_packed16_combine(ws->credit[u->matrix], n, u->segments, u->used, ws->step, &factor);
    if (sum == NULL)
        egg_packed16_learn(w, ws->touched, u->used, step, factor, word);
    else
        for (uint32_t i = 0; i < u->used; i++) sum[ws->touched[i] & EGG_TOUCHED_COLUMN] += factor * step[i];
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

/* Counts the events of rows [row0, row1) in each segment: n[row1 - row0][segments], which is 0 before. */
static void count_events(egg_scratch *x, const uint8_t *stream, uint32_t ticks, uint32_t segments, uint32_t row0,
                         uint32_t row1) {
    egg_segment_walk walk = {0, 0};
    for (uint32_t t = 0; t < ticks; t++) {
        const uint8_t *at = stream + x->gather.at[t];
        int32_t index = x->gather.index[t];
        uint8_t *n = x->gather.n + walk.segment;
        while (index < (int32_t)row1) {
            n[((uint32_t)index - row0) * segments]++;
            if (egg_stream_next(&at, &index) < 0) index = INT32_MAX;
        }
        x->gather.at[t] = (uint32_t)(at - stream);
        x->gather.index[t] = index;
        egg_segment_next(&walk, segments, ticks);
    }
}

/* All rows of a LIF matrix. To count the events of a row in each segment, it reads all ticks of the stream side by
 * side, for one block of rows after the other. */
static void lif_matrix(const update *u, const uint8_t *stream) {
    const egg_net_config *c = &u->gen->net->config;
    uint32_t ticks = c->ticks, segments = u->segments, bias = egg_net_rows(c, u->matrix) - 1u;
    egg_scratch *x = u->ws->scratch;
    int16_t factor[EGG_SEGMENTS_MAX];
    uint32_t block = sizeof x->gather.n / segments;
    open_ticks(x, stream, ticks);
    egg_zero(x->gather.n, sizeof x->gather.n);
    for (uint32_t row0 = 0; row0 < bias; row0 += block) {
        uint32_t row1 = bias - row0 < block ? bias : row0 + block;
        uint8_t *n = x->gather.n;
        count_events(x, stream, ticks, segments, row0, row1);
        for (uint32_t row = row0; row < row1; row++) {
            uint32_t any = 0;
            for (uint32_t s = 0; s < segments; s++, n++) any |= *n, factor[s] = *n, *n = 0;
            if (any != 0) update_row(u, row, factor);
        }
    }
    egg_zero(factor, sizeof factor);
    for (uint32_t t = 0; t < ticks; t++) factor[egg_segment_of(t, segments, ticks)]++;
    update_row(u, bias, factor);
}

/* All rows of the readout matrix: the events of a row are the spikes of its neuron. */
static void readout_matrix(const update *u) {
    const egg_net_config *c = &u->gen->net->config;
    uint32_t size = c->layer[c->layers - 1u].size;
    for (uint32_t h = 0; h <= size; h++) {
        int16_t n = h < size ? u->ws->count[h] : c->ticks;
        if (n != 0) update_row(u, h, &n);
    }
}

void egg_sample_accumulate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, int32_t *sum) {
    const egg_net_config *c = &gen->net->config;
    if (ws->no_credit) return;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        update u = begin(gen, ws, m, sum);
        if (u.used != 0) {
            if (m < c->layers)
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
