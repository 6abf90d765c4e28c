#include "link/egg_frame.h"

#include "base/egg_bytes.h"

#define BLOCK 254u          /* largest number of data bytes in a COBS block */
#define RESIDUE 0x2144DF1Cu /* CRC-32 of any data that is followed by its CRC-32 */

size_t egg_frame_seal(uint8_t *frame, size_t n) {
    egg_put32(frame + n, egg_crc32(0, frame, n));
    return n + EGG_FRAME_TAIL;
}

size_t egg_frame_send(egg_frame_write write, void *user, const uint8_t *frame, size_t n) {
    static const uint8_t end = 0;
    size_t i = 0, sent = 0;
    for (;;) {
        size_t run = 0;
        while (i + run < n && run < BLOCK && frame[i + run] != 0) run++;
        uint8_t code = (uint8_t)(run + 1u);
        write(user, &code, 1);
        if (run > 0) write(user, frame + i, run);
        sent += run + 1u;
        i += run;
        if (i >= n) break;
        if (run < BLOCK) i++; /* the zero that the block stands for */
    }
    write(user, &end, 1);
    return sent + 1u;
}

/* Waits for a new frame. */
static void restart(egg_frame_decoder *d) {
    d->count = 0;
    d->crc = 0;
    d->code = d->left = 0;
}

void egg_frame_decoder_init(egg_frame_decoder *d, uint8_t *buffer, uint32_t capacity) {
    d->buffer = buffer;
    d->capacity = capacity;
    d->length = d->bad = 0;
    restart(d);
}

/* Appends a decoded byte to the frame. */
static void take(egg_frame_decoder *d, uint8_t byte) {
    if (d->count < d->capacity) d->buffer[d->count] = byte;
    if (d->count <= d->capacity) d->count++;
    d->crc = egg_crc32(d->crc, &byte, 1);
}

uint32_t egg_frame_decoder_put(egg_frame_decoder *d, uint8_t byte) {
    if (byte != 0 && d->left > 0) {
        take(d, byte);
        d->left--;
    } else if (byte != 0) { /* a block begins; unless the block before it was full, a zero lies between them */
        if (d->code != 0 && d->code != BLOCK + 1u) take(d, 0);
        d->code = byte;
        d->left = (uint8_t)(byte - 1u);
    } else if (d->code != 0) {
        bool good = d->left == 0 && d->count >= EGG_FRAME_HEAD + EGG_FRAME_TAIL && d->crc == RESIDUE;
        bool fits = d->count <= d->capacity;
        d->length = d->count - EGG_FRAME_TAIL;
        if (!good) d->bad++;
        restart(d);
        if (good) return fits ? EGG_FRAME_WHOLE : EGG_FRAME_TOO_LONG;
    }
    return EGG_FRAME_NONE;
}
