#include "base/egg_stream.h"

egg_status egg_stream_check(const uint8_t *stream, size_t length, uint32_t ticks, uint32_t inputs) {
    uint32_t ended = 0; /* ticks so far */
    uint32_t next = 0;  /* index + 1 */
    for (size_t i = 0; i < length; i++) {
        uint32_t b = stream[i];
        if (ended == ticks) return EGG_E_STREAM;
        if (b == 0) {
            ended++;
            next = 0;
            continue;
        }
        next += b < 255 ? b : 254;
        if (next > inputs) return EGG_E_STREAM;
    }
    return ended == ticks ? EGG_OK : EGG_E_STREAM;
}

size_t egg_stream_bytes(uint32_t ticks, uint32_t inputs) {
    return (size_t)ticks * (inputs + inputs / 254u + 1u);
}

size_t egg_stream_encode(const uint8_t *spikes, uint32_t ticks, uint32_t inputs, uint8_t *stream) {
    uint8_t *out = stream;
    for (uint32_t t = 0; t < ticks; t++) {
        uint32_t gap = 0;
        for (uint32_t i = 0; i < inputs; i++) {
            gap++;
            if (!*spikes++) continue;
            for (; gap > 254; gap -= 254) *out++ = 255;
            *out++ = (uint8_t)gap;
            gap = 0;
        }
        *out++ = 0;
    }
    return (size_t)(out - stream);
}
