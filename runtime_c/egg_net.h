/* Topology, weights and the unperturbed forward run (DESIGN.md sections 4 and 5). */
#ifndef EGG_NET_H
#define EGG_NET_H

#include "egg_types.h"

enum {
    EGG_READOUT_INTEGRATE = 0, /* non-spiking: logits are linear in the last layer's spike counts */
    EGG_READOUT_SPIKES = 1     /* the last LIF layer has one neuron an output; logits are its spike counts */
};

typedef struct {
    uint16_t size;      /* neurons, 1..1024 */
    uint16_t threshold; /* membrane at which a neuron spikes, 1..16383; soft reset subtracts it */
    uint8_t leak_shift; /* k: a tick leaks membrane >> k, 1..8; time constant about 2^k ticks */
    uint8_t refractory; /* ticks after a spike without input and spikes, 0..15 */
} egg_lif_config;

typedef struct {
    uint16_t inputs;                      /* 1..32766 */
    uint16_t outputs;                     /* 2..64 */
    uint8_t ticks;                        /* ticks a recording, 1..32 */
    uint8_t layers;                       /* LIF layers, 1..4 */
    uint8_t readout;                      /* EGG_READOUT_* */
    uint8_t gain;                         /* logit = readout << gain, in 1/4096 bit, 0..8 (spikes: 0..12) */
    egg_lif_config layer[EGG_LAYERS_MAX]; /* the first `layers` are used */
} egg_net_config;

/* A net: its config, and weights that lie in the caller's memory.
 * Matrix m is weights[m][rows][cols], row-major; the last row is the bias, an input that fires in every tick. */
typedef struct {
    egg_net_config config;
    int8_t *weights[EGG_LAYERS_MAX + 1u];
} egg_net;

/* EGG_OK, or which field is out of range. */
egg_status egg_net_check(const egg_net_config *config);

/* Matrices of a checked config: layers, plus one with EGG_READOUT_INTEGRATE. */
uint32_t egg_net_matrices(const egg_net_config *config);
/* Rows (presynaptic + bias) and columns (neurons or outputs) of matrix m. */
uint32_t egg_net_rows(const egg_net_config *config, uint32_t m);
uint32_t egg_net_cols(const egg_net_config *config, uint32_t m);

/* Bytes of all weights, in the order of the matrices. */
size_t egg_net_bytes(const egg_net_config *config);

/* Checks the config and points the net into `memory` (egg_net_bytes() long, any alignment). Weights are left as they
 * are. */
egg_status egg_net_init(egg_net *net, const egg_net_config *config, int8_t *memory, size_t bytes);

/* Random weights of standard deviation std_hidden (LIF matrices) and std_readout, 0..64 weight units; biases 0. */
void egg_net_randomize(egg_net *net, uint32_t seed, uint32_t std_hidden, uint32_t std_readout);

/* CRC-32 (as zlib) of the weights. */
uint32_t egg_net_digest(const egg_net *net);

/* CRC-32 (as zlib): start with crc = 0, feed in pieces. */
uint32_t egg_crc32(uint32_t crc, const void *data, size_t bytes);

/* What a run of the unperturbed net on one recording gives. */
typedef struct {
    int32_t loss;    /* cross-entropy, 1/4096 bit */
    uint32_t spikes; /* of all LIF layers */
    uint8_t predicted;
} egg_result;

#endif
