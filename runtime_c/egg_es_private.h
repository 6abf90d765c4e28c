/* Shared by the files of the estimators, not by their users. */
#ifndef EGG_ES_PRIVATE_H
#define EGG_ES_PRIVATE_H

#include "egg_es.h"
#include "egg_fx.h"
#include "egg_rng.h"
#include "egg_table.h"

#define EGG_STEP_MAX 28672 /* 7 weight units in 1/4096; + 4095 fits int16 */

/* Learning rate of matrix m. */
egg_rate egg_es_rate(const egg_gen *gen, uint32_t m);
/* Column and row part of the rounding bits of matrix m. */
void egg_es_kappa(const egg_gen *gen, uint32_t m, uint16_t *kappa);
egg_key egg_es_rho_key(const egg_gen *gen, uint32_t m);

/* f and e of a recording from its diff: one exponent a sample, so that hard samples keep their weight */
static inline void egg_sample_shape(const int32_t *diff, uint32_t pairs, int8_t *f, uint8_t *e) {
    uint32_t max = 0, shift = 0;
    for (uint32_t p = 0; p < pairs; p++)
        if (egg_abs(diff[p]) > max) max = egg_abs(diff[p]);
    while ((max >> shift) > 127 && shift < 12) shift++;
    for (uint32_t p = 0; p < pairs; p++) f[p] = (int8_t)egg_clamp(egg_round_shift(diff[p], shift), 127);
    *e = (uint8_t)shift;
}

/* Rows whose events an update of `sample` gathers at once: on hosts most nets fit in one block. */
#define EGG_GATHER_ROWS (EGG_PAD > 1 ? 2560u : 64u)

/* What an update needs for a moment; in the workspace, since a microcontroller's stack has no room for it. */
typedef union egg_scratch {
    struct {
        uint32_t at[EGG_TICKS_MAX];   /* offset in the stream behind `index` */
        int32_t index[EGG_TICKS_MAX]; /* next event of a tick, INT32_MAX at its end */
        uint8_t n[EGG_GATHER_ROWS][EGG_SEGMENTS_MAX];
    } gather; /* egg_sample.c */
    struct {
        int16_t table[EGG_TABLE];
        egg_key key_b[EGG_RANK_MAX]; /* of the rows' signs, for each rank */
    } sums;                          /* egg_batch.c, egg_sample.c */
} egg_scratch;

#endif
