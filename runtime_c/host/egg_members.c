#include "host/egg_members.h"

void egg_members_run(const egg_generation *gen, egg_workspace *ws, const uint8_t *streams, const uint64_t *offsets,
                     const uint32_t *pair, const int8_t *sign, uint32_t n, int32_t *logits, uint8_t *active) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *stream = streams + offsets[i];
        if (sign[i] == 0)
            egg_run(gen->net, ws, stream);
        else
            egg_batch_member(gen, ws, stream, pair[i], sign[i]);
        for (uint32_t j = 0; j < c->outputs; j++) *logits++ = ws->logits[j];
        egg_batch_mark(c, stream, active);
    }
}
