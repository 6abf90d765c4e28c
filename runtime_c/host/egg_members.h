/* Host only: members of the population on inputs of their own, as control needs it: each member acts in a world that
 * its own actions have changed, and the caller hands its reward to egg_shape() as a fitness. */
#ifndef EGG_MEMBERS_H
#define EGG_MEMBERS_H

#include "../egg_es.h"

/* Runs n members on a checked recording each: member pair[i] with sign[i] on streams[offsets[i] .. offsets[i+1]).
 * sign +1 or -1; 0 is the unperturbed net. logits[n][outputs]; the rows that recordings touch are marked in `active`.
 */

void egg_members_run(const egg_gen *gen, egg_ws *ws, const uint8_t *streams, const uint64_t *offsets,
                     const uint32_t *pair, const int8_t *sign, uint32_t n, int32_t *logits, uint8_t *active);

#endif
