#include "egg_net.h"

#include "egg_fx.h"
#include "egg_rng.h"

egg_status egg_net_check(const egg_net_config *c) {
    if (c->inputs < 1 || c->inputs > EGG_INPUTS_MAX) return EGG_E_INPUTS;
    if (c->layers < 1 || c->layers > EGG_LAYERS_MAX) return EGG_E_LAYERS;
    if (c->outputs < 2 || c->outputs > EGG_OUTPUTS_MAX) return EGG_E_OUTPUTS;
    if (c->ticks < 1 || c->ticks > EGG_TICKS_MAX) return EGG_E_TICKS;
    if (c->readout > EGG_READOUT_SPIKES || c->gain > (c->readout == EGG_READOUT_SPIKES ? 12 : 8)) return EGG_E_READOUT;
    for (uint32_t l = 0; l < c->layers; l++) {
        const egg_lif_config *lif = &c->layer[l];
        if (lif->size < 1 || lif->size > EGG_NEURONS_MAX) return EGG_E_SIZE;
        if (lif->threshold < 1 || lif->threshold > 16383 || lif->leak_shift < 1 || lif->leak_shift > 8 ||
            lif->refractory > 15)
            return EGG_E_LIF;
    }
    if (c->readout == EGG_READOUT_SPIKES && c->layer[c->layers - 1u].size != c->outputs) return EGG_E_OUTPUTS;
    return EGG_OK;
}

uint32_t egg_net_matrices(const egg_net_config *c) {
    return c->readout == EGG_READOUT_INTEGRATE ? c->layers + 1u : c->layers;
}

uint32_t egg_net_rows(const egg_net_config *c, uint32_t m) {
    return (m == 0 ? c->inputs : c->layer[m - 1u].size) + 1u;
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
        egg_key key = egg_rng_key(seed, 0, 0, m, EGG_STREAM_INIT, 0);
        int32_t gain = (int32_t)((m < c->layers ? std_hidden : std_readout) * 443u);
        uint32_t cols = egg_net_cols(c, m);
        uint32_t count = (egg_net_rows(c, m) - 1u) * cols;
        int8_t *w = net->weights[m];
        for (uint32_t i = 0; i < count; i++) {
            uint32_t v = egg_rng_word(key, i);
            int32_t sum = (int32_t)((v & 255u) + ((v >> 8) & 255u) + ((v >> 16) & 255u) + (v >> 24)) - 510;
            *w++ = (int8_t)egg_clamp((sum * gain + 32768) >> 16, 127);
        }
        egg_zero(w, cols);
    }
}

uint32_t egg_crc32(uint32_t crc, const void *data, size_t bytes) {
    static const uint32_t table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                       0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                       0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    const uint8_t *p = (const uint8_t *)data;
    crc = ~crc;
    while (bytes-- > 0) {
        crc ^= *p++;
        crc = (crc >> 4) ^ table[crc & 15u];
        crc = (crc >> 4) ^ table[crc & 15u];
    }
    return ~crc;
}

uint32_t egg_net_digest(const egg_net *net) {
    return egg_crc32(0, net->weights[0], egg_net_bytes(&net->config));
}
