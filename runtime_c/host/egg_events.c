#include "egg_events.h"

#define RECORD 5u
#define OVERFLOW_Y 240u
#define OVERFLOW_US 8192u

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "encode() takes the first byte of a word for its lowest"
#endif

/* --- the file format --- */

/* y, polarity and time of a record. */
static inline uint32_t word_of(const uint8_t *record) {
    return (uint32_t)record[1] << 24 | (uint32_t)record[2] << 16 | (uint32_t)record[3] << 8 | record[4];
}

#define WORD_Y(word) ((word) >> 24)
#define WORD_P(word) (((word) >> 23) & 1u)
#define WORD_T(word) ((word) & 0x7FFFFFu)
#define CLOCK_MAX (0x80000000u - 0x800000u) /* more than this may not be added to a time of 23 bits */

uint32_t egg_events_decode(const uint8_t *bytes, const int64_t *starts, uint32_t n, uint32_t side,
                           const egg_events *events, int64_t *ends, uint32_t *bad) {
    int64_t k = ends[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t added = 0, before = 0, fault = EGG_EVENTS_OK;
        for (int64_t at = starts[i]; at < starts[i + 1u] && fault == EGG_EVENTS_OK; at += RECORD) {
            uint32_t x = bytes[at], word = word_of(bytes + at), t = WORD_T(word) + added;
            events->x[k] = (uint16_t)x;
            events->y[k] = (uint16_t)WORD_Y(word);
            events->t[k] = (int32_t)t;
            events->p[k] = (uint8_t)WORD_P(word);
            if (WORD_Y(word) == OVERFLOW_Y) {
                added += OVERFLOW_US;
                if (added > CLOCK_MAX) fault = EGG_EVENTS_CLOCK;
                continue;
            }
            if (x >= side)
                fault = EGG_EVENTS_X;
            else if (WORD_Y(word) >= side)
                fault = EGG_EVENTS_Y;
            else if (t < before)
                fault = EGG_EVENTS_BACKWARDS;
            else
                k++;
            before = t;
        }
        ends[i + 1u] = k;
        *bad = i;
        if (fault != EGG_EVENTS_OK) return fault;
    }
    return EGG_EVENTS_OK;
}

/* --- binning --- */

/* What the loops need of a binning. */
typedef struct {
    uint32_t columns, inputs, padded; /* of a tick; the map has `padded` bytes for it, a multiple of 64 */
    uint32_t shift;                   /* pooling: coordinates >> shift */
    uint32_t channel;                 /* inputs between the polarities' channels, or 0 */
    uint32_t wanted;                  /* bit p is set where events of polarity p count */
} plan;

static plan plan_of(const egg_binning *b) {
    plan q;
    q.shift = b->pool - 1u;
    q.columns = (b->width + q.shift) >> q.shift;
    uint32_t pixels = ((b->height + q.shift) >> q.shift) * q.columns;
    q.channel = b->polarity == EGG_POLARITY_SPLIT ? pixels : 0;
    q.inputs = pixels + q.channel;
    q.padded = (q.inputs + 63u) & ~63u;
    q.wanted = b->polarity == EGG_POLARITY_ON ? 2u : b->polarity == EGG_POLARITY_OFF ? 1u : 3u;
    return q;
}

size_t egg_events_map_words(const egg_binning *b) {
    return (size_t)b->ticks * plan_of(b).padded / 8u;
}

size_t egg_events_bytes(const egg_binning *b, uint64_t events, uint32_t n) {
    return (size_t)events + (size_t)n * b->ticks * (1u + plan_of(b).inputs / 254u);
}

/* value + offset - shift, where all but value are in 1/unit pixel, rounded half to even as IEEE does; -1 if that is off
 * a sensor of `size` pixels. */
static int32_t moved(uint32_t value, int32_t offset, int32_t shift, int32_t unit, int32_t size) {
    int32_t place = (int32_t)value * unit + offset - shift;
    if (place < 0 || place > (size - 1) * unit) return -1;
    int32_t whole = place / unit, rest = 2 * (place % unit);
    return whole + (rest > unit || (rest == unit && (whole & 1)));
}

/* N-MNIST's nominal saccades: right-down, right-up, back left, each linear over 105 ms; (3.5, 7), (7, 0), (0, 0) pixels
 * at their ends. The offsets (4, 2) are the data set's own. Returns 0 if the event leaves the sensor. */
#define LEG_US 105000

static int stabilize(const egg_binning *b, uint32_t when, uint32_t *x, uint32_t *y) {
    int32_t t = (int32_t)when;
    int32_t right = t <= 2 * LEG_US ? t : t < 3 * LEG_US ? 2 * (3 * LEG_US - t) : 0;
    int32_t down = t <= LEG_US ? t : t < 2 * LEG_US ? 2 * LEG_US - t : 0;
    int32_t column = moved(*x, 4 * 30000, right, 30000, b->width), row = moved(*y, 2 * 15000, down, 15000, b->height);
    *x = (uint32_t)column;
    *y = (uint32_t)row;
    return column >= 0 && row >= 0;
}

/* Marks events in the map, which has a byte for each tick and input. */
static void mark(const egg_binning *b, const plan *q, const egg_events *events, int64_t first, int64_t last,
                 uint8_t *map) {
    for (int64_t i = first; i < last; i++) {
        uint32_t t = (uint32_t)events->t[i], p = events->p[i], x = events->x[i], y = events->y[i];
        if (t >= b->before_us || !((q->wanted >> p) & 1u)) continue;
        if (b->stabilize && !stabilize(b, t, &x, &y)) continue;
        uint32_t tick = t * b->ticks / b->window_us; /* t * ticks < 60000000 * 32 < 2^31 */
        map[tick * q->padded + p * q->channel + (y >> q->shift) * q->columns + (x >> q->shift)] = 1;
    }
}

/* 64 bytes of 0 and 1 as bits, the first byte lowest; sets the bytes to 0. */
static inline uint64_t take_bits(uint64_t *bytes) {
    uint64_t any = 0, bits = 0;
    for (uint32_t k = 0; k < 8; k++) any |= bytes[k];
    if (any == 0) return 0;
    for (uint32_t k = 0; k < 8; k++) {
        bits |= (bytes[k] * 0x0102040810204080u >> 56) << 8u * k; /* byte j of the word goes to bit j */
        bytes[k] = 0;
    }
    return bits;
}

/* Writes the stream of a map, clears the map; returns the stream's end. */
static uint8_t *encode(uint32_t ticks, uint32_t padded, uint64_t *map, uint8_t *restrict out) {
    for (uint32_t tick = 0; tick < ticks; tick++) {
        uint32_t before = 0; /* index + 1 of the event before */
        for (uint32_t first = 1; first <= padded; first += 64, map += 8) {
            for (uint64_t bits = take_bits(map); bits != 0; bits &= bits - 1u) {
                uint32_t now = first + (uint32_t)__builtin_ctzll(bits);
                for (; now - before > 254u; before += 254u) *out++ = 255;
                *out++ = (uint8_t)(now - before);
                before = now;
            }
        }
        *out++ = 0;
    }
    return out;
}

void egg_events_bin(const egg_binning *b, const egg_events *events, const int64_t *starts, uint32_t n, uint64_t *map,
                    uint8_t *stream, int64_t *ends) {
    plan q = plan_of(b);
    uint8_t *out = stream;
    ends[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        mark(b, &q, events, starts[i], starts[i + 1u], (uint8_t *)map);
        out = encode(b->ticks, q.padded, map, out);
        ends[i + 1u] = out - stream;
    }
}

/* --- from file to stream --- */

#define OFF_SENSOR 0x80000000u
#define UNWANTED 0x40000000u /* a polarity that does not count */

/* What the bytes of a record add to an input's index; an entry with a flag adds nothing. */
typedef struct {
    uint32_t x[256];  /* by x */
    uint32_t yp[512]; /* by 2y + p */
} offsets;

static void fill_offsets(const plan *q, uint32_t side, offsets *of) {
    for (uint32_t i = 0; i < 256; i++) {
        of->x[i] = i < side ? i >> q->shift : OFF_SENSOR;
        for (uint32_t p = 0; p < 2; p++)
            of->yp[2u * i + p] = i >= side               ? OFF_SENSOR
                                 : (q->wanted >> p) & 1u ? p * q->channel + (i >> q->shift) * q->columns
                                                         : UNWANTED;
    }
}

/* End of a tick, but not after before_us: no event at this time or later is of the tick. */
static uint32_t end_of(const egg_binning *b, uint32_t tick) {
    uint32_t end = ((tick + 1u) * b->window_us + b->ticks - 1u) / b->ticks; /* at most 32 * 60000000 + 31 < 2^32 */
    return end < b->before_us ? end : b->before_us;
}

/* Decodes and marks one file; returns EGG_EVENTS_*. Time never falls in a file, so ticks are walked, not divided for.
 */
static uint32_t mark_file(const egg_binning *b, const plan *q, const offsets *of, const uint8_t *record,
                          const uint8_t *end, uint8_t *restrict map) {
    uint32_t added = 0, before = 0, tick = 0, until = end_of(b, 0);
    for (; record < end; record += RECORD) {
        uint32_t word = word_of(record), t = WORD_T(word) + added;
        uint32_t x = of->x[record[0]], yp = of->yp[word >> 23];
        if ((x | yp) & (OFF_SENSOR | UNWANTED)) {
            if (WORD_Y(word) == OVERFLOW_Y) {
                added += OVERFLOW_US;
                if (added > CLOCK_MAX) return EGG_EVENTS_CLOCK;
                continue;
            }
            if ((x | yp) & OFF_SENSOR) return x & OFF_SENSOR ? EGG_EVENTS_X : EGG_EVENTS_Y;
        }
        if (t < before) return EGG_EVENTS_BACKWARDS;
        before = t;
        if (t >= until) {
            if (t >= b->before_us) continue;
            for (; t >= until; map += q->padded) until = end_of(b, ++tick);
        }
        if (!(yp & UNWANTED)) map[yp + x] = 1;
    }
    return EGG_EVENTS_OK;
}

uint32_t egg_events_bin_files(const egg_binning *b, const uint8_t *bytes, const int64_t *starts, uint32_t n,
                              uint32_t side, uint64_t *map, uint8_t *stream, int64_t *ends) {
    plan q = plan_of(b);
    offsets of;
    uint8_t *out = stream;
    fill_offsets(&q, side, &of);
    ends[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t fault = mark_file(b, &q, &of, bytes + starts[i], bytes + starts[i + 1u], (uint8_t *)map);
        if (fault != EGG_EVENTS_OK) return fault;
        out = encode(b->ticks, q.padded, map, out);
        ends[i + 1u] = out - stream;
    }
    return EGG_EVENTS_OK;
}
