#include "net/egg_shape.h"

bool egg_has_convolution(const egg_net_config *c) {
    if (!EGG_CONVOLUTIONS) return false;
    uint32_t any = 0;
    for (uint32_t l = 0; l < c->layers; l++) any |= c->layer[l].kernel;
    return any != 0;
}

/* Rows or columns of a convolution over `below` of them. */
static uint32_t side(const egg_lif_config *lif, uint32_t below) {
    return (below + 2u * lif->padding - lif->kernel) / lif->stride + 1u;
}

egg_shape egg_shape_of(const egg_net_config *c, uint32_t l) {
    egg_shape shape = {c->input_channels, c->input_rows, c->input_cols};
    if (!egg_is_convolution(c, l)) {
        shape.channels = c->layer[l].size, shape.rows = shape.cols = 1u;
        return shape;
    }
    for (uint32_t i = 0; i <= l; i++) {
        const egg_lif_config *lif = &c->layer[i];
        shape.channels = lif->size;
        shape.rows = lif->kernel > 0 ? side(lif, shape.rows) : 1u;
        shape.cols = lif->kernel > 0 ? side(lif, shape.cols) : 1u;
    }
    return shape;
}

egg_convolution egg_convolution_of(const egg_net_config *c, uint32_t l) {
    egg_convolution conv;
    conv.inputs = l == 0;
    conv.shape = egg_shape_of(c, l);
    if (conv.inputs)
        conv.below.channels = c->input_channels, conv.below.rows = c->input_rows, conv.below.cols = c->input_cols;
    else
        conv.below = egg_shape_of(c, l - 1u);
    conv.kernel = c->layer[l].kernel, conv.stride = c->layer[l].stride, conv.padding = c->layer[l].padding;
    return conv;
}

uint32_t egg_units(const egg_net_config *c, uint32_t l) {
    if (!egg_is_convolution(c, l)) return c->layer[l].size;
    egg_shape shape = egg_shape_of(c, l);
    return shape.channels * shape.rows * shape.cols;
}

uint32_t egg_readout_units(const egg_net_config *c) {
    egg_shape shape = egg_shape_of(c, c->layers - 1u);
    uint32_t pool = egg_readout_pool(c);
    return shape.channels * ((shape.rows + pool - 1u) / pool) * ((shape.cols + pool - 1u) / pool);
}
