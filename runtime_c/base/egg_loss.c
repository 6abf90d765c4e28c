#include "base/egg_loss.h"

#include "base/egg_math_private.h"

/* 65536 * 2^(-d / 4096) */
static int32_t exp2_neg(uint32_t d) {
    if (d >= 16u * EGG_ONE_BIT) return 0;
    int32_t f = (int32_t)(d & (EGG_ONE_BIT - 1));
    int32_t y = EGG_EXP2_POLY(f);
    return y >> (d >> 12);
}

/* 4096 * log2(s / 65536), s >= 65536 */
static int32_t log2_q12(int32_t s) {
    int32_t n = 0;
    while (s >= 131072) {
        s >>= 1;
        n++;
    }
    int32_t u = (s - 65536) >> 1;
    return n * EGG_ONE_BIT + EGG_LOG2_POLY(u);
}

uint32_t egg_loss_argmax(const int32_t *logits, uint32_t outputs) {
    uint32_t best = 0;
    for (uint32_t j = 1; j < outputs; j++)
        if (logits[j] > logits[best]) best = j;
    return best;
}

void egg_loss_softmax(const int32_t *logits, uint32_t outputs, int32_t *share) {
    uint32_t max = (uint32_t)logits[egg_loss_argmax(logits, outputs)], sum = 0;
    for (uint32_t j = 0; j < outputs; j++) {
        share[j] = exp2_neg(max - (uint32_t)logits[j]);
        sum += (uint32_t)share[j];
    }
    for (uint32_t j = 0; j < outputs; j++) share[j] = (int32_t)(((uint32_t)share[j] * EGG_ONE_BIT + sum / 2u) / sum);
}

int32_t egg_loss_xent(const int32_t *logits, uint32_t outputs, uint32_t label) {
    uint32_t max = (uint32_t)logits[egg_loss_argmax(logits, outputs)];
    int32_t sum = 0;
    for (uint32_t j = 0; j < outputs; j++) sum += exp2_neg(max - (uint32_t)logits[j]);
    uint32_t d = max - (uint32_t)logits[label];
    return log2_q12(sum) + (d < EGG_LOSS_MAX ? (int32_t)d : EGG_LOSS_MAX);
}
