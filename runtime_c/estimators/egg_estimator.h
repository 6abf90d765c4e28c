/* Training: the estimators batch and sample (SPEC.md sections 7 to 9). This header is the manual of the core.
 *
 * A generation evaluates a population of perturbed nets, its members, on a mini-batch of recordings, and then changes
 * the weights. Member (p, +) and member (p, -) form antithetic pair p. The caller fills an egg_generation and has it
 * checked by egg_generation_check(). What follows depends on the estimator.
 *
 * Estimator batch: egg_batch_evaluate() on each recording adds up the fitness difference of each pair in
 * fitness_diff[pairs]; egg_batch_mark() notes which rows of matrix 0 the recordings touch. At the end of the generation
 * egg_shape_fitness() makes one byte for each pair, and egg_batch_update() changes the weights.
 *
 * Estimator sample: on each recording egg_sample_evaluate() makes a byte for each pair, and egg_sample_credit() turns
 * these bytes into credit for each neuron. Then egg_sample_update_online() changes the weights at once (online, that is
 * generations of one recording), or egg_sample_accumulate() adds the changes up, and egg_sample_finish() changes the
 * weights at the end of the generation.
 *
 * Estimators sweep and eprop have separate headers, egg_sweep.h and egg_eprop.h: egg_sweep_evaluate() or
 * egg_eprop_evaluate() takes the place of egg_sample_evaluate() and egg_sample_credit().
 *
 * With a shift all of these functions take the recording that egg_shifted() returns, in the place of the given one.
 *
 * Rewards: a caller whose fitness has another origin runs single members with egg_batch_member(), puts the differences
 * of their rewards into fitness_diff[pairs], and goes on as with estimator batch.
 *
 * The bytes of a generation, with its seed and number, determine the change of the weights: a replay of batch needs
 * nothing else, a replay of sample also needs the recordings. Estimators sweep and eprop have no bytes: the
 * recordings are enough.
 */
#ifndef EGG_ESTIMATOR_H
#define EGG_ESTIMATOR_H

#include "net/egg_forward.h"

/* A generation. */
typedef struct {
    egg_net *net;              /* its weights are those before the update */
    egg_estimator_config es;   /* fixed for a whole run */
    uint32_t seed, generation; /* all noise is a function of these two and of the recording's position */
    egg_sigma sigma;
    egg_learning_rate learning_rate_hidden, learning_rate_readout; /* of the LIF matrices, of the readout matrix */
    const uint32_t *noise; /* NULL, or what egg_batch_noise() made for this seed and generation: saves hosts time */
} egg_generation;

/* Returns EGG_OK, or the status of the first field that is out of range. Call it once for each generation; the
 * functions below trust a checked generation. */
egg_status egg_generation_check(const egg_generation *gen);

/* Shift of recordings (SPEC.md section 3.1). egg_shifted_bytes() are those of the memory that ws->shifted must point to
 * for recordings of up to `longest` bytes; 0 without a shift. egg_shifted() moves the recording at a position of its
 * generation (online: 0) into it, and returns it; without a shift it returns `stream`. */
size_t egg_shifted_bytes(const egg_net_config *net, const egg_estimator_config *es, size_t longest);
const uint8_t *egg_shifted(const egg_generation *gen, const egg_workspace *ws, uint32_t position,
                           const uint8_t *stream);

/* sigma / sqrt(rank), rounded: the fixed-point sigma that estimator batch takes. sigma is in 1/256 weight unit;
 * rank 1..EGG_RANK_MAX. */
uint16_t egg_sigma_of_rank(uint16_t sigma, uint32_t rank);

/* --- batch --- */

/* Evaluates all pairs on a recording: adds F(+) - F(-) of pair p, in 1/4096 bit, to fitness_diff[p]. The caller zeroes
 * fitness_diff[pairs] before the first recording of a generation. label < outputs. Returns the result of the
 * unperturbed net. */
egg_result egg_batch_evaluate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t label,
                              int32_t *fitness_diff);

/* Runs member (pair, sign), sign +1 or -1, on a recording, and leaves its logits in the workspace. */
void egg_batch_member(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t pair, int32_t sign);

/* Marks the inputs with events in the recording, which are the rows of a dense matrix 0: bit i of active[(inputs + 8) /
 * 8] for input i, and always the bias, bit `inputs`. The caller zeroes `active` before the first recording of a
 * generation. */
void egg_batch_mark(const egg_net_config *net, const uint8_t *stream, uint8_t *active);

/* Fitness shaping: fitness_bytes[pairs] from fitness_diff[pairs], scaled by the mean magnitude (SPEC.md section 8).
 * These bytes are exchanged between devices, logged and replayed. */
void egg_shape_fitness(const int32_t *fitness_diff, uint32_t pairs, int8_t *fitness_bytes);

/* Changes all weights: W += stochastic_round(learning rate * sum over pairs of byte * A B^T). Rows of matrix 0 that
 * `active` does not mark keep their weights, unless layer 0 is a convolution. */
void egg_batch_update(const egg_generation *gen, egg_workspace *ws, const int8_t *fitness_bytes, const uint8_t *active);

/* Words of a cache for the noise of matrix 0, and the function that fills its rows [row0, row1). Several threads may
 * fill different rows. */
size_t egg_batch_noise_words(const egg_net_config *net, const egg_estimator_config *es);
void egg_batch_noise(const egg_generation *gen, uint32_t row0, uint32_t row1, uint32_t *noise);

/* --- sample --- */

/* Evaluates all pairs on the recording at a position of its generation, 0..EGG_RECORDINGS_MAX - 1 (online: 0).
 * fitness_bytes[pairs] and *exponent are results; they hold the fitness differences, shifted right by the exponent
 * (SPEC.md section 8). Leaves the unperturbed run in the workspace, as egg_sample_credit() needs it. Returns the result
 * of the unperturbed net. */
egg_result egg_sample_evaluate(const egg_generation *gen, egg_workspace *ws, uint32_t position, const uint8_t *stream,
                               uint32_t label, int8_t *fitness_bytes, uint8_t *exponent);

/* Computes the credit of each neuron in each segment, times the learning rate, and leaves it in the workspace. Needs
 * the unperturbed run of the recording there: egg_sample_evaluate() leaves it; a replay, which has the bytes already,
 * calls egg_run() instead. */
void egg_sample_credit(const egg_generation *gen, egg_workspace *ws, uint32_t position, const int8_t *fitness_bytes,
                       uint32_t exponent);

/* Online: changes the rows of weights that have events in the recording. Call it behind egg_sample_credit(). */
void egg_sample_update_online(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream);

/* Mini-batches: adds the changes by this recording to sum[weights], in 1/4096 weight unit, laid out as the weights.
 * Call it behind egg_sample_credit(). The caller zeroes `sum` before the first generation. sum = NULL does the same as
 * egg_sample_update_online(). */
void egg_sample_accumulate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, int32_t *sum);

/* Ends a generation: rounds the sums into rows [row0, row1) of the weights of matrix m, and sets those sums to 0. */
void egg_sample_finish(const egg_generation *gen, egg_workspace *ws, uint32_t m, uint32_t row0, uint32_t row1,
                       int32_t *sum);

#endif
