#include "net/egg_net.h"

#include "base/egg_bytes.h"
#include "base/egg_math_private.h"
#include "base/egg_rng.h"
#include "net/egg_shape.h"

uint32_t egg_net_matrices(const egg_net_config *c) {
    return c->readout == EGG_READOUT_INTEGRATE ? c->layers + 1u : c->layers;
}

uint32_t egg_net_rows(const egg_net_config *c, uint32_t m) {
    if (c->layers == 0) return (uint32_t)c->inputs * c->input_segments + 1u;
    if (m == c->layers) return egg_readout_units(c) + 1u;
    if (egg_is_convolution(c, m)) {
        uint32_t below = m == 0 ? c->input_channels : c->layer[m - 1u].size;
        return below * c->layer[m].kernel * c->layer[m].kernel + 1u;
    }
    return (m == 0 ? c->inputs : egg_units(c, m - 1u)) + 1u;
}

uint32_t egg_net_cols(const egg_net_config *c, uint32_t m) {
    return m < c->layers ? c->layer[m].size : c->outputs;
}

size_t egg_net_bytes(const egg_net_config *c) {
    size_t bytes = 0;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) bytes += (size_t)egg_net_rows(c, m) * egg_net_cols(c, m);
    return bytes;
}

egg_status egg_net_init(egg_net *net, const egg_net_config *config, int8_t *memory, size_t bytes) {
    egg_status status = egg_net_check(config);
    if (status != EGG_OK) return status;
    if (memory == NULL || bytes < egg_net_bytes(config)) return EGG_E_MEMORY;
    net->config = *config;
    for (uint32_t m = 0; m < egg_net_matrices(config); m++) {
        net->weights[m] = memory;
        memory += (size_t)egg_net_rows(config, m) * egg_net_cols(config, m);
    }
    return EGG_OK;
}

void egg_net_randomize(egg_net *net, uint32_t seed, uint32_t std_hidden, uint32_t std_readout) {
    const egg_net_config *c = &net->config;
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        egg_key key = egg_rng_key(seed, 0, 0, m, EGG_NOISE_INIT, 0);
        int32_t gain = (int32_t)((m < c->layers ? std_hidden : std_readout) * 443u);
        uint32_t cols = egg_net_cols(c, m);
        uint32_t count = (egg_net_rows(c, m) - 1u) * cols;
        int8_t *w = net->weights[m];
        for (uint32_t i = 0; i < count; i++) {
            uint32_t v = egg_rng_word(key, i);
            /* the sum of four random bytes has mean 510 and a standard deviation of 65536 / 443 */
            int32_t sum = (int32_t)((v & 255u) + ((v >> 8) & 255u) + ((v >> 16) & 255u) + (v >> 24)) - 510;
            *w++ = (int8_t)egg_clamp(EGG_ROUND_SHIFT(sum * gain, 16), EGG_WEIGHT_MAX);
        }
        egg_zero(w, cols);
    }
}

uint32_t egg_net_digest(const egg_net *net) {
    return egg_crc32(0, net->weights[0], egg_net_bytes(&net->config));
}
