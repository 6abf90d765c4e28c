#include "host/egg_sample_update.h"

#include <string.h>

#include "base/egg_stream.h"
#include "estimators/egg_estimator_private.h"
#include "host/egg_simd_private.h"
#include "net/egg_shape.h"

/* A row of credit that a row of steps needs. A row of credit belongs to two segments, an even and an odd one. */
typedef struct {
    uint32_t row;
    int32_t events; /* of the even segment, and << 16 those of the odd segment */
} egg_pick;

typedef struct {
    /* sum[padded] += the picked rows of credit, each times its events */
    void (*add)(int32_t *sum, const int16_t *credit, uint32_t padded, const egg_pick *pick, uint32_t picks);
    /* step = clamp(sum, EGG_STEP_MAX), and sets sum to 0 */
    void (*take)(int32_t *sum, int16_t *step, uint32_t padded);
} credit_kernel;

static void add_portable(int32_t *sum, const int16_t *credit, uint32_t padded, const egg_pick *pick, uint32_t picks) {
    for (uint32_t i = 0; i < picks; i++) {
        const int16_t *row = credit + (size_t)pick[i].row * padded * 2u;
        int32_t even = pick[i].events & 0xFFFF, odd = pick[i].events >> 16;
        for (uint32_t j = 0; j < padded; j++) sum[j] += even * row[2u * j] + odd * row[2u * j + 1u];
    }
}

static void take_portable(int32_t *sum, int16_t *step, uint32_t padded) {
    for (uint32_t j = 0; j < padded; j++) {
        step[j] = (int16_t)egg_clamp(sum[j], EGG_STEP_MAX);
        sum[j] = 0;
    }
}

static const credit_kernel credit_portable = {add_portable, take_portable};

#define EGG_IMPL "host/egg_sample_update_impl.h"
#define EGG_IMPL_VNNI
#include "kernels/egg_simd_variants_impl.h"

static const credit_kernel *kernel_of(const egg_workspace *ws) {
    static const credit_kernel *const variants[] = EGG_VARIANTS(&credit_portable, credit);
    return variants[EGG_VECTORS ? egg_simd_vnni_level(ws->kernels) : 0];
}

static uint32_t segments_of(const egg_net_config *net, const egg_estimator_config *es, uint32_t m) {
    return ((m < net->layers ? es->segments : 1u) + 1u) & ~1u; /* made even: two share a lane */
}

static size_t lay_out(egg_sample_update *update, const egg_net_config *net, const egg_estimator_config *es,
                      uint32_t capacity, uint8_t *memory) {
    size_t used = 0;
    update->sum = NULL;
    if (egg_has_convolution(net)) {
        update->sum = (int32_t *)(void *)memory;
        return egg_net_bytes(net) * sizeof(int32_t);
    }
    for (uint32_t m = 0; m < egg_net_matrices(net); m++) {
        uint32_t stride = (capacity * segments_of(net, es, m) + 7u) & ~7u; /* read 8 bytes at a time */
        update->stride[m] = stride;
        update->events[m] = memory + used;
        used += ((size_t)egg_net_rows(net, m) * stride + 63u) & ~(size_t)63u;
        update->credit[m] = (int16_t *)(void *)(memory + used);
        used += ((size_t)stride * egg_padded(egg_net_cols(net, m)) * sizeof(int16_t) + 63u) & ~(size_t)63u;
    }
    return used;
}

size_t egg_sample_update_bytes(const egg_net_config *net, const egg_estimator_config *es, uint32_t capacity) {
    static uint8_t nothing[1];
    egg_sample_update update;
    return lay_out(&update, net, es, capacity, nothing);
}

void egg_sample_update_init(egg_sample_update *update, const egg_net_config *net, const egg_estimator_config *es,
                            uint32_t capacity, void *memory) {
    lay_out(update, net, es, capacity, (uint8_t *)memory);
}

void egg_sample_update_add(const egg_generation *gen, egg_workspace *ws, egg_sample_update *update, uint32_t place,
                           const uint8_t *stream) {
    const egg_net_config *c = &gen->net->config;
    if (ws->no_credit) return; /* its place keeps 0 events */
    if (update->sum != NULL) {
        egg_sample_accumulate(gen, ws, stream, update->sum);
        return;
    }
    for (uint32_t m = 0; m < egg_net_matrices(c); m++) {
        uint32_t bias = egg_net_rows(c, m) - 1u, padded = egg_padded(egg_net_cols(c, m)), stride = update->stride[m];
        uint32_t even = segments_of(c, &gen->es, m), segments = m < c->layers ? gen->es.segments : 1u;
        uint8_t *events = update->events[m] + place * even;
        int16_t *out = update->credit[m] + (size_t)place * even * padded;
        for (uint32_t s = 0; s < even; s += 2)
            for (uint32_t j = 0; j < padded; j++) {
                *out++ = ws->credit[m][s * padded + j];
                *out++ = s + 1u < segments ? ws->credit[m][(s + 1u) * padded + j] : 0;
            }
        if (m == c->layers) {
            for (uint32_t h = 0; h < bias; h++) events[(size_t)h * stride] = (uint8_t)ws->count[h];
            events[(size_t)bias * stride] = c->ticks;
            continue;
        }
        const uint8_t *next = m == 0 ? stream : ws->layer_streams[m - 1u];
        for (uint32_t t = 0; t < c->ticks; t++) {
            uint8_t *in_segment = events + egg_segment_of(t, segments, c->ticks);
            int32_t event, index = -1;
            while ((event = egg_stream_next(&next, &index)) >= 0) in_segment[(size_t)event * stride]++;
            in_segment[(size_t)bias * stride]++;
        }
    }
}

/* Which rows of credit a row of events needs. Zeroes the events. Returns the number of picks. */
static uint32_t pick_row(uint8_t *events, uint32_t stride, egg_pick *pick) {
    static const uint64_t none = 0;
    uint32_t picks = 0;
    for (uint32_t k = 0; k < stride; k += 8) {
        if (memcmp(events + k, &none, 8) == 0) continue;
        for (uint32_t i = k; i < k + 8; i += 2) {
            pick[picks].row = i / 2u;
            pick[picks].events = (int32_t)(events[i] | (uint32_t)events[i + 1u] << 16);
            picks += pick[picks].events != 0;
        }
        memset(events + k, 0, 8);
    }
    return picks;
}

/* sum[n] += part[n], and sets part to 0. Returns 0 if it was 0 before. */
static uint32_t move_sums(int32_t *sum, int32_t *part, uint32_t n) {
    uint32_t any = 0;
    for (uint32_t j = 0; j < n; j++) {
        any |= (uint32_t)part[j];
        sum[j] += part[j];
        part[j] = 0;
    }
    return any;
}

void egg_sample_update_rows(const egg_generation *gen, egg_workspace *ws, egg_sample_update *const *parts,
                            uint32_t count, uint32_t m, uint32_t row0, uint32_t row1, int32_t *total, bool last) {
    const egg_net_config *c = &gen->net->config;
    uint32_t cols = egg_net_cols(c, m), padded = egg_padded(cols);
    egg_key row_key = egg_row_bits_key(gen, m);
    const credit_kernel *kernel = kernel_of(ws);
    egg_pick pick[EGG_SAMPLE_UPDATE_MAX * EGG_TICKS_MAX / 2u + 4u];
    int32_t sum[EGG_NEURONS_MAX];
    egg_zero(sum, sizeof sum);
    egg_column_bits(gen, m, ws->column_bits);
    size_t first = 0; /* weight of the matrix */
    for (uint32_t before = 0; before < m; before++) first += (size_t)egg_net_rows(c, before) * egg_net_cols(c, before);
    if (total != NULL) total += first;
    for (uint32_t i = row0; i < row1; i++) {
        uint32_t any = total != NULL;
        for (uint32_t p = 0; p < count; p++) {
            if (parts[p]->sum != NULL) {
                any |= move_sums(sum, parts[p]->sum + first + (size_t)i * cols, cols);
                continue;
            }
            uint32_t stride = parts[p]->stride[m], picks;
            picks = pick_row(parts[p]->events[m] + (size_t)i * stride, stride, pick);
            if (picks > 0) kernel->add(sum, parts[p]->credit[m], padded, pick, picks);
            any |= picks;
        }
        if (!any) continue; /* without a step rounding changes no weight */
        for (uint32_t j = 0; total != NULL && j < cols; j++) {
            sum[j] += total[(size_t)i * cols + j];
            total[(size_t)i * cols + j] = last ? 0 : sum[j];
        }
        kernel->take(sum, ws->step, padded);
        if (last)
            ws->kernels->round_row(gen->net->weights[m] + (size_t)i * cols, ws->step, egg_rng_round(row_key, i),
                                   ws->column_bits, cols);
    }
}
