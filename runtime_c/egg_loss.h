/* Integer softmax cross-entropy in base 2, unit 1/4096 bit; no table, no division (DESIGN.md section 6). */
#ifndef EGG_LOSS_H
#define EGG_LOSS_H

#include "egg_types.h"

#define EGG_LOSS_MAX 131071 /* 32 bits */

/* logits[outputs] in 1/4096 bit, label < outputs. Returns 0..2*EGG_LOSS_MAX; error against the real function at most
 * 8/4096 bit. */
int32_t egg_loss_xent(const int32_t *logits, uint32_t outputs, uint32_t label);

/* Index of the largest logit, the lowest of equals. */
uint32_t egg_loss_argmax(const int32_t *logits, uint32_t outputs);

#endif
