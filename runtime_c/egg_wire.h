/* Frames on a serial line (PROTOCOL.md): COBS, ended by a zero byte.
 *
 *   before COBS:  type u8 | sequence u8 | payload, 0..EGG_PAYLOAD_MAX bytes | CRC-32 of all before it, little-endian
 *
 * The encoder needs no second buffer, the decoder is fed byte by byte. A zero byte always ends a frame, so both ends
 * are in step again one frame after any fault. */
#ifndef EGG_WIRE_H
#define EGG_WIRE_H

#include "egg_types.h"

/* Longest payload that this device takes and sends: a session keeps 1 + EGG_REPLIES frames. 64 or more. */
#ifndef EGG_PAYLOAD_MAX
#define EGG_PAYLOAD_MAX 256u
#endif
#define EGG_FRAME_HEAD 2u /* type, sequence */
#define EGG_FRAME_TAIL 4u /* CRC */
#define EGG_FRAME_MAX (EGG_FRAME_HEAD + EGG_PAYLOAD_MAX + EGG_FRAME_TAIL)

/* Where encoded bytes go. Returns when it has taken all n. */
typedef void (*egg_wire_write)(void *user, const uint8_t *bytes, size_t n);

/* Writes the CRC behind n bytes (type, sequence, payload), which must have room for 4 more; returns n + 4. */
size_t egg_wire_seal(uint8_t *frame, size_t n);

/* Sends a sealed frame of n bytes in COBS, and the zero that ends it; returns the bytes on the line. */
size_t egg_wire_send(egg_wire_write write, void *user, const uint8_t *frame, size_t n);

enum {
    EGG_WIRE_NOTHING = 0, /* no frame has ended */
    EGG_WIRE_FRAME,       /* a good frame is in the buffer */
    EGG_WIRE_LONG /* a good frame, but longer than the buffer: of it, only the first `capacity` bytes are there */
};

typedef struct {
    uint8_t *buffer;
    uint32_t capacity; /* of the buffer */
    uint32_t length;   /* of the frame that just ended, without its CRC; valid until the next byte */
    uint32_t bad;      /* frames dropped: torn, damaged or too short; the caller may set it to 0 */

    uint32_t count; /* private: bytes decoded so far, at most capacity + 1 */
    uint32_t crc;
    uint8_t code, left; /* of the COBS block: its code byte (0: none yet), data bytes still to come */
} egg_decoder;

/* buffer: EGG_FRAME_MAX bytes, or what the caller's longest frame takes; at least 6. */
void egg_decoder_init(egg_decoder *d, uint8_t *buffer, uint32_t capacity);

/* Takes one byte; returns EGG_WIRE_*. */
uint32_t egg_decoder_put(egg_decoder *d, uint8_t byte);

/* Little-endian fields at any address. */
static inline uint32_t egg_get16(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t egg_get32(const uint8_t *p) {
    return egg_get16(p) | egg_get16(p + 2) << 16;
}

/* Both return the address behind the field. */
static inline uint8_t *egg_put16(uint8_t *p, uint32_t x) {
    *p++ = (uint8_t)x;
    *p++ = (uint8_t)(x >> 8);
    return p;
}

static inline uint8_t *egg_put32(uint8_t *p, uint32_t x) {
    return egg_put16(egg_put16(p, x), x >> 16);
}

#endif
