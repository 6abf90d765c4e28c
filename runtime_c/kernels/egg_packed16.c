/* The loops in which a small core spends most of its time. In two of them compilers run out of registers, so Arm cores
 * have these in assembly. The numbers are those of the C below, which every other core runs. */
#include "kernels/egg_packed16_private.h"

#include "base/egg_math_private.h"
#include "base/egg_stream.h"

/* Adds one or two rows of int8_t to a sum. A row is `words` words of four columns each, x[words] and y[words]; y may be
 * NULL. acc[2 * words] holds two words for each of these, which only finish() reads. At most 256 rows can be added up.
 */
EGG_NOINLINE static void add_rows(egg_word *acc, const egg_word *x, const egg_word *y, uint32_t words) {
    const egg_word *end = x + words;
    if (y == NULL) {
        for (; x != end; acc += 2) {
#if defined(__ARM_FEATURE_DSP)
            __asm__("sxtab16 %0, %0, %1" : "+r"(acc[0]) : "r"(*x));
            __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(acc[1]) : "r"(*x++));
#else
            uint32_t a = *x++ ^ 0x80808080u; /* each byte + 128, so that none has a sign to extend */
            acc[0] += a;
            acc[1] += (a >> 8) & 0x00FF00FFu;
#endif
        }
        return;
    }
#if defined(__ARM_FEATURE_DSP)
#define ADD(row)                        \
    "   sxtab16 %[even], %[even], " row \
    "\n"                                \
    "   sxtab16 %[odd], %[odd], " row ", ror #8\n"
#define WORD                    \
    "   ldr %[a], [%[x]], #4\n" \
    "   ldr %[b], [%[y]], #4\n" \
    "   ldrd %[even], %[odd], [%[acc]]\n" ADD("%[a]") ADD("%[b]") "   strd %[even], %[odd], [%[acc]], #8\n"
    uint32_t a, b, even, odd, one = words & 1u;
    __asm__ volatile(
        "   cbnz %[one], 2f\n"
        "1:\n" WORD "2:\n" WORD
        "   cmp %[x], %[end]\n"
        "   bne 1b\n"
        : [x] "+r"(x), [y] "+r"(y), [acc] "+r"(acc), [a] "=&r"(a), [b] "=&r"(b), [even] "=&r"(even), [odd] "=&r"(odd)
        : [one] "l"(one), [end] "r"(end)
        : "memory", "cc");
#undef ADD
#undef WORD
#elif defined(__thumb__) && !defined(__thumb2__)
    register uint32_t even __asm__("r4"), odd __asm__("r5"); /* in the order that stmia stores */
    uint32_t b;
    __asm__ volatile(
        "   .syntax unified\n1: ldmia %[x]!, {r4}\n"
        "   ldmia %[y]!, {%[b]}\n"
        "   eors r4, %[bias]\n"
        "   eors %[b], %[bias]\n"
        "   lsrs r5, r4, #8\n"
        "   adds r4, %[b]\n"
        "   lsrs %[b], %[b], #8\n"
        "   ands r5, %[mask]\n"
        "   ands %[b], %[mask]\n"
        "   adds r5, %[b]\n"
        "   ldr %[b], [%[acc]]\n"
        "   adds r4, %[b]\n"
        "   ldr %[b], [%[acc], #4]\n"
        "   adds r5, %[b]\n"
        "   stmia %[acc]!, {r4, r5}\n"
        "   cmp %[x], %[end]\n"
        "   bne 1b\n"
        : [x] "+l"(x), [y] "+l"(y), [acc] "+l"(acc), [b] "=&l"(b), "=&l"(even), "=&l"(odd)
        : [bias] "l"(0x80808080u), [mask] "l"(0x00FF00FFu), [end] "h"(end)
        : "memory", "cc");
#else
    for (; x != end; acc += 2) {
        uint32_t a = *x++ ^ 0x80808080u, b = *y++ ^ 0x80808080u;
        acc[0] += a + b;
        acc[1] += ((a >> 8) & 0x00FF00FFu) + ((b >> 8) & 0x00FF00FFu);
    }
#endif
}

/* Replaces acc[2 * words] above, after `rows` rows, by the sums themselves: int16_t[4 * words], limited. */
static void finish(egg_word *acc, uint32_t words, uint32_t rows, int32_t limit) {
    int16_t *to = (int16_t *)(void *)acc;
#if defined(__ARM_FEATURE_DSP)
    const uint32_t bias = 0;
#else
    const uint32_t bias = 128u * rows; /* each byte was added with an offset of 128 */
#endif
    for (uint32_t i = words; i > 0; i--, acc += 2, to += 4) {
        uint32_t even = acc[0], odd = acc[1];
#if !defined(__ARM_FEATURE_DSP)
        even -= odd << 8; /* acc[0] is the sum of the words, so the odd columns are in it, too */
#endif
        to[0] = (int16_t)(even - bias), to[2] = (int16_t)((even >> 16) - bias);
        to[1] = (int16_t)(odd - bias), to[3] = (int16_t)((odd >> 16) - bias);
    }
    if (EGG_WEIGHT_MAX * (int32_t)rows <= limit) return;
    for (uint32_t i = 4 * words; i > 0; i--) to--, *to = (int16_t)egg_clamp(*to, limit);
}

const uint8_t *egg_packed16_current(const uint8_t *stream, const int8_t *w, uint32_t cols, uint32_t bias, int32_t limit,
                                    int16_t *current) {
    if ((((uintptr_t)w | (uintptr_t)current | cols) & 3u) != 0) return NULL;
    const egg_word *matrix = (const egg_word *)(const void *)w, *waiting = NULL;
    egg_word *acc = (egg_word *)(void *)current;
    uint32_t words = cols / 4u, rows = 0;
    int32_t index = -1, event = (int32_t)bias;
    for (uint32_t j = 0; j < 2 * words; j++) acc[j] = 0;
    do {
        const egg_word *row = matrix + (uint32_t)event * words;
        if (++rows > 256u) return NULL;
        if (waiting != NULL) {
            add_rows(acc, waiting, row, words);
            waiting = NULL;
        } else {
            waiting = row;
        }
        event = egg_stream_next(&stream, &index);
    } while (event >= 0);
    if (waiting != NULL) add_rows(acc, waiting, NULL, words);
    finish(acc, words, rows, limit);
    return stream;
}

uint32_t egg_packed16_halving(const int16_t *current, const uint32_t *drive, uint32_t ticks, uint32_t size,
                              uint32_t threshold, uint32_t x) {
    const uint32_t *end = drive + ticks;
    uint32_t count = 0, mask = 0x7FFFu * EGG_HALVES_ONE, t;
#if defined(__ARM_FEATURE_DSP)
    uint32_t stride = 2u * size;
#define TICK                                \
    "   ldrsh %[t], [%[current]]\n"         \
    "   ldr %[d], [%[drive]], #4\n"         \
    "   add %[current], %[stride]\n"        \
    "   mla %[d], %[t], %[twos], %[d]\n"    \
    "   uhadd16 %[x], %[x], %[d]\n"         \
    "   and %[t], %[ones], %[x], lsr #14\n" \
    "   umlal %[x], %[count], %[t], %[minus]\n" /* count:x += t * (2^32 - threshold) */
    uint32_t d;
    __asm__ volatile(
        "   cbnz %[odd], 2f\n"
        "1:\n" TICK "2:\n" TICK
        "   cmp %[drive], %[end]\n"
        "   bne 1b\n"
        : [x] "+r"(x), [count] "+r"(count), [current] "+r"(current), [drive] "+r"(drive), [t] "=&r"(t), [d] "=&r"(d)
        : [odd] "l"(ticks & 1u), [end] "r"(end), [stride] "r"(stride), [ones] "r"(EGG_HALVES_ONE),
          [twos] "r"(2u * EGG_HALVES_ONE), [minus] "r"(0u - threshold)
        : "memory", "cc");
#undef TICK
    (void)mask;
    return count;
#elif defined(__thumb__) && !defined(__thumb2__)
    uint32_t stride = 2u * size;
#define TICK                                                                       \
    "   movs %[t], #0\n"                                                           \
    "   ldrsh %[t], [%[current], %[t]]\n"                                          \
    "   add %[current], %[stride]\n"                                               \
    "   muls %[t], %[twos]\n"                                                      \
    "   adds %[x], %[t]\n"                                                         \
    "   ldmia %[drive]!, {%[t]}\n"                                                 \
    "   adds %[x], %[t]\n"                                                         \
    "   lsrs %[x], #1\n"                                                           \
    "   ands %[x], %[mask]\n"                                                      \
    "   lsrs %[t], %[x], #13\n"                                                    \
    "   ands %[t], %[twos]\n" /* twice the spikes: count is twice as large, too */ \
    "   add %[count], %[t]\n"                                                      \
    "   muls %[t], %[half]\n"                                                      \
    "   subs %[x], %[t]\n"
    __asm__ volatile(
        "   .syntax unified\n   cmp %[odd], %[zero]\n"
        "   bne 2f\n"
        "1:\n" TICK "2:\n" TICK
        "   cmp %[drive], %[end]\n"
        "   bne 1b\n"
        : [x] "+l"(x), [count] "+h"(count), [current] "+l"(current), [drive] "+l"(drive), [t] "=&l"(t)
        : [odd] "h"(ticks & 1u), [zero] "h"(0u), [end] "h"(end), [stride] "h"(stride), [mask] "l"(mask),
          [twos] "l"(2u * EGG_HALVES_ONE), [half] "l"(threshold / 2u)
        : "memory", "cc");
#undef TICK
    return count >> 1;
#else
    do {
        x += *drive++ + (uint32_t)(int32_t)*current * (2u * EGG_HALVES_ONE);
        current += size;
        x = (x >> 1) & mask;
        t = (x >> 14) & EGG_HALVES_ONE;
        count += t;
        x -= t * threshold;
    } while (drive != end);
    return count;
#endif
}

void egg_packed16_respond(const egg_response_run *run, uint32_t s, uint32_t *drive, int16_t *response) {
    uint32_t begin = run->starts[s], end = run->starts[s + 1u], size = run->size, threshold = run->threshold;
    uint32_t ticks = run->starts[run->segments] - begin, constant = (0x4000u - threshold + 1u) * EGG_HALVES_ONE;
    const int16_t *current = run->current + begin * size;
    for (uint32_t t = 0; t < ticks; t++)
        drive[t] = constant + (t < end - begin ? 2u * (uint32_t)run->sigma * EGG_HALVES_PLUS_MINUS : 0);
    for (uint32_t h = 0; h < size; h++, current++) {
        int32_t v = run->membrane[h];
        uint32_t x = (0x4000u - threshold + (uint32_t)v) * EGG_HALVES_ONE;
        uint32_t count = egg_packed16_halving(current, drive, ticks, size, threshold, x);
        response[h] = (int16_t)((count & 0xFFFFu) - (count >> 16));
        if (end - begin == ticks) continue; /* the last segment */
        const int16_t *i = current;
        for (uint32_t t = begin; t < end; t++, i += size) {
            v += *i - (v >> 1);
            if (v >= (int32_t)threshold) v -= (int32_t)threshold;
        }
        run->membrane[h] = (int16_t)v;
    }
}

const egg_word *egg_packed16_combine(const egg_word *x, uint32_t n, uint32_t width, uint32_t words, egg_word *y,
                                     uint32_t *times) {
    uint32_t mask = (1u << width) - 1u;
    for (; (n & mask) == 0; n >>= width) x += words;
    uint32_t first = n & mask, second;
    *times = first;
    if ((n >>= width) == 0) return x;
    *times = 1;
    const egg_word *next = x + words;
    for (; (n & mask) == 0; n >>= width) next += words;
    second = n & mask;
    for (uint32_t i = 0; i < words; i++) y[i] = x[i] * first + next[i] * second;
    while ((n >>= width) != 0) {
        next += words;
        second = n & mask;
        if (second != 0)
            for (uint32_t i = 0; i < words; i++) y[i] += next[i] * second;
    }
    return y;
}

/* The columns of a word. */
static inline int32_t first_of(uint32_t word) {
    return (int16_t)word;
}

static inline int32_t second_of(uint32_t word) {
    return (int32_t)(word + 0x8000u) >> 16;
}

/* w += move, limited. */
static inline void move_weight(int8_t *w, int32_t move) {
    *w = (int8_t)egg_clamp(*w + move, EGG_WEIGHT_MAX);
}

void egg_packed16_learn(int8_t *w, const egg_word *step, uint32_t times, uint32_t words, const uint16_t *touched,
                        const uint16_t *column_bits, uint32_t row_bits) {
    const egg_word *bits = (const egg_word *)(const void *)column_bits, *end = step + words;
    uint32_t row = row_bits * EGG_HALVES_ONE;
    for (; step != end; touched += 2) {
        uint32_t x = *step++ * times + ((*bits++ + row) & (4095u * EGG_HALVES_ONE));
        if ((x & (0xF000u * EGG_HALVES_ONE)) == 0) continue; /* neither column moves */
        move_weight(w + touched[0], first_of(x) >> 12);
        move_weight(w + touched[1], second_of(x) >> 12);
    }
}

void egg_packed16_add(int32_t *sum, const egg_word *step, uint32_t times, uint32_t words, const uint16_t *touched) {
    for (const egg_word *end = step + words; step != end; touched += 2) {
        uint32_t x = *step++ * times;
        sum[touched[0]] += first_of(x);
        sum[touched[1]] += second_of(x);
    }
}
