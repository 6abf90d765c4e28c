/* Softmax cross-entropy in integers, base 2, unit 1/4096 bit, without tables or divisions (SPEC.md section 6). */
#ifndef EGG_LOSS_H
#define EGG_LOSS_H

#include "base/egg_types.h"

#define EGG_LOSS_MAX 131071 /* just below 32 bits: magnitude limit of a fitness */

/* Cross-entropy of logits[outputs], in 1/4096 bit, for the right answer `label` < outputs.
 * Returns 0..2 * EGG_LOSS_MAX, within 8/4096 bit of the exact value. */
int32_t egg_loss_xent(const int32_t *logits, uint32_t outputs, uint32_t label);

/* share[outputs]: softmax of the logits, base 2, in 1/4096: 0..4096 each (SPEC.md section 7.4). */
void egg_loss_softmax(const int32_t *logits, uint32_t outputs, int32_t *share);

/* Index of the largest logit; of several equal ones the lowest index. */
uint32_t egg_loss_argmax(const int32_t *logits, uint32_t outputs);

#endif
