/* Runs of the net: unperturbed for everybody, perturbed for the estimators (DESIGN.md sections 5 and 7). */
#ifndef EGG_FORWARD_H
#define EGG_FORWARD_H

#include "egg_ws.h"

/* Runs the net on one checked recording; logits and count are in the workspace. Returns the number of LIF spikes. */
uint32_t egg_run(const egg_net *net, egg_ws *ws, const uint8_t *stream);

/* Index of the largest logit of the last run. */
uint32_t egg_predicted(const egg_net *net, const egg_ws *ws);

/* --- for the estimators --- */

/* sigma: perturbation size of LIF matrices and of the readout, unit as the estimator says (DESIGN.md section 7). */
typedef struct {
    uint16_t hidden, readout;
} egg_sigma;

/* Work that all members share on a recording: base currents of layer 0, and on hosts the transposed readout. */
void egg_forward_share(const egg_net *net, egg_ws *ws, const uint8_t *stream);

/* Runs one member after egg_forward_share(). sign +1 or -1 takes the signs in ws->a, ws->b, ws->z_words and the
 * projections of pair `lane` of the workspace; sign 0 is the unperturbed net. Returns the number of LIF spikes. */
uint32_t egg_forward_member(const egg_net *net, const egg_es_config *es, egg_sigma sigma, egg_ws *ws, int32_t sign,
                            uint32_t lane);

/* Fitness of the run that just ended (DESIGN.md section 6). */
int32_t egg_forward_fitness(const egg_net *net, const egg_es_config *es, const egg_ws *ws, uint32_t spikes,
                            uint32_t label);

/* What the run that just ended says of a recording. */
egg_result egg_forward_result(const egg_net *net, const egg_ws *ws, uint32_t spikes, uint32_t label);

/* Most that a perturbation may add to a current of this layer (Lp), and most that its base current may be (Lb). */
int32_t egg_forward_limit(const egg_lif_config *lif);
int32_t egg_forward_base_limit(const egg_lif_config *lif);

/* current[ticks][padded] of layer l from the stream of its input, limited to +/-limit */
void egg_forward_currents(const egg_net *net, const egg_ws *ws, uint32_t l, const uint8_t *stream, int32_t limit,
                          int16_t *current);

/* logits[j] = sum_h count[h] * W[h][j] + ticks * W[bias][j], before the gain */
void egg_forward_integrate(const egg_net *net, egg_ws *ws);

#endif
