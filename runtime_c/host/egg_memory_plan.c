/* Compiles the layout of the workspace once more, with the constants of a microcontroller. */
#undef EGG_ROW_ALIGN
#undef EGG_SIGN_WORDS
#define EGG_ROW_ALIGN 1u
#define EGG_SIGN_WORDS 1u
#define egg_band_units egg_memory_plan_band_units
#define egg_workspace_bytes egg_memory_plan_workspace_bytes
#define egg_workspace_init egg_memory_plan_workspace_init
#include "net/egg_workspace.c"

#include "host/egg_memory_plan.h"

egg_memory_plan egg_memory_plan_of(const egg_net_config *net, const egg_estimator_config *es, bool online) {
    egg_memory_plan plan;
    plan.weights = egg_net_bytes(net);
    plan.inference = egg_workspace_bytes(net, NULL);
    plan.training = egg_workspace_bytes(net, es) - plan.inference;
    if (es->estimator == EGG_ESTIMATOR_BATCH || es->estimator == EGG_ESTIMATOR_SAMPLE)
        plan.training += es->pairs; /* fitness_bytes */
    if (es->estimator == EGG_ESTIMATOR_BATCH)
        plan.training += es->pairs * sizeof(int32_t) + (net->inputs + 8u) / 8u; /* fitness_diff, active */
    else if (!online)
        plan.training += plan.weights * sizeof(int32_t); /* sum */
    return plan;
}
