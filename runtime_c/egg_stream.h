/* A recording as a byte stream, about one byte an event (DESIGN.md section 3).
 * For each tick: index = -1; byte 1..254 adds itself to index, which has an event; 255 adds 254, no event; 0 ends the
 * tick. */
#ifndef EGG_STREAM_H
#define EGG_STREAM_H

#include "egg_types.h"

/* Checks a stream of `length` bytes against the ticks and inputs of a net. The core reads only checked streams.
 * Returns EGG_OK or EGG_E_STREAM. */
egg_status egg_stream_check(const uint8_t *stream, size_t length, uint32_t ticks, uint32_t inputs);

/* Upper bound of the bytes that egg_stream_encode() writes. */
size_t egg_stream_bytes(uint32_t ticks, uint32_t inputs);

/* Encodes spikes[ticks][inputs] (0 or 1 a byte); returns the bytes written. */
size_t egg_stream_encode(const uint8_t *spikes, uint32_t ticks, uint32_t inputs, uint8_t *stream);

/* Next event of the tick, or -1 at its end. *index is -1 at the start of a tick. */
static inline int32_t egg_stream_next(const uint8_t **stream, int32_t *index) {
    for (;;) {
        uint32_t b = *(*stream)++;
        if (b == 0) return -1;
        if (b < 255) return *index += (int32_t)b;
        *index += 254;
    }
}

#endif
