/* Host only: the update of `sample` in mini-batches. A generation's steps are a matrix product: how often a row had an
 * event in each segment of each recording, times the credit of each neuron in it. The first matrix is sparse, so a row
 * of steps is summed up in registers from the few rows of credit that it needs, and rounded into the weights at once.
 * Each worker has one of these for its share of the recordings; all of them together update any row. */
#ifndef EGG_CREDIT_H
#define EGG_CREDIT_H

#include "../egg_es.h"

#define EGG_CREDIT_MAX 64u /* recordings that one holds at most */

typedef struct {
    uint32_t stride[EGG_LAYERS_MAX + 1u]; /* of a row of events: capacity * segments, made even */
    uint8_t *events[EGG_LAYERS_MAX + 1u]; /* [rows][stride], 0 between generations */
    int16_t *credit[EGG_LAYERS_MAX + 1u]; /* [stride / 2][padded cols][2] */
} egg_credit;

/* Points into memory of egg_credit_bytes(), aligned to 64 and all 0, room for `capacity` recordings,
 * 1..EGG_CREDIT_MAX. */
size_t egg_credit_bytes(const egg_net_config *net, const egg_es_config *es, uint32_t capacity);
void egg_credit_init(egg_credit *credit, const egg_net_config *net, const egg_es_config *es, uint32_t capacity,
                     void *memory);

/* Takes the recording that egg_sample_credit() has just worked out, as number `slot`. */
void egg_credit_add(const egg_gen *gen, const egg_ws *ws, egg_credit *credit, uint32_t slot, const uint8_t *stream);

/* Rows [row0, row1) of matrix m: takes the steps of all recordings in part[parts] and zeroes the events. last: rounds
 * the steps, and those in sum, into the weights. total[weights], laid out as the weights, holds steps from one call to
 * the next; it may be NULL if each call is the last. */
void egg_credit_learn(const egg_gen *gen, egg_ws *ws, egg_credit *const *part, uint32_t parts, uint32_t m,
                      uint32_t row0, uint32_t row1, int32_t *total, int last);

#endif
