/* Private to egg_simd_pairs.c and the texts that it compiles once for each width of vectors. */
#ifndef EGG_SIMD_PAIRS_PRIVATE_H
#define EGG_SIMD_PAIRS_PRIVATE_H

#include "host/egg_simd_pairs.h"

#define EGG_SIMD_COLUMNS 5u       /* columns of the readout whose sums stay in registers; weights are padded to these */
#define EGG_SIMD_SEGMENTS_MAX 5u  /* most segments of estimator sample */
#define EGG_SIMD_PATTERNS 32u     /* the most different perturbations of a neuron */
#define EGG_SIMD_DRAWN 16u        /* sign words that are drawn at once */
#define EGG_SIMD_VECTOR_BYTES 64u /* of the widest vector */
#define EGG_SIMD_MOVABLE_PAIRS 128u /* pairs for which the neurons are listed at once */

/* A neuron in the list: either its spikes may differ between members, or it spikes alike in all of them. No member
 * spikes before tick `first`. Members may spike differently only before tick `end`; from `end` on, each spikes `rest`
 * times. */
typedef struct {
    uint16_t neuron;
    uint8_t first, end, rest;
} egg_simd_neuron;

/* One recording, laid out for pairs in lanes. */
typedef struct {
    const egg_generation *gen;
    uint32_t position, label, ranks;
    uint32_t average;         /* base and s are in the form of the averaging neuron, see egg_simd_neurons_impl.h */
    const int16_t *shared;    /* [ticks][padded size] currents that all members share */
    int16_t *base;            /* the same as [size][ticks], in the form of `average` */
    int16_t *s;               /* [rank][ticks][32 * EGG_SIGN_WORDS] perturbation of a neuron of sign +, for each pair */
    egg_simd_neuron *neurons; /* [listed]; in all other neurons no member spikes */
    uint32_t listed;
    const uint32_t *weights; /* [size][columns] readout weights, in the low byte */
    uint32_t *packed;        /* [listed / 4][columns] readout weights of four listed neurons at a time, a byte each */
    uint32_t *words;         /* sign words of the pairs in lanes, see egg_simd_signs */
    int16_t *tables;         /* estimator sample: [size][EGG_SIMD_PATTERNS] spikes for each pattern of segment signs */
    uint8_t *counts;         /* [listed / 4][8 vectors] spikes, see egg_simd_pairs_impl.h */
} egg_simd_job;

/* Sign words of the pairs in lanes, each [words of the lanes][stride]. Letters are those of SPEC.md section 7. */
typedef struct {
    uint32_t *a;     /* of the neurons [rank][size] */
    uint32_t *b;     /* of the readout's rows [rank][size + 1], estimator batch, else NULL */
    uint32_t *out;   /* of the outputs [rank][outputs] */
    uint32_t *z;     /* of the segments, estimator sample */
    uint32_t stride; /* words for one block of 32 pairs */
} egg_simd_signs;

/* Outputs of the readout, padded to a multiple of EGG_SIMD_COLUMNS. */
static inline uint32_t egg_simd_columns(const egg_net_config *c) {
    return (c->outputs + EGG_SIMD_COLUMNS - 1u) / EGG_SIMD_COLUMNS * EGG_SIMD_COLUMNS;
}

/* Sign words of 32 pairs, with room for those that are drawn beyond the end. */
static inline uint32_t egg_simd_stride(const egg_net_config *c, uint32_t ranks) {
    return ranks * (2u * c->layer[0].size + 1u + c->outputs) + EGG_SEGMENTS_MAX + EGG_SIMD_DRAWN;
}

#endif
