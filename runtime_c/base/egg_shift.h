/* Recordings that training moves by a few pixels (SPEC.md section 3.1). Input (channel * rows + y) * cols + x is pixel
 * (x, y) of a channel. */
#ifndef EGG_SHIFT_H
#define EGG_SHIFT_H

#include "base/egg_types.h"

/* Where a recording moves: y pixels down, x pixels to the right. */
typedef struct {
    int32_t y, x;
} egg_offset;

/* Draws the offset of the recording at a position of a generation: each coordinate is -shift..shift, and 0 along a side
 * of a single pixel. shift 1..EGG_SHIFT_MAX. */
egg_offset egg_shift_draw(uint32_t seed, uint32_t generation, uint32_t position, uint32_t rows, uint32_t cols,
                          uint32_t shift);

/* Upper bound of the bytes of a recording of `length` bytes, once it has moved by up to `shift` pixels. */
size_t egg_shift_bytes(size_t length, uint32_t ticks, uint32_t inputs, uint32_t cols, uint32_t shift);

/* Writes the moved recording to out[egg_shift_bytes()], which must not overlap with `stream`. Events that leave the
 * sensor are dropped. The stream must have passed egg_stream_check(), for inputs that are a multiple of rows * cols.
 * Returns the number of bytes written. */
size_t egg_shift_stream(const uint8_t *stream, uint32_t ticks, uint32_t rows, uint32_t cols, egg_offset by,
                        uint8_t *out);

#endif
