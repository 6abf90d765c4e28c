/* Host only: all pairs of an estimator on one recording, with a vector's lanes holding pairs, not neurons. What a pair
 * needs then never leaves lanes - a sign word of the generator is a mask of lanes, a projection is a vector, a loss is
 * computed for a vector of members - and a base current is loaded once for many pairs. For nets of one LIF layer; the
 * bits are those of egg_batch_eval(). */
#ifndef EGG_GROUP_H
#define EGG_GROUP_H

#include "../egg_es.h"

/* Whether this build, net and the workspace's kernels have a form for lanes of pairs. If not: egg_batch_eval(). */
uint32_t egg_group_fits(const egg_net_config *net, const egg_es_config *es, const egg_ws *ws);

/* Bytes of the scratch memory below, aligned to 64. */
size_t egg_group_bytes(const egg_net_config *net, const egg_es_config *es);

/* Lays the readout weights out in scratch: once after each change of the weights. */
void egg_group_prepare(const egg_net *net, void *scratch);

/* As egg_batch_eval(); needs gen->noise. */
egg_result egg_group_batch(const egg_gen *gen, egg_ws *ws, void *scratch, const uint8_t *stream, uint32_t label,
                           int32_t *diff);

/* As egg_sample_eval(). With S segments a neuron's perturbation is one of 2^S, whatever the number of pairs: it is run
 * once for each, and members look their spikes up. */
egg_result egg_group_sample(const egg_gen *gen, egg_ws *ws, void *scratch, uint32_t pos, const uint8_t *stream,
                            uint32_t label, int8_t *f, uint8_t *e);

#endif
