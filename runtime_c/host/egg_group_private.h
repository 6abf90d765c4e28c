/* Shared by egg_group.c and the text that it includes once for each vector width. */
#ifndef EGG_GROUP_PRIVATE_H
#define EGG_GROUP_PRIVATE_H

#include "egg_group.h"

/* Columns of the readout whose sums are kept in registers at once; packed weights are padded to a multiple. */
#define EGG_GROUP_COLUMNS 5u
#define EGG_GROUP_SEGMENTS 5u /* most of `sample`: a neuron has at most 32 different perturbations ... */
#define EGG_GROUP_PATTERNS 32u
#define EGG_GROUP_VECTOR 64u /* bytes of the widest vector */

/* One recording, as the lanes of pairs see it. */
typedef struct {
    const egg_gen *gen;
    uint32_t pos, label, ranks;
    uint32_t average;     /* base and s hold what the averaging form of the neuron wants, see egg_group_body.h */
    int16_t *base;        /* [size][ticks] currents that all members share */
    int16_t *s;           /* [rank][ticks][32 * EGG_WORDS] perturbation of a neuron of sign +1, pair by pair */
    const int8_t *packed; /* [size / 4][outputs, padded][4] readout weights of four neurons at a time */
    uint32_t *words;      /* sign words of the pairs in lanes, see egg_group_signs */
    int16_t *tables;      /* sample: [size][EGG_GROUP_PATTERNS] spikes of a neuron for each pattern of segment signs */
    uint8_t *counts;      /* [size / 4][8 vectors], see egg_group_body.h */
} egg_group_job;

/* Sign words of the pairs in lanes, [words of the lanes][stride]: neurons [rank][size], rows of the readout
 * [rank][size + 1] (batch), outputs [rank][outputs], segments (sample). */
typedef struct {
    uint32_t *a, *b, *out, *z;
    uint32_t stride;
} egg_group_signs;

#endif
