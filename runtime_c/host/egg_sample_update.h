/* Host only: the update of estimator sample in mini-batches, as a matrix product.
 *
 * The step of a weight is the sum, over the recordings of a generation and their segments, of the events of its row
 * times the credit of its column. Most rows have few events, so a row of steps is added up in registers from the few
 * rows of credit that it needs, and rounded into the weights at once.
 *
 * Each worker collects its share of the recordings in one egg_sample_update. Then all of them together update any rows,
 * so that workers can divide the rows among them. */
#ifndef EGG_SAMPLE_UPDATE_H
#define EGG_SAMPLE_UPDATE_H

#include "estimators/egg_estimator.h"

#define EGG_SAMPLE_UPDATE_MAX 64u /* recordings that one egg_sample_update can hold */

/* The fields are private. */
typedef struct {
    uint32_t stride[EGG_LAYERS_MAX + 1u]; /* of a row of events: capacity * segments, made even */
    uint8_t *events[EGG_LAYERS_MAX + 1u]; /* [rows][stride]; 0 between generations */
    int16_t *credit[EGG_LAYERS_MAX + 1u]; /* [stride / 2][padded cols][2] */
    int32_t *sum; /* NULL, or with a convolution [weights]: the steps, added up as the recordings come, 0 at first */
} egg_sample_update;

/* Lays an update for up to `capacity` recordings, 1..EGG_SAMPLE_UPDATE_MAX, into memory of egg_sample_update_bytes(),
 * which is aligned to 64 and all 0. */
size_t egg_sample_update_bytes(const egg_net_config *net, const egg_estimator_config *es, uint32_t capacity);
void egg_sample_update_init(egg_sample_update *update, const egg_net_config *net, const egg_estimator_config *es,
                            uint32_t capacity, void *memory);

/* Takes over the recording whose credit egg_sample_credit() or egg_sweep_evaluate() has just left in the workspace, as
 * number `place`, 0 .. capacity - 1. */
void egg_sample_update_add(const egg_generation *gen, egg_workspace *ws, egg_sample_update *update, uint32_t place,
                           const uint8_t *stream);

/* Adds up the steps of rows [row0, row1) of matrix m for all recordings in parts[count], and zeroes their events there.
 * Without `last` it adds them to total[weights], which is laid out as the weights. With `last` it rounds them, and
 * those in total, into the weights and zeroes total. total may be NULL if each call is the last. */
void egg_sample_update_rows(const egg_generation *gen, egg_workspace *ws, egg_sample_update *const *parts,
                            uint32_t count, uint32_t m, uint32_t row0, uint32_t row1, int32_t *total, bool last);

#endif
