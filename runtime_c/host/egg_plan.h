/* Host only: the memory that a net and its training take on a microcontroller, before anything is flashed. */
#ifndef EGG_PLAN_H
#define EGG_PLAN_H

#include "../egg_ws.h"

typedef struct {
    size_t weights;   /* int8 weights, biases included */
    size_t inference; /* workspace of inference alone */
    size_t training;  /* what training adds: workspace, and the caller's arrays (diff, f, active rows, sums) */
} egg_plan;

/* As a session on a board carves its arena (egg_session_bytes), but for the recording. online: estimator sample updates
 * after each recording, and so sums up nothing. Both configs must have passed their checks. Sizes are those of a build
 * with EGG_PAD 1 and EGG_WORDS 1. */
egg_plan egg_plan_of(const egg_net_config *net, const egg_es_config *es, uint32_t online);

#endif
