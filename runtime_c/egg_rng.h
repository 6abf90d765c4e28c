/* Counter-based random numbers: a word is a function of a key and a counter, nothing is stored (DESIGN.md section 2).
 */
#ifndef EGG_RNG_H
#define EGG_RNG_H

#include "egg_types.h"

typedef struct {
    uint32_t k0, k1;
} egg_key;

/* What a stream is drawn for. The values are part of the arithmetic: never renumber. */
enum {
    EGG_STREAM_INIT = 0,      /* initial weights */
    EGG_STREAM_A = 1,         /* signs of the neurons */
    EGG_STREAM_B = 2,         /* signs of the presynaptic rows */
    EGG_STREAM_Z = 3,         /* signs of the segments */
    EGG_STREAM_LOGIT = 4,     /* signs of the outputs */
    EGG_STREAM_ROUND_ROW = 5, /* stochastic rounding, row part */
    EGG_STREAM_ROUND_COL = 6, /* stochastic rounding, column part */
    EGG_STREAM_FULL = 7,      /* one value a weight, full-rank baseline */
    EGG_STREAM_SHUFFLE = 8    /* order of the samples in an epoch */
};

/* Key of a stream. matrix 0..65535, stream and rank 0..255. */
egg_key egg_rng_key(uint32_t seed, uint32_t generation, uint32_t sample, uint32_t matrix, uint32_t stream,
                    uint32_t rank);

static inline uint32_t egg_rng_mix(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x ^ (x >> 16);
}

/* 32 random bits at a counter. */
static inline uint32_t egg_rng_word(egg_key k, uint32_t counter) {
    return egg_rng_mix(counter * (k.k0 | 1u) + k.k1);
}

/* Signs of 32 pairs for one row: bit p is pair 32*word + p, set = +1, clear = -1. word 0..255. */
static inline uint32_t egg_rng_signs(egg_key k, uint32_t row, uint32_t word) {
    return egg_rng_word(k, row * 256u + word);
}

/* 12 random bits, for stochastic rounding. */
static inline uint32_t egg_rng_round(egg_key k, uint32_t index) {
    return egg_rng_word(k, index) >> 20;
}

#endif
