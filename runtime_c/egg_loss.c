#include "egg_loss.h"

#define ONE_BIT 4096

/* 65536 * 2^(-d / 4096), relative error below 1e-4 */
static int32_t exp2_neg(uint32_t d) {
    if (d >= 16u * ONE_BIT) return 0;
    int32_t f = (int32_t)(d & (ONE_BIT - 1));
    int32_t y = 65536 - ((f * (45329 - ((f * (15158 - ((f * 2597) >> 12))) >> 12))) >> 12);
    return y >> (d >> 12);
}

/* 4096 * log2(s / 65536), s >= 65536, error below 2/4096 */
static int32_t log2_q12(int32_t s) {
    int32_t n = 0;
    while (s >= 131072) {
        s >>= 1;
        n++;
    }
    int32_t u = (s - 65536) >> 1;
    return n * ONE_BIT + ((u * (47144 - ((u * (22208 - ((u * (10522 - ((u * 2690) >> 15))) >> 15))) >> 15))) >> 18);
}

uint32_t egg_loss_argmax(const int32_t *logits, uint32_t outputs) {
    uint32_t best = 0;
    for (uint32_t j = 1; j < outputs; j++)
        if (logits[j] > logits[best]) best = j;
    return best;
}

int32_t egg_loss_xent(const int32_t *logits, uint32_t outputs, uint32_t label) {
    uint32_t max = (uint32_t)logits[egg_loss_argmax(logits, outputs)];
    int32_t sum = 0;
    for (uint32_t j = 0; j < outputs; j++) sum += exp2_neg(max - (uint32_t)logits[j]);
    uint32_t d = max - (uint32_t)logits[label];
    return log2_q12(sum) + (d < EGG_LOSS_MAX ? (int32_t)d : EGG_LOSS_MAX);
}
