/* Host only: all pairs of an estimator on one recording, with a pair in each lane of a vector.
 *
 * (The kernels have a neuron in each lane.) Then a sign word of the random generator is a mask of lanes, a projection
 * is a vector, the losses of many members are computed at once, and a base current is loaded once for many pairs. It
 * works for nets with one LIF layer. The results have the bits of egg_batch_evaluate() and egg_sample_evaluate(). */
#ifndef EGG_SIMD_PAIRS_H
#define EGG_SIMD_PAIRS_H

#include "estimators/egg_estimator.h"

/* Whether there is such a form for this build, this net and the kernels of the workspace. If not, use
 * egg_batch_evaluate() or egg_sample_evaluate(). */
bool egg_simd_pairs_fit(const egg_net_config *net, const egg_estimator_config *es, const egg_workspace *ws);

/* Bytes of the scratch memory below, which is aligned to 64. */
size_t egg_simd_pairs_bytes(const egg_net_config *net, const egg_estimator_config *es);

/* Lays out the readout weights in the scratch memory. Call it once after each change of the weights. */
void egg_simd_pairs_prepare(const egg_net *net, void *scratch);

/* As egg_batch_evaluate(). Needs gen->noise. */
egg_result egg_simd_pairs_batch(const egg_generation *gen, egg_workspace *ws, void *scratch, const uint8_t *stream,
                                uint32_t label, int32_t *fitness_diff);

/* As egg_sample_evaluate(). With S segments the perturbation of a neuron is one of 2^S patterns, whatever the number of
 * pairs: each neuron runs once for each pattern, and members look up its spikes. */
egg_result egg_simd_pairs_sample(const egg_generation *gen, egg_workspace *ws, void *scratch, uint32_t position,
                                 const uint8_t *stream, uint32_t label, int8_t *fitness_bytes, uint8_t *exponent);

#endif
