/* The two loops in which a small core spends most of its time. Compilers run out of registers here, so Arm cores have
 * them in assembly. The numbers are those of the C below, which every other core runs. */
#include "kernels/egg_packed16_private.h"

#include "base/egg_math_private.h"

void egg_packed16_add_rows(egg_word *acc, const egg_word *x, const egg_word *y, uint32_t words) {
    const egg_word *end = x + words;
    if (y == NULL) {
        for (; x != end; acc += 2) {
#if defined(__ARM_FEATURE_DSP)
            __asm__("sxtab16 %0, %0, %1" : "+r"(acc[0]) : "r"(*x));
            __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(acc[1]) : "r"(*x++));
#else
            uint32_t a = *x++ ^ 0x80808080u; /* each byte + 128, so that none has a sign to extend */
            acc[0] += a & 0x00FF00FFu;
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
    uint32_t b, part;
    __asm__ volatile(
        "   .syntax unified\n1: ldmia %[x]!, {r4}\n"
        "   eors r4, %[bias]\n"
        "   ldmia %[y]!, {%[b]}\n"
        "   eors %[b], %[bias]\n"
        "   lsrs r5, r4, #8\n"
        "   ands r5, %[mask]\n"
        "   ands r4, %[mask]\n"
        "   mov %[part], r5\n"
        "   lsrs r5, %[b], #8\n"
        "   ands r5, %[mask]\n"
        "   ands %[b], %[mask]\n"
        "   adds r4, %[b]\n"
        "   add r5, %[part]\n"
        "   ldr %[b], [%[acc]]\n"
        "   adds r4, %[b]\n"
        "   ldr %[b], [%[acc], #4]\n"
        "   adds r5, %[b]\n"
        "   stmia %[acc]!, {r4, r5}\n"
        "   cmp %[x], %[end]\n"
        "   bne 1b\n"
        : [x] "+l"(x), [y] "+l"(y), [acc] "+l"(acc), [b] "=&l"(b), [part] "=&h"(part), "=&l"(even), "=&l"(odd)
        : [bias] "l"(0x80808080u), [mask] "l"(0x00FF00FFu), [end] "h"(end)
        : "memory", "cc");
#else
    for (; x != end; acc += 2) {
        uint32_t a = *x++ ^ 0x80808080u, b = *y++ ^ 0x80808080u;
        acc[0] += (a & 0x00FF00FFu) + (b & 0x00FF00FFu);
        acc[1] += ((a >> 8) & 0x00FF00FFu) + ((b >> 8) & 0x00FF00FFu);
    }
#endif
}

uint32_t egg_packed16_halving(const int16_t *current, const uint32_t *drive, uint32_t ticks, uint32_t size,
                              uint32_t threshold) {
    const uint32_t *end = drive + ticks;
    uint32_t x = (0x4000u - threshold) * EGG_HALVES_ONE, count = 0, mask = 0x7FFFu * EGG_HALVES_ONE, t;
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

const int16_t *egg_packed16_combine(const int16_t *x, const int16_t *factor, uint32_t count, uint32_t n, int16_t *y,
                                    int32_t *times) {
    const int16_t *waits = NULL; /* a row that is not in the sum yet: two are added at a time */
    int32_t fa = 0, any = 0;
    *times = 1;
    for (uint32_t k = 0; k <= count; k++, x += n) {
        int32_t fb = k < count ? factor[k] : 0;
        if (k < count && fb == 0) continue;
        if (k < count && waits == NULL) {
            waits = x, fa = fb;
            continue;
        }
        if (waits == NULL) break;
        if (k == count && !any) {
            *times = fa;
            return waits;
        }
        const int16_t *a = waits, *b = k < count ? x : waits;
        for (int16_t *to = y, *end = y + n; to != end; to++) {
            int32_t sum = fa * *a++ + fb * *b++;
            *to = (int16_t)(any ? *to + sum : sum);
        }
        any = 1, waits = NULL;
    }
    return y;
}

void egg_packed16_learn(int8_t *w, const uint32_t *touched, uint32_t n, const int16_t *step, int32_t times,
                        uint32_t row_word) {
    uint32_t row_bits = row_word >> EGG_TOUCHED_SHIFT << EGG_TOUCHED_SHIFT;
    for (const uint32_t *end = touched + n; touched != end; touched++) {
        uint32_t column = *touched & EGG_TOUCHED_COLUMN;
        int32_t move = (*step++ * times + (int32_t)((*touched + row_bits) >> EGG_TOUCHED_SHIFT)) >> 12;
        if (move != 0) w[column] = (int8_t)egg_clamp(w[column] + move, EGG_WEIGHT_MAX);
    }
}
