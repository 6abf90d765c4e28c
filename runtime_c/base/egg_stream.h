/* A recording as a stream of bytes, about one byte for each event (SPEC.md section 3).
 *
 * The stream holds the ticks one after the other. At the start of each tick index = -1. A byte 1..254 adds itself to
 * index, and input `index` has an event. Byte 255 adds 254 without an event. Byte 0 ends the tick. */
#ifndef EGG_STREAM_H
#define EGG_STREAM_H

#include "base/egg_types.h"

/* Checks a stream of `length` bytes against the ticks and inputs of a net. All other functions of the core read only
 * streams that have passed this check. Returns EGG_OK, or EGG_E_STREAM: too few or too many ticks, or an index beyond
 * the inputs. */
egg_status egg_stream_check(const uint8_t *stream, size_t length, uint32_t ticks, uint32_t inputs);

/* Upper bound of the bytes that egg_stream_encode() writes. */
size_t egg_stream_bytes(uint32_t ticks, uint32_t inputs);

/* Encodes spikes[ticks][inputs], one byte each: 0 or 1. Returns the number of bytes written to `stream`. */
size_t egg_stream_encode(const uint8_t *spikes, uint32_t ticks, uint32_t inputs, uint8_t *stream);

/* Returns the next event of the tick, an input's index, or -1 at the end of the tick. Advances *stream. The caller sets
 * *index = -1 at the start of each tick. */
static inline int32_t egg_stream_next(const uint8_t **stream, int32_t *index) {
    for (;;) {
        uint32_t b = *(*stream)++;
        if (b == 0) return -1;
        if (b < 255) return *index += (int32_t)b;
        *index += 254;
    }
}

#endif
