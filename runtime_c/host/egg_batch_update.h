/* Host only: the update of estimator batch as a matrix product. */
#ifndef EGG_BATCH_UPDATE_H
#define EGG_BATCH_UPDATE_H

#include "estimators/egg_estimator.h"

/* Bytes of the scratch memory below. */
size_t egg_batch_update_bytes(void);

/* Puts the steps of rows [row0, row1) of matrix m into sum[weights of matrix m], whose rows are 0 before;
 * egg_sample_finish() then rounds them into the weights. Faster than egg_batch_update(), with the same bits. memory has
 * egg_batch_update_bytes(), aligned to 64. */
void egg_batch_update_steps(const egg_generation *gen, const egg_workspace *ws, const int8_t *fitness_bytes,
                            const uint8_t *active, uint32_t m, uint32_t row0, uint32_t row1, int32_t *sum,
                            void *memory);

#endif
