/* A net: its configuration and its weights (SPEC.md section 4).
 *
 * The weights are int8_t, -127..127, in memory of the caller. Matrix m is weights[m][rows][cols], row-major; matrices
 * 0 .. layers - 1 feed the LIF layers, and with EGG_READOUT_INTEGRATE one more feeds the outputs. The last row of each
 * matrix is the bias: an input with an event in every tick. Without a LIF layer, row s * inputs + i belongs to input i
 * in segment s of the recording. Row (c * kernel + y) * kernel + x of a convolution belongs to place (y, x) of the
 * kernel over channel c of the layer below, and its columns are channels; behind a convolution, a row of the readout
 * matrix belongs to a square of neurons. */
#ifndef EGG_NET_H
#define EGG_NET_H

#include "net/egg_config.h"

typedef struct {
    egg_net_config config;
    int8_t *weights[EGG_LAYERS_MAX + 1u]; /* one for each matrix; all matrices lie end to end from weights[0] on */
} egg_net;

/* Number of matrices: the layers, and one more with EGG_READOUT_INTEGRATE. */
uint32_t egg_net_matrices(const egg_net_config *config);

/* Rows of matrix m (presynaptic neurons or inputs, without a LIF layer for each segment, and the bias) and its columns
 * (neurons, channels or outputs). */
uint32_t egg_net_rows(const egg_net_config *config, uint32_t m);
uint32_t egg_net_cols(const egg_net_config *config, uint32_t m);

/* Bytes of all weights. */
size_t egg_net_bytes(const egg_net_config *config);

/* Checks the configuration, copies it, and lays the net into `memory`, which must stay valid as long as the net and has
 * egg_net_bytes() bytes at any alignment. The weights keep the values that the memory holds.
 * Returns EGG_OK, a status of egg_net_check(), or EGG_E_MEMORY. */
egg_status egg_net_init(egg_net *net, const egg_net_config *config, int8_t *memory, size_t bytes);

/* Draws random weights. Their standard deviation is std_hidden (LIF matrices) or std_readout (readout matrix), each
 * 0..EGG_STD_MAX weight units; biases become 0. The same seed gives the same weights on every machine. */
void egg_net_randomize(egg_net *net, uint32_t seed, uint32_t std_hidden, uint32_t std_readout);

/* The digest of the weights: their CRC-32, as zlib computes it. */
uint32_t egg_net_digest(const egg_net *net);

#endif
