#include "host/egg_recordings.h"

#include <stdio.h>
#include <string.h>

#define RECORD 5u       /* bytes of a record in a file */
#define OVERFLOW_Y 240u /* the y of a record that is no event */
#define OVERFLOW_US 8192u

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "encode() needs the first byte of a word to be its lowest one"
#endif

/* --- the file format --- */

/* y, polarity and time of a record, in one word. */
static inline uint32_t word_of(const uint8_t *record) {
    return (uint32_t)record[1] << 24 | (uint32_t)record[2] << 16 | (uint32_t)record[3] << 8 | record[4];
}

#define WORD_Y(word) ((word) >> 24)
#define WORD_P(word) (((word) >> 23) & 1u)
#define WORD_T(word) ((word) & 0x7FFFFFu)
#define CLOCK_MAX (0x80000000u - 0x800000u) /* the most that may be added to a time of 23 bits */

uint32_t egg_recordings_decode(const uint8_t *bytes, const int64_t *starts, uint32_t n, uint32_t side,
                               const egg_events *events, int64_t *ends, uint32_t *bad) {
    int64_t k = ends[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t added = 0, before = 0, fault = EGG_RECORDING_OK;
        for (int64_t at = starts[i]; at < starts[i + 1u] && fault == EGG_RECORDING_OK; at += RECORD) {
            uint32_t x = bytes[at], word = word_of(bytes + at), t = WORD_T(word) + added;
            events->x[k] = (uint16_t)x;
            events->y[k] = (uint16_t)WORD_Y(word);
            events->t[k] = (int32_t)t;
            events->p[k] = (uint8_t)WORD_P(word);
            if (WORD_Y(word) == OVERFLOW_Y) {
                added += OVERFLOW_US;
                if (added > CLOCK_MAX) fault = EGG_RECORDING_CLOCK;
                continue;
            }
            if (x >= side)
                fault = EGG_RECORDING_X;
            else if (WORD_Y(word) >= side)
                fault = EGG_RECORDING_Y;
            else if (t < before)
                fault = EGG_RECORDING_BACKWARDS;
            else
                k++;
            before = t;
        }
        ends[i + 1u] = k;
        *bad = i;
        if (fault != EGG_RECORDING_OK) return fault;
    }
    return EGG_RECORDING_OK;
}

/* --- binning --- */

#define BLOCK 512u /* inputs of a tick that are searched at once */

/* What the loops need to know of a binning. */
typedef struct {
    uint32_t columns, inputs, padded; /* of a tick; its map has `padded` bytes, a multiple of BLOCK */
    uint32_t shift;                   /* pooling: coordinates >> shift */
    uint32_t channel;                 /* inputs of a polarity's channel; 0 if there is only one channel */
    uint32_t wanted;                  /* bit p is set if events of polarity p count */
} plan;

static plan plan_of(const egg_binning *b) {
    plan q;
    q.shift = b->pool - 1u;
    q.columns = (b->width + q.shift) >> q.shift;
    uint32_t pixels = ((b->height + q.shift) >> q.shift) * q.columns;
    q.channel = b->polarity == EGG_POLARITY_SPLIT ? pixels : 0;
    q.inputs = pixels + q.channel;
    q.padded = (q.inputs + BLOCK - 1u) & ~(BLOCK - 1u);
    q.wanted = b->polarity == EGG_POLARITY_ON ? 2u : b->polarity == EGG_POLARITY_OFF ? 1u : 3u;
    return q;
}

size_t egg_recordings_map_words(const egg_binning *b) {
    return (size_t)b->ticks * plan_of(b).padded / 8u;
}

size_t egg_recordings_bytes(const egg_binning *b, uint64_t events, uint32_t n) {
    return (size_t)events + (size_t)n * b->ticks * (1u + plan_of(b).inputs / 254u) + 7u;
}

/* value + offset - shift, where `value` is in pixels and the others are in 1/unit pixel; rounded to whole pixels,
 * halves to even as IEEE 754 does. -1 if the result is outside a sensor of `size` pixels. */
static int32_t moved(uint32_t value, int32_t offset, int32_t shift, int32_t unit, int32_t size) {
    int32_t place = (int32_t)value * unit + offset - shift;
    if (place < 0 || place > (size - 1) * unit) return -1;
    int32_t whole = place / unit, rest = 2 * (place % unit);
    return whole + (rest > unit || (rest == unit && (whole & 1)));
}

/* Undoes the nominal saccades of N-MNIST for an event at time `when`: right and down, right and up, back left. Each is
 * linear over 105 ms; they end at (3.5, 7), (7, 0) and (0, 0) pixels. The data set defines the offsets (4, 2). Returns
 * false if the event leaves the sensor. */
#define LEG_US 105000

static bool stabilize(const egg_binning *b, uint32_t when, uint32_t *x, uint32_t *y) {
    int32_t t = (int32_t)when;
    int32_t right = t <= 2 * LEG_US ? t : t < 3 * LEG_US ? 2 * (3 * LEG_US - t) : 0;
    int32_t down = t <= LEG_US ? t : t < 2 * LEG_US ? 2 * LEG_US - t : 0;
    int32_t column = moved(*x, 4 * 30000, right, 30000, b->width), row = moved(*y, 2 * 15000, down, 15000, b->height);
    *x = (uint32_t)column;
    *y = (uint32_t)row;
    return column >= 0 && row >= 0;
}

/* Marks events in the map, which has one byte for each tick and input. */
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

/* jumps[fired], for each set of 8 neighbouring inputs of which those with a bit in `fired` have an event: the distances
 * from the input before the eight to the first event, and from event to event, one byte each. */
static void fill_jumps(uint64_t *jumps) {
    jumps[0] = 0;
    for (uint32_t fired = 1; fired < 256; fired++) {
        uint64_t first = (uint64_t)__builtin_ctz(fired) + 1u, rest = jumps[fired & (fired - 1u)];
        jumps[fired] = first | (rest ? rest - first : 0) << 8;
    }
}

/* Appends a tick to a stream, and clears the tick's map. Returns the end of the stream; up to 7 bytes behind it are
 * overwritten. It handles 8 inputs at a time, because processors cannot predict where loops over single events end. */
static uint8_t *encode(uint32_t padded, const uint64_t *jumps, uint64_t *map, uint8_t *restrict out) {
    uint64_t before = 0; /* index + 1 of the previous event */
    for (uint64_t first = 0; first < padded; first += BLOCK, map += BLOCK / 8u) {
        uint64_t some = 0; /* words of the block that hold any event */
        for (uint32_t k = 0; k < 64; k += 8) {
            uint32_t eight = 0;
            for (uint32_t j = 0; j < 8; j++) eight |= (uint32_t)(map[k + j] != 0) << j;
            some |= (uint64_t)eight << k;
        }
        for (; some != 0; some &= some - 1u) {
            uint32_t k = (uint32_t)__builtin_ctzll(some);
            uint32_t fired = (uint32_t)(map[k] * 0x0102040810204080u >> 56); /* byte j of the word becomes bit j */
            uint32_t count = (uint32_t)(map[k] * 0x0101010101010101u >> 56);
            uint64_t at = first + 8u * k, leaps = jumps[fired];
            map[k] = 0;
            for (; at + (leaps & 255u) - before > 254u; before += 254u) *out++ = 255;
            leaps += at - before; /* only the lowest byte changes: it is now 1..254 */
            memcpy(out, &leaps, 8);
            out += count;
            before = at + 32u - (uint32_t)__builtin_clz(fired);
        }
    }
    *out++ = 0;
    return out;
}

void egg_recordings_bin(const egg_binning *b, const egg_events *events, const int64_t *starts, uint32_t n,
                        uint64_t *map, uint8_t *stream, int64_t *ends) {
    plan q = plan_of(b);
    uint64_t jumps[256];
    uint8_t *out = stream;
    fill_jumps(jumps);
    ends[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        mark(b, &q, events, starts[i], starts[i + 1u], (uint8_t *)map);
        for (uint32_t tick = 0; tick < b->ticks; tick++)
            out = encode(q.padded, jumps, map + tick * (q.padded / 8u), out);
        ends[i + 1u] = out - stream;
    }
}

/* --- from file to stream --- */

#define OFF_SENSOR 0x20000000u
#define UNWANTED 0x10000000u /* a polarity that does not count */

/* What the bytes of a record add to the index of an input, below 2^21; or a flag from above. */
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

/* End of a tick, but at most before_us: the tick has no events at this time or later. */
static uint32_t end_of(const egg_binning *b, uint32_t tick) {
    uint32_t end = ((tick + 1u) * b->window_us + b->ticks - 1u) / b->ticks; /* at most 32 * 60000000 + 31 < 2^32 */
    return end < b->before_us ? end : b->before_us;
}

/* A recording of which some ticks are done. */
typedef struct {
    const uint8_t *at, *end; /* the remaining records */
    uint32_t added, before;  /* microseconds of the overflow records so far; time of the previous event */
} recording;

/* Marks the events before `until` in the map of a tick. They come first, because times never decrease. Returns false if
 * it finds a fault. */
static bool mark_tick(const offsets *of, recording *r, uint32_t until, uint8_t *restrict map) {
    const uint8_t *at = r->at, *end = r->end;
    uint32_t added = r->added, before = r->before;
    for (; at < end; at += RECORD) {
        uint32_t word = word_of(at), t = WORD_T(word) + added;
        uint32_t index = of->x[at[0]] + of->yp[word >> 23];
        if (index >= UNWANTED && WORD_Y(word) == OVERFLOW_Y) {
            added += OVERFLOW_US;
            if (added > CLOCK_MAX) return false;
            continue;
        }
        if (index >= OFF_SENSOR || t < before) return false;
        if (t >= until) break;
        before = t;
        if (index < UNWANTED) map[index] = 1;
    }
    r->at = at;
    r->added = added;
    r->before = before;
    return true;
}

/* Reads a file. Returns its length in bytes; 0 if it cannot be read, and `room` if it has `room` bytes or more. */
static size_t read_file(const char *path, uint8_t *bytes, size_t room) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0;
    setvbuf(file, NULL, _IONBF, 0); /* no buffer: straight into `bytes` */
    size_t size = fread(bytes, 1, room, file);
    if (ferror(file)) size = 0;
    fclose(file);
    return size;
}

bool egg_recordings_bin_files(const egg_binning *b, const char *paths, uint32_t n, uint32_t side, uint8_t *bytes,
                              size_t room, uint64_t *map, uint8_t *stream, int64_t *ends) {
    plan q = plan_of(b);
    offsets of;
    uint64_t jumps[256];
    uint8_t *out = stream;
    fill_offsets(&q, side, &of);
    fill_jumps(jumps);
    ends[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        size_t size = read_file(paths, bytes, room);
        if (size == 0 || size % RECORD != 0 || size == room) return false;
        recording r = {bytes, bytes + size, 0, 0};
        for (uint32_t tick = 0; tick < b->ticks; tick++) {
            if (!mark_tick(&of, &r, end_of(b, tick), (uint8_t *)map)) return false;
            out = encode(q.padded, jumps, map, out);
        }
        if (r.at < r.end) { /* events that are too late must be valid, too, although they do not count */
            if (!mark_tick(&of, &r, UINT32_MAX, (uint8_t *)map)) return false;
            memset(map, 0, q.padded);
        }
        ends[i + 1u] = out - stream;
        paths += strlen(paths) + 1u;
    }
    return true;
}
