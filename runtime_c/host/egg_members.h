/* Host only: single members on separate inputs, as control tasks need. There each member acts in a world that its
 * actions have changed, and the caller hands the rewards to egg_shape_fitness() as fitness. */
#ifndef EGG_MEMBERS_H
#define EGG_MEMBERS_H

#include "estimators/egg_estimator.h"

/* Runs n members of estimator batch, each on one recording that has passed egg_stream_check(): member (pair[i],
 * sign[i]) on the stream at streams[offsets[i]]. sign is +1 or -1; 0 is the unperturbed net. Writes logits[n][outputs],
 * in 1/4096 bit, and marks the rows that the recordings touch in `active`, as egg_batch_mark() does. */
void egg_members_run(const egg_generation *gen, egg_workspace *ws, const uint8_t *streams, const uint64_t *offsets,
                     const uint32_t *pair, const int8_t *sign, uint32_t n, int32_t *logits, uint8_t *active);

#endif
