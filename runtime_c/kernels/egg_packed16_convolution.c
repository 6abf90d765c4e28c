/* The loops of a convolution for cores without vector units, which work on four channels at once where they can. */
#include "base/egg_stream.h"
#include "kernels/egg_packed16_private.h"

#if EGG_CONVOLUTIONS

#define BYTES 0x80808080u
#define ODD_HALVES 0x00800080u
#define HALF_MASK 0x00FF00FFu

/* Two columns in a word, as egg_packed16_private.h has the credit: the sum of the first and of 2^16 times the second.
 */
static inline uint32_t pair_of(int32_t first, int32_t second) {
    return (uint32_t)first + ((uint32_t)second << 16);
}

static inline int32_t second_of(uint32_t word) {
    return (int32_t)(word + 0x8000u) >> 16;
}

/* Sums of four channels take two words while they are added up: odd = pair_of(1, 3), and
 * all = pair_of(0, 2) + 2^8 * odd. A word of four weights, each with 128 added, then needs no further separation. */
static void pack(int16_t *sum, uint32_t n) {
    egg_word *to = (egg_word *)(void *)sum;
    for (uint32_t i = 0; i < n; i += 4, sum += 4, to += 2) {
        uint32_t odd = pair_of(sum[1], sum[3]), all = pair_of(sum[0], sum[2]) + (odd << 8);
        to[0] = all, to[1] = odd;
    }
}

static void unpack(int16_t *sum, uint32_t n) {
    const egg_word *from = (const egg_word *)(const void *)sum;
    for (uint32_t i = 0; i < n; i += 4, sum += 4, from += 2) {
        uint32_t odd = from[1], even = from[0] - (odd << 8);
        sum[0] = (int16_t)even, sum[1] = (int16_t)odd;
        sum[2] = (int16_t)second_of(even), sum[3] = (int16_t)second_of(odd);
    }
}

/* What an event adds to `places` places side by side. From one place to the next one the weights go back by `back`. */
typedef void add_places(void *sum, const void *weights, uint32_t places, uint32_t channels, uint32_t back);

static void add_packed(void *sum, const void *weights, uint32_t places, uint32_t channels, uint32_t back) {
    const egg_word *w = (const egg_word *)weights;
    egg_word *to = (egg_word *)sum;
    back = (back + channels) / 4u;
    do {
        const egg_word *end = w + channels / 4u;
#if defined(__thumb__) && !defined(__thumb2__)
        register uint32_t all __asm__("r4"), odd __asm__("r5"); /* in the order that stmia stores */
        uint32_t x;
        __asm__ volatile(
            "   .syntax unified\n1: ldmia %[w]!, {%[x]}\n"
            "   ldr r4, [%[to]]\n"
            "   eors %[x], %[bytes]\n"
            "   adds r4, %[x]\n"
            "   lsrs %[x], %[x], #8\n"
            "   add r4, %[minus_bytes]\n"
            "   ldr r5, [%[to], #4]\n"
            "   ands %[x], %[mask]\n"
            "   add r5, %[minus_halves]\n"
            "   adds r5, %[x]\n"
            "   stmia %[to]!, {r4, r5}\n"
            "   cmp %[w], %[end]\n"
            "   bne 1b\n"
            : [w] "+l"(w), [to] "+l"(to), [x] "=&l"(x), "=&l"(all), "=&l"(odd)
            : [bytes] "l"(BYTES), [mask] "l"(HALF_MASK), [minus_bytes] "h"(0u - BYTES),
              [minus_halves] "h"(0u - ODD_HALVES), [end] "h"(end)
            : "memory", "cc");
#else
        do {
            uint32_t x = *w++ ^ BYTES;
            to[0] += x - BYTES;
            to[1] += ((x >> 8) & HALF_MASK) - ODD_HALVES;
            to += 2;
        } while (w != end);
#endif
        w -= back;
    } while (--places != 0);
}

static void add_plain(void *sum, const void *weights, uint32_t places, uint32_t channels, uint32_t back) {
    const int8_t *w = (const int8_t *)weights;
    int16_t *to = (int16_t *)sum;
    do {
        const int8_t *end = w + channels;
        for (; w != end; w++, to++) *to = (int16_t)(*to + *w);
        w -= back + channels;
    } while (--places != 0);
}

/* Takes the credit of the places to a gradient. Most credit is 0. */
static void add_credit(void *credit, const void *gradient, uint32_t places, uint32_t channels, uint32_t back) {
    const int16_t *from = (const int16_t *)credit;
    int32_t *to = (int32_t *)(uintptr_t)gradient;
    do {
        const int16_t *end = from + channels;
        for (; from != end; from++, to++)
            if (*from != 0) *to += *from;
        to -= back + channels;
    } while (--places != 0);
}

/* One tick of events and the places of rows [row0, row1) that see them. `units` has an entry of two bytes for each
 * neuron there, and `weights` one of `bytes` bytes for each weight. */
static const uint8_t *walk(const egg_convolution *conv, const uint8_t *stream, uint32_t row0, uint32_t row1,
                           uint8_t *units, const uint8_t *weights, uint32_t bytes, add_places *add) {
    uint32_t channels = conv->shape.channels, cols = conv->shape.cols, kernel = conv->kernel;
    egg_range seen = egg_seen_by_rows(conv, row0, row1);
    egg_walker at = {seen.begin, 0, seen.row, 0};
    egg_span rows = {row0, row1};
    uint32_t event = 0u - 1u, gap; /* a number below, and how far the next byte goes on */
    while ((gap = *stream++) != 0) {
        event += gap - (gap == 255u);
        if (event < seen.begin || gap == 255u) continue; /* a band sees few of the events */
        if (event >= seen.end) {
            do seen.begin += seen.next, seen.end += seen.next, at.c++;
            while (event >= seen.end);
            at.number = seen.begin, at.y = seen.row, at.x = 0;
            if (event < seen.begin) continue;
        }
        egg_walk_to(conv, &at, event);
        egg_span columns = egg_seen_by(conv, at.x, 0, cols);
        if (row1 - row0 > 1u) rows = egg_seen_by(conv, at.y, row0, row1);
        if (columns.first >= columns.end) continue;
        uint32_t column = at.x + conv->padding - columns.first * conv->stride;
        for (uint32_t y = rows.first; y < rows.end; y++) {
            uint32_t row = (at.c * kernel + at.y + conv->padding - y * conv->stride) * kernel + column;
            add(units + 2u * ((y - row0) * cols + columns.first) * channels, weights + row * channels * bytes,
                columns.end - columns.first, channels, conv->stride * channels);
        }
    }
    return stream;
}

const uint8_t *egg_packed16_convolve(const egg_convolution *conv, const uint8_t *stream, const int8_t *w, uint32_t row0,
                                     uint32_t row1, int16_t *sum) {
    uint32_t n = (row1 - row0) * conv->shape.cols * conv->shape.channels;
    bool packed = (((uintptr_t)w | (uintptr_t)sum | conv->shape.channels) & 3u) == 0;
    if (packed) pack(sum, n);
    stream = walk(conv, stream, row0, row1, (uint8_t *)(void *)sum, (const uint8_t *)(const void *)w, 1u,
                  packed ? add_packed : add_plain);
    if (packed) unpack(sum, n);
    return stream;
}

const uint8_t *egg_packed16_collect(const egg_convolution *conv, const uint8_t *stream, const int16_t *credit,
                                    uint32_t row0, uint32_t row1, int32_t *gradient) {
    return walk(conv, stream, row0, row1, (uint8_t *)(uintptr_t)credit, (const uint8_t *)(const void *)gradient, 4u,
                add_credit);
}

#endif
