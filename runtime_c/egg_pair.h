/* Both members of an antithetic pair at once, for cores without vector units: two int16 membranes in a 32-bit word, and
 * no work for neurons that no perturbation can move. The numbers are those of egg_forward_member(). */
#ifndef EGG_PAIR_H
#define EGG_PAIR_H

#include "egg_es.h"

/* Hosts have vectors over neurons instead. */
#define EGG_PAIRS_TOGETHER (EGG_PAD == 1 && EGG_WORDS == 1)

/* After egg_forward_share(): runs the unperturbed net, which all pairs are compared with. Returns 0 if pairs of this
 * net cannot be run together on this recording: deeper layers, a refractory time, readout `spikes`, or currents so
 * negative that a membrane might leave its lane. */
uint32_t egg_pair_begin(const egg_gen *gen, egg_ws *ws, uint32_t *spikes);

/* For each 32 pairs, when their signs (and projections) are in the workspace: sorts out the neurons whose spikes are
 * the same for all of them. */
void egg_pair_settle(const egg_gen *gen, egg_ws *ws, uint32_t pairs);

/* F(+) - F(-) of pair `lane` of these. */
int32_t egg_pair_diff(const egg_gen *gen, egg_ws *ws, uint32_t lane, uint32_t label);

/* When all pairs are done: leaves the workspace as the unperturbed run did. */
void egg_pair_end(const egg_gen *gen, egg_ws *ws);

#endif
