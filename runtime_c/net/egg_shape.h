/* The shapes of a net's layers: their neurons as pictures of channels, rows and columns (SPEC.md section 4.1). */
#ifndef EGG_SHAPE_H
#define EGG_SHAPE_H

#include "base/egg_convolution.h"
#include "net/egg_config.h"

/* Whether LIF layer l is a convolution; whether any layer is; and whether the last one is. */
static inline bool egg_is_convolution(const egg_net_config *c, uint32_t l) {
    return EGG_CONVOLUTIONS && l < c->layers && c->layer[l].kernel > 0;
}
bool egg_has_convolution(const egg_net_config *config);
static inline bool egg_ends_in_convolution(const egg_net_config *c) {
    return c->layers > 0 && egg_is_convolution(c, c->layers - 1u);
}

/* Whether a workspace of estimator batch keeps the signs of the rows of matrix m. Those of a dense first layer are
 * many, and only projections need them. */
static inline bool egg_keeps_row_signs(const egg_net_config *c, uint32_t m) {
    return m > 0 || egg_is_convolution(c, 0);
}

/* The shape of LIF layer l. A dense layer has one row and one column. */
egg_shape egg_shape_of(const egg_net_config *config, uint32_t l);

/* The convolution that LIF layer l is. */
egg_convolution egg_convolution_of(const egg_net_config *config, uint32_t l);

/* Neurons of LIF layer l. */
uint32_t egg_units(const egg_net_config *config, uint32_t l);

/* The side of the squares whose counts the readout sums; 1 without a pool. */
static inline uint32_t egg_readout_pool(const egg_net_config *c) {
    return EGG_CONVOLUTIONS && c->readout_pool > 1 ? c->readout_pool : 1;
}

/* Rows of places of layer l that are computed together, a *band*. A small core cannot hold the currents of a whole
 * convolution, so with a single layer it computes one row after the other. */
static inline uint32_t egg_band_rows(const egg_net_config *c, const egg_convolution *conv) {
    return EGG_ROW_ALIGN == 1 && c->layers == 1 ? 1u : conv->shape.rows;
}

/* Neurons of LIF layer l whose currents are held at once (net/egg_workspace.c). */
uint32_t egg_band_units(const egg_net_config *config, uint32_t l);

/* Whether the sums of convolution l need more than 16 bits. */
static inline bool egg_is_wide(const egg_net_config *c, uint32_t l) {
    uint32_t channels = l == 0 ? c->input_channels : c->layer[l - 1u].size;
    return channels * c->layer[l].kernel * c->layer[l].kernel > 256u; /* 256 weights and the bias: 257 * 127 < 2^15 */
}

/* Rows of the readout matrix besides the bias; the net has at least one LIF layer. */
uint32_t egg_readout_units(const egg_net_config *config);

#endif
