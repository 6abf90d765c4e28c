/* Shared by egg_group.c and the text that it includes once for each vector width. */
#ifndef EGG_GROUP_PRIVATE_H
#define EGG_GROUP_PRIVATE_H

#include "egg_group.h"

/* Columns of the readout whose sums are kept in registers at once; packed weights are padded to a multiple. */
#define EGG_GROUP_COLUMNS 5u
#define EGG_GROUP_SEGMENTS 5u /* most of `sample`: a neuron has at most 32 different perturbations ... */
#define EGG_GROUP_PATTERNS 32u
#define EGG_GROUP_DRAWN 16u    /* sign words that are drawn at once */
#define EGG_GROUP_VECTOR 64u   /* bytes of the widest vector */
#define EGG_GROUP_SETTLED 128u /* pairs for which it is settled at once which neurons they can move */

/* A neuron that pairs at work can move, or that spikes in all their members. Members may spike differently in ticks
 * before `end` only, and none spikes before `first`; behind `end` each spikes `rest` times. */
typedef struct {
    uint16_t neuron;
    uint8_t first, end, rest;
} egg_group_live;

/* One recording, as the lanes of pairs see it. */
typedef struct {
    const egg_gen *gen;
    uint32_t pos, label, ranks;
    uint32_t average;      /* base and s hold what the averaging form of the neuron wants, see egg_group_body.h */
    const int16_t *shared; /* [ticks][padded size] currents that all members share */
    int16_t *base;         /* the same [size][ticks], as `average` wants them */
    int16_t *s;            /* [rank][ticks][32 * EGG_WORDS] perturbation of a neuron of sign +1, pair by pair */
    egg_group_live *live;  /* [lives] of the other neurons, no member spikes */
    uint32_t lives;
    const uint32_t *weights; /* [size][columns] readout weights, in the low byte */
    uint32_t *packed;        /* [lives / 4][columns] those of four live neurons at a time, a byte each */
    uint32_t *words;         /* sign words of the pairs in lanes, see egg_group_signs */
    int16_t *tables; /* sample: [size][EGG_GROUP_PATTERNS] spikes of a neuron for each pattern of segment signs */
    uint8_t *counts; /* [lives / 4][8 vectors], see egg_group_body.h */
} egg_group_job;

/* Outputs of the readout, padded to whole EGG_GROUP_COLUMNS. */
static inline uint32_t egg_group_columns(const egg_net_config *c) {
    return (c->outputs + EGG_GROUP_COLUMNS - 1u) / EGG_GROUP_COLUMNS * EGG_GROUP_COLUMNS;
}

/* Sign words of the pairs in lanes, [words of the lanes][stride]: neurons [rank][size], rows of the readout
 * [rank][size + 1] (batch), outputs [rank][outputs], segments (sample). */
typedef struct {
    uint32_t *a, *b, *out, *z;
    uint32_t stride;
} egg_group_signs;

/* Sign words of 32 pairs, with room for those drawn in excess. */
static inline uint32_t egg_group_stride(const egg_net_config *c, uint32_t ranks) {
    return ranks * (2u * c->layer[0].size + 1u + c->outputs) + EGG_SEGMENTS_MAX + EGG_GROUP_DRAWN;
}

#endif
