/* Host only: the memory that a net and its training take on a microcontroller, known before anything is flashed. */
#ifndef EGG_MEMORY_PLAN_H
#define EGG_MEMORY_PLAN_H

#include "net/egg_workspace.h"

/* All in bytes. */
typedef struct {
    size_t weights;   /* of all matrices, biases included */
    size_t inference; /* workspace if the net only runs */
    size_t training; /* what training adds: to the workspace, and the arrays of the caller (fitness_diff, fitness_bytes,
                        active, sum) */
} egg_memory_plan;

/* What egg_session_bytes() would be on a board, without the memory for a recording. online: estimator sample or sweep
 * with generations of one recording, which needs no sums. Both configurations must have passed their checks. The sizes
 * are those of a build with EGG_ROW_ALIGN 1 and EGG_SIGN_WORDS 1. */
egg_memory_plan egg_memory_plan_of(const egg_net_config *net, const egg_estimator_config *es, bool online);

#endif
