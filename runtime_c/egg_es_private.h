/* Shared by the files of the estimators, not by their users. */
#ifndef EGG_ES_PRIVATE_H
#define EGG_ES_PRIVATE_H

#include "egg_es.h"
#include "egg_rng.h"

#define EGG_STEP_MAX 28672 /* 7 weight units in 1/4096; + 4095 fits int16 */

/* Learning rate of matrix m. */
egg_rate egg_es_rate(const egg_gen *gen, uint32_t m);
/* Column and row part of the rounding bits of matrix m. */
void egg_es_kappa(const egg_gen *gen, uint32_t m, uint16_t *kappa);
egg_key egg_es_rho_key(const egg_gen *gen, uint32_t m);

#endif
