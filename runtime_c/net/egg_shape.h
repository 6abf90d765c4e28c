/* The shape of a layer: its neurons as a picture of channels, rows and columns (SPEC.md section 4.1). */
#ifndef EGG_SHAPE_H
#define EGG_SHAPE_H

#include "net/egg_config.h"

/* channels * rows * cols neurons or inputs. */
typedef struct {
    uint32_t channels, rows, cols;
} egg_shape;

/* A convolution and what lies below it. Neuron (c, y, x) has the number (y * cols + x) * channels + c. */
typedef struct {
    egg_shape below, shape;
    bool inputs; /* the layer below is that of the inputs: (c, y, x) has the number (c * rows + y) * cols + x there */
    uint32_t kernel, stride, padding;
} egg_convolution;

/* Whether LIF layer l is a convolution; whether any layer is; and whether the last one is. */
static inline bool egg_is_convolution(const egg_net_config *c, uint32_t l) {
    return l < c->layers && c->layer[l].kernel > 0;
}
bool egg_has_convolution(const egg_net_config *config);
static inline bool egg_ends_in_convolution(const egg_net_config *c) {
    return c->layers > 0 && egg_is_convolution(c, c->layers - 1u);
}

/* The shape of LIF layer l. A dense layer has one row and one column. */
egg_shape egg_shape_of(const egg_net_config *config, uint32_t l);

/* The convolution that LIF layer l is. */
egg_convolution egg_convolution_of(const egg_net_config *config, uint32_t l);

/* Neurons of LIF layer l. */
uint32_t egg_units(const egg_net_config *config, uint32_t l);

/* The side of the squares whose counts the readout sums; 1 without a pool. */
static inline uint32_t egg_readout_pool(const egg_net_config *c) {
    return c->readout_pool > 1 ? c->readout_pool : 1;
}

/* Rows of the readout matrix besides the bias; the net has at least one LIF layer. */
uint32_t egg_readout_units(const egg_net_config *config);

/* floor(n / stride) for n < 2 * EGG_SIDE_MAX and stride 1..EGG_STRIDE_MAX. Small cores have no division. */
static inline uint32_t egg_by_stride(uint32_t n, uint32_t stride) {
    return stride == 1 ? n : (n * ((65536u + stride - 1u) / stride)) >> 16;
}

#endif
