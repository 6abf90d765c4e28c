/* The geometry of a convolution: which neurons see which place below (SPEC.md section 4.1). */
#ifndef EGG_CONVOLUTION_H
#define EGG_CONVOLUTION_H

#include "base/egg_types.h"

/* The shape of a layer: channels * rows * cols neurons or inputs. */
typedef struct {
    uint32_t channels, rows, cols;
} egg_shape;

/* A convolution and what lies below it. Neuron (c, y, x) has the number (y * cols + x) * channels + c. */
typedef struct {
    egg_shape below, shape;
    bool inputs; /* the layer below is that of the inputs, where (c, y, x) has the number (c * rows + y) * cols + x */
    uint32_t kernel, stride, padding;
} egg_convolution;

/* A place below, and the number of a neuron or input there. It walks through ascending numbers; start with all 0. */
typedef struct {
    uint32_t number, c, y, x;
} egg_walker;

/* Goes on to a number that is not below the present one. Additions only, as small cores have no division. */
static inline void egg_walk_to(const egg_convolution *conv, egg_walker *at, uint32_t number) {
    const egg_shape *below = &conv->below;
    uint32_t by = number - at->number;
    at->number = number;
    if (conv->inputs) {
        at->x += by;
        while (at->x >= below->cols) {
            at->x -= below->cols;
            if (++at->y == below->rows) at->y = 0, at->c++;
        }
        return;
    }
    at->c += by;
    while (at->c >= below->channels) {
        at->c -= below->channels;
        if (++at->x == below->cols) at->x = 0, at->y++;
    }
}

/* floor(n / stride) for n < 2 * EGG_SIDE_MAX and stride 1..EGG_STRIDE_MAX. */
static inline uint32_t egg_by_stride(uint32_t n, uint32_t stride) {
    static const uint32_t per[EGG_STRIDE_MAX + 1u] = {0, 65536, 32768, 21846, 16384, 13108, 10923, 9363, 8192};
    return stride == 1 ? n : (n * per[stride]) >> 16; /* per[i]: 2^16 / i, rounded up */
}

/* The rows (or columns) first .. end - 1 of places that see row (or column) `at` below, among those in [from, to). */
typedef struct {
    uint32_t first, end;
} egg_span;

static inline egg_span egg_seen_by(const egg_convolution *conv, uint32_t at, uint32_t from, uint32_t to) {
    uint32_t place = at + conv->padding, stride = conv->stride;
    egg_span span = {place < conv->kernel ? 0 : egg_by_stride(place - conv->kernel + stride, stride),
                     egg_by_stride(place, stride) + 1u};
    if (span.first < from) span.first = from;
    if (span.end > to) span.end = to;
    return span;
}

/* The numbers begin .. end - 1 below that rows [row0, row1) of places see, and likewise each `next` numbers later: in
 * the next channel of the inputs. */
typedef struct {
    uint32_t begin, end, next;
    uint32_t row; /* of the number `begin` */
} egg_range;

static inline egg_range egg_seen_by_rows(const egg_convolution *conv, uint32_t row0, uint32_t row1) {
    const egg_shape *below = &conv->below;
    uint32_t begin = row0 * conv->stride, end = (row1 - 1u) * conv->stride + conv->kernel, pad = conv->padding;
    uint32_t across = conv->inputs ? below->cols : below->cols * below->channels;
    begin = begin < pad ? 0 : begin - pad;
    end = end < pad ? 0 : end - pad;
    if (end > below->rows) end = below->rows;
    egg_range range = {begin * across, end * across, below->rows * across, begin};
    return range;
}

#endif
