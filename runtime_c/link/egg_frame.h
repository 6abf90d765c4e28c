/* Frames on a serial line (PROTOCOL.md, "Frames"): COBS encoding, each frame ended by a zero byte.
 *
 *   before COBS:  type u8 | sequence u8 | payload, 0..EGG_PAYLOAD_MAX bytes | CRC-32 of all bytes before it
 *
 * Integers are little-endian. The encoder needs no second buffer, and the decoder takes one byte at a time. Since a
 * zero byte always ends a frame, the decoder finds the next frame after any fault. */
#ifndef EGG_FRAME_H
#define EGG_FRAME_H

#include "base/egg_types.h"

/* Longest payload, in bytes, that this device accepts and sends; 80..4096. A session keeps 1 + EGG_MAX_OUTSTANDING
 * frames of this size. */
#ifndef EGG_PAYLOAD_MAX
#define EGG_PAYLOAD_MAX 256u
#endif
#define EGG_FRAME_HEAD 2u /* bytes before the payload: type, sequence */
#define EGG_FRAME_TAIL 4u /* bytes behind it: the CRC */
#define EGG_FRAME_MAX (EGG_FRAME_HEAD + EGG_PAYLOAD_MAX + EGG_FRAME_TAIL)

/* Takes n encoded bytes; returns when it has taken all of them. `user` is the caller's. */
typedef void (*egg_frame_write)(void *user, const uint8_t *bytes, size_t n);

/* Appends the CRC to a frame of n bytes (type, sequence, payload). The buffer must have room for EGG_FRAME_TAIL more
 * bytes. Returns n + EGG_FRAME_TAIL. */
size_t egg_frame_seal(uint8_t *frame, size_t n);

/* Writes a sealed frame of n bytes in COBS encoding, and the zero byte that ends it. Returns the bytes written. */
size_t egg_frame_send(egg_frame_write write, void *user, const uint8_t *frame, size_t n);

/* What egg_frame_decoder_put() returns. */
enum {
    EGG_FRAME_NONE = 0, /* no frame has ended */
    EGG_FRAME_WHOLE,    /* an undamaged frame is in the buffer */
    EGG_FRAME_TOO_LONG  /* an undamaged frame has ended, but only its first `capacity` bytes are in the buffer */
};

typedef struct {
    uint8_t *buffer;
    uint32_t capacity; /* bytes of the buffer */
    uint32_t length;   /* bytes of the frame that has just ended, without its CRC; valid until the next byte */
    uint32_t bad;      /* frames dropped so far: torn, damaged or too short; the caller may set it to 0 */

    uint32_t count; /* private: bytes decoded so far, at most capacity + 1 */
    uint32_t crc;   /* private: of these bytes */
    uint8_t code;   /* private: the code byte of the COBS block at work; 0 before the first one of a frame */
    uint8_t left;   /* private: data bytes of the block that are still to come */
} egg_frame_decoder;

/* Prepares a decoder. The buffer has EGG_FRAME_MAX bytes, or what the caller's longest frame needs; at least 6. */
void egg_frame_decoder_init(egg_frame_decoder *d, uint8_t *buffer, uint32_t capacity);

/* Takes one byte from the line. Returns EGG_FRAME_NONE, _WHOLE or _TOO_LONG. */
uint32_t egg_frame_decoder_put(egg_frame_decoder *d, uint8_t byte);

#endif
