/* Private to the estimators, here and in host/. */
#ifndef EGG_ESTIMATOR_PRIVATE_H
#define EGG_ESTIMATOR_PRIVATE_H

#include "base/egg_math_private.h"
#include "base/egg_rng.h"
#include "estimators/egg_estimator.h"

/* Largest change of a weight in one generation: 7 weight units, in 1/4096. With 4095 rounding bits it fits 16 bits. */
#define EGG_STEP_MAX 28672

/* Whether this build visits only the columns with credit in an update. Hosts visit all, in vectors. */
#define EGG_SPARSE (EGG_ROW_ALIGN == 1 && EGG_SIGN_WORDS == 1)

/* Words of 32 pairs. */
static inline uint32_t egg_pair_words(const egg_estimator_config *es) {
    return (es->pairs + 31u) / 32u;
}

/* Whether estimator batch or full updates a row of matrix m: see egg_batch_mark(). */
static inline bool egg_row_is_active(const egg_net_config *c, const uint8_t *active, uint32_t m, uint32_t row) {
    return egg_keeps_row_signs(c, m) || (((uint32_t)active[row >> 3] >> (row & 7u)) & 1u) != 0;
}

/* The learning rate of matrix m. */
egg_learning_rate egg_learning_rate_of(const egg_generation *gen, uint32_t m);

/* The rounding bits of matrix m: column_bits[cols], and the keys of the columns' and rows' bits for egg_rng_round(). */
void egg_column_bits(const egg_generation *gen, uint32_t m, uint16_t *column_bits);
egg_key egg_column_bits_key(const egg_generation *gen, uint32_t m);
egg_key egg_row_bits_key(const egg_generation *gen, uint32_t m);

/* Whether a recording with this result leaves credit (SPEC.md section 7.4). The workspace keeps it for the update. */
static inline bool egg_leaves_credit(const egg_generation *gen, egg_workspace *ws, egg_result result) {
    ws->no_credit = result.loss < (int32_t)gen->es.learn_above;
    return !ws->no_credit;
}

/* Fitness shaping of estimator sample. Each recording has a separate exponent, so that recordings with large
 * differences keep their weight. */
static inline void egg_sample_shape_fitness(const int32_t *fitness_diff, uint32_t pairs, int8_t *fitness_bytes,
                                            uint8_t *exponent) {
    uint32_t max = 0, shift = 0;
    for (uint32_t p = 0; p < pairs; p++)
        if (egg_abs(fitness_diff[p]) > max) max = egg_abs(fitness_diff[p]);
    while ((max >> shift) > 127 && shift < 12) shift++;
    for (uint32_t p = 0; p < pairs; p++)
        fitness_bytes[p] = (int8_t)egg_clamp(egg_round_shift(fitness_diff[p], shift), 127);
    *exponent = (uint8_t)shift;
}

#endif
