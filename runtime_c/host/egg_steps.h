/* Host only: the update of `batch` as a matrix product. */
#ifndef EGG_STEPS_H
#define EGG_STEPS_H

#include "../egg_es.h"

/* batch: sum[weights] = steps of rows [row0, row1) of matrix m, for egg_apply(); the same bits as egg_batch_update(),
 * sooner. The rows of sum are 0 before. memory has egg_steps_bytes(), aligned to 64. */
void egg_steps_batch(const egg_gen *gen, const egg_ws *ws, const int8_t *f, const uint8_t *active, uint32_t m,
                     uint32_t row0, uint32_t row1, int32_t *sum, void *memory);
size_t egg_steps_bytes(void);

#endif
