/* The two estimators of EGGROLL-Edge behind one generation context (DESIGN.md sections 7 to 9).
 *
 * batch:   for each sample egg_batch_eval() adds to diff[pairs]; egg_shape() makes one byte a pair; egg_batch_update().
 * sample:  for each sample egg_sample_eval() makes its bytes; egg_sample_credit() turns them into credit of neurons;
 * then egg_sample_learn() updates the weights in place (online), or egg_sample_add() adds to an accumulator, and
 *          egg_apply() ends the generation.
 * Reward:  egg_batch_member() runs one member on any recording, for a caller who has a fitness of his own to put into
 * diff[]. */
#ifndef EGG_ES_H
#define EGG_ES_H

#include "egg_forward.h"

/* Learning rate m * 2^-n in 1/4096 weight units per unit of credit: m 0..127, n 0..30 (sample: 4..30). */
typedef struct {
    uint8_t m, n;
} egg_rate;

typedef struct {
    egg_net *net;
    egg_es_config es;
    uint32_t seed, generation;
    egg_sigma sigma;
    egg_rate rate_hidden, rate_readout;
    const uint32_t *noise; /* NULL, or egg_batch_noise() of this seed and generation: spares hosts the hashing */
} egg_gen;

/* EGG_OK, or which field is out of range. Call it once a generation; the functions below trust a checked context. */
egg_status egg_gen_check(const egg_gen *gen);

/* Fixed-point sigma of one rank: sigma / sqrt(rank), sigma in 1/256 weight units. */
uint16_t egg_sigma_of_rank(uint16_t sigma, uint32_t rank);

/* --- batch --- */

/* Adds F(+) - F(-) of each pair on this recording to diff[pairs]. Returns the unperturbed net's result. */
egg_result egg_batch_eval(const egg_gen *gen, egg_ws *ws, const uint8_t *stream, uint32_t label, int32_t *diff);

/* Runs member (pair, sign), sign +1 or -1, on a recording; logits are in the workspace. */
void egg_batch_member(const egg_gen *gen, egg_ws *ws, const uint8_t *stream, uint32_t pair, int32_t sign);

/* Marks the rows of matrix 0 that the recording touches: bit i of active[(inputs + 8) / 8]; the bias is always set. */
void egg_batch_mark(const egg_net_config *net, const uint8_t *stream, uint8_t *active);

/* f[pairs] from diff[pairs], scaled by the mean |diff|: the byte a pair that is exchanged, logged and replayed. */
void egg_shape(const int32_t *diff, uint32_t pairs, int8_t *f);

/* W += stochastic_round(rate * sum f A B^T) in all matrices; `active` from egg_batch_mark() of all samples. */
void egg_batch_update(const egg_gen *gen, egg_ws *ws, const int8_t *f, const uint8_t *active);

/* Words of the noise cache of a generation, and a part of it: rows [row0, row1) of matrix 0. */
size_t egg_batch_noise_words(const egg_net_config *net, const egg_es_config *es);
void egg_batch_noise(const egg_gen *gen, uint32_t row0, uint32_t row1, uint32_t *noise);

/* --- sample --- */

/* f[pairs] and exponent e of one recording at position `pos` of its generation. The workspace is left with the
 * unperturbed run, as egg_sample_credit() needs it. */
egg_result egg_sample_eval(const egg_gen *gen, egg_ws *ws, uint32_t pos, const uint8_t *stream, uint32_t label,
                           int8_t *f, uint8_t *e);

/* Credit of each neuron and segment from f and e, into the workspace. Needs the unperturbed run of the recording in the
 * workspace: egg_sample_eval() leaves it; a replay, which has the bytes already, calls egg_run(). */
void egg_sample_credit(const egg_gen *gen, egg_ws *ws, uint32_t pos, const int8_t *f, uint32_t e);

/* Online: updates the rows of the recording's own events in place. */
void egg_sample_learn(const egg_gen *gen, egg_ws *ws, const uint8_t *stream);

/* Mini-batch: adds the recording's steps to sum[weights] (int32, laid out as the weights). */
void egg_sample_add(const egg_gen *gen, egg_ws *ws, const uint8_t *stream, int32_t *sum);

/* Ends a generation: rounds sum into rows [row0, row1) of matrix m, and sets those sums to 0. */
void egg_apply(const egg_gen *gen, egg_ws *ws, uint32_t m, uint32_t row0, uint32_t row1, int32_t *sum);

#endif
