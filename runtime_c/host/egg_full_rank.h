/* Host only: estimator full, the full-rank baseline (SPEC.md section 7.3). Each weight of each pair has a noise value.
 */
#ifndef EGG_FULL_RANK_H
#define EGG_FULL_RANK_H

#include "host/egg_dataset.h"

/* Bytes of a worker's memory for this estimator, beside its workspace. */
size_t egg_full_rank_bytes(const egg_net_config *net);

/* Runs the unperturbed net on n recordings at positions position0 .. position0 + n - 1 of a generation, and keeps what
 * all members share: base[n][ticks][padded size of layer 0], the base currents. Marks active rows as egg_batch_mark()
 * does. */
void egg_full_rank_share(const egg_generation *gen, egg_workspace *ws, const egg_dataset *data, const uint32_t *index,
                         uint32_t n, uint32_t position0, int16_t *base, uint8_t *active, egg_run_counts *counts);

/* Adds F(+) - F(-) over all n recordings of a generation to fitness_diff[pair], for pairs [pair0, pair1). memory has
 * egg_full_rank_bytes(). */
void egg_full_rank_evaluate(const egg_generation *gen, egg_workspace *ws, void *memory, const egg_dataset *data,
                            const uint32_t *index, uint32_t n, const int16_t *base, uint32_t pair0, uint32_t pair1,
                            int32_t *fitness_diff);

/* Puts the steps of rows [row0, row1) of matrix m into sum, as egg_batch_update_steps() does. */
void egg_full_rank_steps(const egg_generation *gen, const egg_workspace *ws, const int8_t *fitness_bytes,
                         const uint8_t *active, uint32_t m, uint32_t row0, uint32_t row1, int32_t *sum);

#endif
