/* Private to the kernels: counts set bits of many words, position by position, in bit-sliced form: plane j holds bit j
 * of the counts of all positions. A word is an uint32_t (32 counts) or a GNU vector of them.
 *
 * A counter of four planes p0..p3 takes up to 15 words; then it is added to the larger counter `plane` and starts again
 * at 0. */
#ifndef EGG_BIT_COUNTER_PRIVATE_H
#define EGG_BIT_COUNTER_PRIVATE_H

#include "base/egg_types.h"

#define EGG_BIT_PLANES 16u /* of the larger counter: enough for EGG_INPUTS_MAX + 1 words */

/* Counts one word x, which is overwritten. `carry` is a variable for scratch. */
#define EGG_BIT_COUNTER_ADD(p0, p1, p2, p3, x, carry) \
    do {                                              \
        (carry) = (p0) & (x);                         \
        (p0) ^= (x);                                  \
        (x) = (p1) & (carry);                         \
        (p1) ^= (carry);                              \
        (carry) = (p2) & (x);                         \
        (p2) ^= (x);                                  \
        (p3) ^= (carry);                              \
    } while (0)

/* Adds p0..p3 to plane[0..top) and sets them to `zero`. Afterwards `top` planes hold counts up to `total`, the number
 * of words counted so far. `type` is that of a word. */
#define EGG_BIT_COUNTER_CARRY(type, zero, plane, top, total, p0, p1, p2, p3, carry) \
    do {                                                                            \
        type digit[4];                                                              \
        uint32_t j = 0;                                                             \
        digit[0] = (p0), digit[1] = (p1), digit[2] = (p2), digit[3] = (p3);         \
        for ((carry) = (zero); j < 4 || ((total) >> j) != 0; j++) {                 \
            type d = j < 4 ? digit[j] : (zero);                                     \
            type q = j < (top) ? (plane)[j] : (zero);                               \
            (plane)[j] = q ^ d ^ (carry);                                           \
            (carry) = (q & d) | ((carry) & (q ^ d));                                \
        }                                                                           \
        (top) = j;                                                                  \
        (p0) = (p1) = (p2) = (p3) = (zero);                                         \
    } while (0)

#endif
