/* Private to the estimators: both members of an antithetic pair at once, for cores without vector units.
 *
 * A 32-bit word holds the 16-bit membranes of both members. Neurons whose spikes no perturbation can change are not
 * simulated again. The results are those of egg_forward_member(). */
#ifndef EGG_PAIR_PRIVATE_H
#define EGG_PAIR_PRIVATE_H

#include "estimators/egg_estimator.h"

/* Whether this build has it. Hosts have vectors over neurons instead; then egg_pair_begin() always returns false. */
#define EGG_PAIR_TOGETHER (EGG_ROW_ALIGN == 1 && EGG_SIGN_WORDS == 1)

/* Call it after egg_forward_share(). Runs the unperturbed net, with which all pairs are compared, and sets *spikes to
 * the number of its spikes. Returns false if pairs of this net cannot run together on this recording: because of more
 * than one layer, a refractory time, readout `spikes`, or currents so negative that a membrane might leave its half. */
bool egg_pair_begin(const egg_generation *gen, egg_workspace *ws, uint32_t *spikes);

/* Finds the neurons whose spikes none of the next `pairs` <= 32 pairs can change; they are not simulated again. Call it
 * for each block of 32 pairs, once their signs (and projections) are in the workspace. */
void egg_pair_find_movable(const egg_generation *gen, egg_workspace *ws, uint32_t pairs);

/* Returns F(+) - F(-) of the pair in slot `slot` of the block, 0..31. */
int32_t egg_pair_difference(const egg_generation *gen, egg_workspace *ws, uint32_t slot, uint32_t label);

/* Call it when all pairs are done: leaves the workspace as the unperturbed run would. */
void egg_pair_end(const egg_generation *gen, egg_workspace *ws);

#endif
