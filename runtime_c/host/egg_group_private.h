/* Shared by egg_group.c and the text that it includes once for each vector width. */
#ifndef EGG_GROUP_PRIVATE_H
#define EGG_GROUP_PRIVATE_H

#include "egg_group.h"

/* Columns of the readout whose sums are kept in registers at once; packed weights are padded to a multiple. */
#define EGG_GROUP_COLUMNS 5u
#define EGG_GROUP_VECTOR 64u /* bytes of the widest vector */

/* One recording, as the lanes of pairs see it. */
typedef struct {
    const egg_gen *gen;
    uint32_t label, ranks;
    uint32_t average;     /* base and s hold what the averaging form of the neuron wants, see egg_group_body.h */
    int16_t *base;        /* [size][ticks] currents that all members share */
    int16_t *s;           /* [rank][ticks][32 * EGG_WORDS] perturbation of a neuron of sign +1, pair by pair */
    const int8_t *packed; /* [size / 4][outputs, padded][4] readout weights of four neurons at a time */
    uint32_t *words;      /* signs of the pairs in lanes: [2 words][rank][cols + rows of the readout + outputs] */
    uint8_t *counts;      /* [size / 4][8 vectors], see egg_group_body.h */
} egg_group_job;

#endif
