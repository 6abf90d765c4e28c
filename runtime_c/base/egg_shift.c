#include "base/egg_shift.h"

#include "base/egg_rng.h"
#include "base/egg_stream.h"

/* moved(u, n) of SPEC.md section 3.1; u below 2^16. */
static int32_t moved(uint32_t u, uint32_t n, uint32_t shift) {
    return n == 1 ? 0 : (int32_t)((u * (2u * shift + 1u)) >> 16) - (int32_t)shift;
}

egg_offset egg_shift_draw(uint32_t seed, uint32_t generation, uint32_t position, uint32_t rows, uint32_t cols,
                          uint32_t shift) {
    uint32_t v = egg_rng_word(egg_rng_key(seed, generation, position, 0, EGG_NOISE_SHIFT, 0), 0);
    egg_offset by = {moved(v >> 16, rows, shift), moved(v & 0xFFFFu, cols, shift)};
    return by;
}

size_t egg_shift_bytes(size_t length, uint32_t ticks, uint32_t inputs, uint32_t cols, uint32_t shift) {
    size_t grown = length + (size_t)ticks * ((shift * (cols + 1u) + 253u) / 254u);
    size_t longest = egg_stream_bytes(ticks, inputs);
    return grown < longest ? grown : longest;
}

/* Walks through the pixels along with the stream, because small cores have no division. All events move by the same
 * number of inputs, so that only the first jump of a tick changes, and those over dropped events are joined. */
size_t egg_shift_stream(const uint8_t *stream, uint32_t ticks, uint32_t rows, uint32_t cols, egg_offset by,
                        uint8_t *out) {
    uint8_t *end = out;
    for (uint32_t t = 0; t < ticks; t++) {
        int32_t gap = by.y * (int32_t)cols + by.x; /* from the last event that remains to the current one */
        uint32_t x = 0u - 1u, y = 0;               /* pixel of the current event */
        for (uint32_t b = *stream++; b != 0; b = *stream++) {
            uint32_t jump = b < 255u ? b : 254u;
            gap += (int32_t)jump;
            for (x += jump; x >= cols; x -= cols) y = y + 1u < rows ? y + 1u : 0;
            if (b == 255u || x + (uint32_t)by.x >= cols || y + (uint32_t)by.y >= rows) continue;
            for (; gap > 254; gap -= 254) *end++ = 255;
            *end++ = (uint8_t)gap;
            gap = 0;
        }
        *end++ = 0;
    }
    return (size_t)(end - out);
}
