/* The workspace's own layout code, compiled once more with a microcontroller's constants. */
#undef EGG_PAD
#undef EGG_WORDS
#define EGG_PAD 1u
#define EGG_WORDS 1u
#define egg_ws_bytes egg_plan_ws_bytes
#define egg_ws_init egg_plan_ws_init
#define egg_es_check egg_plan_es_check
#include "../egg_ws.c"

#include "egg_plan.h"

egg_plan egg_plan_of(const egg_net_config *net, const egg_es_config *es, uint32_t online) {
    egg_plan plan;
    plan.weights = egg_net_bytes(net);
    plan.inference = egg_plan_ws_bytes(net, NULL);
    plan.training = egg_plan_ws_bytes(net, es) - plan.inference + es->pairs; /* f */
    if (es->estimator != EGG_SAMPLE)
        plan.training += es->pairs * sizeof(int32_t) + (net->inputs + 8u) / 8u;
    else if (!online)
        plan.training += plan.weights * sizeof(int32_t);
    return plan;
}
