/* Shared by the files of the estimators, not by their users. */
#ifndef EGG_ES_PRIVATE_H
#define EGG_ES_PRIVATE_H

#include "egg_es.h"
#include "egg_fx.h"
#include "egg_rng.h"

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

#endif
