/* Random numbers from a key and a counter (SPEC.md section 2): every word is a function of both, so nothing is stored
 * and any word can be drawn again at any time. */
#ifndef EGG_RNG_H
#define EGG_RNG_H

#include "base/egg_types.h"

/* Key of one sequence of random words. */
typedef struct {
    uint32_t k0, k1;
} egg_key;

/* What the noise is drawn for; part of the key. The values are part of the arithmetic: never renumber them. */
enum {
    EGG_NOISE_INIT = 0,      /* initial weights */
    EGG_NOISE_A = 1,         /* signs of the neurons, or the columns of a matrix */
    EGG_NOISE_B = 2,         /* signs of the rows of a matrix: presynaptic neurons or inputs, and the bias */
    EGG_NOISE_Z = 3,         /* signs of the segments */
    EGG_NOISE_LOGIT = 4,     /* signs of the outputs */
    EGG_NOISE_ROUND_ROW = 5, /* stochastic rounding, the part of a row */
    EGG_NOISE_ROUND_COL = 6, /* stochastic rounding, the part of a column */
    EGG_NOISE_FULL = 7,      /* one value for each weight, estimator full */
    EGG_NOISE_SHUFFLE = 8,   /* order of the recordings in an epoch */
    EGG_NOISE_SHIFT = 9      /* where a recording moves for training */
};

/* Makes a key. `position` is that of a recording in its generation (estimator sample), a pair (estimator full), or 0.
 * matrix 0..65535; noise is one of EGG_NOISE_*; rank 0..255. */
egg_key egg_rng_key(uint32_t seed, uint32_t generation, uint32_t position, uint32_t matrix, uint32_t noise,
                    uint32_t rank);

/* mix(x) of SPEC.md, in place, for an uint32_t and for a GNU vector of them. A bijection (C. Wellons, "lowbias32"). */
#define EGG_MIX(x)          \
    do {                    \
        (x) ^= (x) >> 16;   \
        (x) *= 0x7FEB352Du; \
        (x) ^= (x) >> 15;   \
        (x) *= 0x846CA68Bu; \
        (x) ^= (x) >> 16;   \
    } while (0)

static inline uint32_t egg_rng_mix(uint32_t x) {
    EGG_MIX(x);
    return x;
}

/* 32 random bits at a counter. */
static inline uint32_t egg_rng_word(egg_key key, uint32_t counter) {
    return egg_rng_mix(counter * (key.k0 | 1u) + key.k1);
}

/* Signs of 32 pairs for one row (or column). Bit p belongs to pair 32 * word + p; set = +1, clear = -1. word 0..255. */
static inline uint32_t egg_rng_signs(egg_key key, uint32_t row, uint32_t word) {
    return egg_rng_word(key, row * 256u + word);
}

/* 12 random bits, for stochastic rounding. */
static inline uint32_t egg_rng_round(egg_key key, uint32_t index) {
    return egg_rng_word(key, index) >> 20;
}

#endif
