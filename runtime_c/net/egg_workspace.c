#include "net/egg_workspace.h"

#include "base/egg_math_private.h"
#include "base/egg_stream.h"
#include "kernels/egg_kernel_private.h"
#include "net/egg_net.h"
#include "net/egg_shape.h"
#include "net/egg_workspace_private.h"

/* Hands out pieces of the caller's memory, each aligned to 4 bytes; or only counts them if base is NULL. */
typedef struct {
    uint8_t *base;
    size_t used;
} carver;

static void *carve(carver *c, size_t bytes) {
    void *piece = c->base != NULL ? c->base + c->used : NULL;
    c->used += (bytes + 3u) & ~(size_t)3u;
    return piece;
}

/* Whether each recording leaves credit for the neurons. */
static inline bool has_credit(const egg_estimator_config *es) {
    return es->estimator == EGG_ESTIMATOR_SAMPLE || !egg_has_pairs(es->estimator);
}

/* What an update needs beside the scratch memory; a row has `widest` entries. */
static void lay_out_update(egg_workspace *ws, uint32_t widest, carver *c) {
    ws->step = carve(c, widest * sizeof(int16_t));
    ws->column_bits = carve(c, widest * sizeof(uint16_t));
}

/* What the evaluations of estimator sweep need; a row has `widest` entries, and ws->unit_count `counted`. */
static void lay_out_sweep(egg_workspace *ws, const egg_net_config *net, uint32_t segments, uint32_t widest,
                          uint32_t counted, carver *c) {
    size_t row = egg_credit_row(widest) * sizeof(int16_t);
    uint32_t refractory = 0;
    for (uint32_t l = 0; l < net->layers; l++) refractory |= net->layer[l].refractory;
    ws->part.sweep.logit_credit = carve(c, net->outputs * sizeof(int32_t));
    if (EGG_ROW_ALIGN == 1) ws->part.sweep.drive = carve(c, net->ticks * sizeof(uint32_t));
    ws->part.sweep.membrane = counted >= widest ? ws->unit_count : carve(c, row); /* the run is over by then */
    if (refractory != 0) ws->part.sweep.blocked = carve(c, row);
    if (net->layers > 1) ws->part.sweep.response = carve(c, segments * row);
    for (uint32_t i = 0; i + 1u < net->layers && i < 2; i++) ws->part.sweep.per_current[i] = carve(c, segments * row);
}

/* What the evaluations of estimator eprop need; the widest layer from 1 on has `deeper` entries. */
static void lay_out_eprop(egg_workspace *ws, const egg_net_config *net, uint32_t deeper, carver *c) {
    ws->part.eprop.logit_credit = carve(c, net->outputs * sizeof(int32_t));
    for (uint32_t i = 0; i + 1u < net->layers && i < 2; i++)
        ws->part.eprop.per_current[i] = carve(c, (size_t)net->ticks * egg_credit_row(deeper) * sizeof(int16_t));
}

uint32_t egg_band_units(const egg_net_config *c, uint32_t l) {
    if (!egg_is_convolution(c, l)) return c->layer[l].size;
    egg_convolution conv = egg_convolution_of(c, l);
    return egg_band_rows(c, &conv) * conv.shape.cols * conv.shape.channels;
}

/* Entries of a row of the currents, responses and credit of layer l. */
static uint32_t row_of(const egg_net_config *net, uint32_t l) {
    return egg_padded(egg_band_units(net, l));
}

/* What runs of convolutions need. Returns the entries of ws->unit_count. */
static uint32_t lay_out_convolutions(egg_workspace *ws, const egg_net_config *net, carver *c) {
    uint32_t counted = 0, wide = 0;
    for (uint32_t l = 0; l < net->layers; l++) {
        if (!egg_is_convolution(net, l)) continue;
        if (row_of(net, l) > counted) counted = row_of(net, l);
        if (egg_is_wide(net, l) && egg_band_units(net, l) > wide) wide = egg_band_units(net, l);
    }
    if (counted > 0) ws->unit_count = carve(c, egg_credit_row(counted) * sizeof(int16_t));
    if (wide > 0) ws->wide = carve(c, wide * sizeof(int32_t));
    return counted;
}

/* What members of estimator batch need to run convolutions. */
static void lay_out_perturbed(egg_workspace *ws, const egg_net_config *net, carver *c) {
    size_t signs = 0, places = 0, currents = 0;
    for (uint32_t l = 0; l < net->layers; l++) {
        if (!egg_is_convolution(net, l)) continue;
        size_t rows = egg_net_rows(net, l), band = egg_band_units(net, l) / net->layer[l].size,
               row = (size_t)net->ticks * row_of(net, l);
        if (rows > signs) signs = rows;
        if (band > places) places = band;
        if (row > currents) currents = row;
    }
    if (currents == 0) return;
    ws->row_signs = carve(c, signs);
    ws->place_sums = carve(c, places * sizeof(int16_t));
    ws->perturbed = carve(c, currents * sizeof(int16_t));
}

static void lay_out(egg_workspace *ws, const egg_net_config *net, const egg_estimator_config *es, carver *c) {
    uint32_t matrices = egg_net_matrices(net), layers = net->layers;
    uint32_t widest = 0, deeper = 0, across = 0; /* padded: columns of any matrix; a row of any LIF layer but the first;
                                                    a row of any LIF layer */
    uint32_t counted = layers > 0 ? 0 : egg_net_rows(net, 0) - 1u; /* entries of `count` */
    size_t neurons = 0;                                            /* of the largest layer that another one follows */
    for (uint32_t m = 0; m < matrices; m++) {
        uint32_t cols = egg_padded(egg_net_cols(net, m)), row = m < layers ? row_of(net, m) : 0;
        if (cols > widest) widest = cols;
        if (row > across) across = row;
        if (m > 0 && row > deeper) deeper = row;
        if (m + 1u < layers && egg_units(net, m) > neurons) neurons = egg_units(net, m);
    }
    if (layers > 0) counted = widest > egg_padded(egg_readout_units(net)) ? widest : egg_padded(egg_readout_units(net));
    egg_zero(ws, sizeof *ws);
    ws->logits = carve(c, net->outputs * sizeof(int32_t));
    ws->count = carve(c, counted * sizeof(int16_t));
    size_t base = layers > 0 ? (size_t)net->ticks * row_of(net, 0) * sizeof(int16_t) : 0, least = 0;
    size_t scratch = layers > 0 ? sizeof(egg_scratch) : 0;
    if (es != NULL) least = has_credit(es) ? scratch : sizeof ws->scratch->sums;
    bool eprop = es != NULL && es->estimator == EGG_ESTIMATOR_EPROP, small = EGG_ROW_ALIGN == 1;
    bool signless = es != NULL && !egg_has_pairs(es->estimator);                  /* draws no signs */
    if (signless && small) least += 3u * ((widest + 1u) & ~1u) * sizeof(int16_t); /* see below */
    ws->base = carve(c, base < least ? least : base);
    ws->scratch = (void *)ws->base;
    if (layers > 1) {
        ws->current = carve(c, (size_t)net->ticks * deeper * sizeof(int16_t));
        ws->spikes = carve(c, net->ticks * neurons);
        for (uint32_t l = 0; l + 1 < layers; l++)
            ws->layer_streams[l] = carve(c, egg_stream_bytes(net->ticks, egg_units(net, l)));
    }
    uint32_t band = lay_out_convolutions(ws, net, c);
    if (EGG_ROW_ALIGN > 1 && layers > 0 && matrices > layers && !egg_ends_in_convolution(net))
        ws->readout = carve(c, (size_t)net->outputs * egg_padded(net->layer[layers - 1u].size) * sizeof(int16_t));
    if (es == NULL) return;

    uint32_t ranks = es->estimator == EGG_ESTIMATOR_BATCH ? es->rank : 1;
    for (uint32_t m = 0; m < matrices; m++) {
        uint32_t rows = egg_net_rows(net, m), cols = egg_net_cols(net, m);
        if (!signless) ws->a_words[m] = carve(c, (size_t)ranks * cols * sizeof(uint32_t));
        if (es->estimator == EGG_ESTIMATOR_BATCH && egg_keeps_row_signs(net, m))
            ws->b_words[m] = carve(c, (size_t)ranks * rows * sizeof(uint32_t));
        if (has_credit(es)) {
            uint32_t segments = m < layers ? es->segments : 1;
            if (m < layers && !signless) ws->z_words[m] = carve(c, segments * sizeof(uint32_t));
            uint32_t row = m < layers ? egg_band_units(net, m) : cols;
            ws->credit[m] = carve(c, (size_t)segments * egg_credit_row(row) * sizeof(int16_t));
            if (egg_is_convolution(net, m)) ws->gradient[m] = carve(c, (size_t)rows * cols * sizeof(int32_t));
        }
    }
    if (es->estimator == EGG_ESTIMATOR_BATCH && !egg_keeps_row_signs(net, 0))
        ws->projection = carve(c, (size_t)ranks * net->ticks * 32u * EGG_SIGN_WORDS * sizeof(int16_t));
    if (es->estimator == EGG_ESTIMATOR_BATCH) lay_out_perturbed(ws, net, c);
    if (es->estimator == EGG_ESTIMATOR_SAMPLE) ws->fitness_diff = carve(c, es->pairs * sizeof(int32_t));
    if (signless) {
        if (eprop)
            lay_out_eprop(ws, net, deeper, c);
        else
            lay_out_sweep(ws, net, es->segments, across, band, c);
        carver behind = {c->base != NULL ? (uint8_t *)ws->base : NULL, scratch};
        lay_out_update(ws, widest, small ? &behind : c); /* an update no longer needs `base` */
        if (small) ws->touched = carve(&behind, widest * sizeof(uint16_t));
        return;
    }

    size_t signs = c->used; /* of one pair; last, so that the pieces below can share their memory */
    for (uint32_t m = 0; m < matrices; m++) {
        ws->a[m] = carve(c, (size_t)ranks * egg_padded(egg_net_cols(net, m)) * sizeof(int16_t));
        if (es->estimator == EGG_ESTIMATOR_BATCH && egg_keeps_row_signs(net, m))
            ws->b[m] = carve(c, (size_t)ranks * egg_padded(egg_net_rows(net, m)) * sizeof(int16_t));
    }
    ws->s = carve(c, (size_t)ranks * net->ticks * sizeof(int16_t));
    size_t end = c->used;
    /* A microcontroller needs these in updates, and on recordings whose pairs run together (egg_pair.c): never
     * at the same time as the signs. On hosts the signs' padding must stay 0. */
    if (small) c->used = signs;
    if (small || es->estimator == EGG_ESTIMATOR_BATCH) ws->sum = carve(c, widest * sizeof(int32_t));
    if (small) ws->touched = (uint16_t *)(void *)ws->sum;
    lay_out_update(ws, widest, c);
    if (small && layers == 1 && !egg_is_convolution(net, 0)) { /* egg_pair.c runs single dense layers only */
        ws->part.pair.logits = carve(c, net->outputs * sizeof(int32_t));
        ws->part.pair.drive = carve(c, 2u * net->ticks * sizeof(uint32_t));
        ws->part.pair.project = carve(c, ranks * sizeof(uint32_t));
        ws->part.pair.counts = (uint32_t *)ws->sum;
        ws->part.pair.neurons = (uint16_t *)ws->step;
        ws->part.pair.changed = ws->column_bits;
    }
    if (c->used < end) c->used = end;
}

size_t egg_workspace_bytes(const egg_net_config *net, const egg_estimator_config *es) {
    egg_workspace ws;
    carver c = {NULL, 0};
    lay_out(&ws, net, es, &c);
    return c.used;
}

egg_status egg_workspace_init(egg_workspace *ws, const egg_net_config *net, const egg_estimator_config *es,
                              void *memory, size_t bytes) {
    egg_status status = es != NULL ? egg_estimator_check(net, es) : egg_net_check(net);
    if (status != EGG_OK) return status;
    if (memory == NULL || ((uintptr_t)memory & 3u) != 0 || bytes < egg_workspace_bytes(net, es)) return EGG_E_MEMORY;
    carver c = {(uint8_t *)memory, 0};
    egg_zero(memory, egg_workspace_bytes(net, es)); /* the padding of the signs must be 0 */
    lay_out(ws, net, es, &c);
    ws->kernels = egg_kernel();
    return EGG_OK;
}
