/* Text of the loops of a convolution, which egg_kernel_impl.h includes for each width of vectors. An event adds to all
 * places that see it, and the channels of a place lie side by side. */

#if LANE_BYTES
typedef int16_t K(channels16) __attribute__((vector_size(32), aligned(2), may_alias));
typedef int16_t K(channels8) __attribute__((vector_size(16), aligned(2), may_alias));
typedef int8_t K(bytes16) __attribute__((vector_size(16), aligned(1), may_alias));
typedef int8_t K(bytes8) __attribute__((vector_size(8), aligned(1), may_alias));
typedef int32_t K(wide8) __attribute__((vector_size(32), aligned(4), may_alias));
#endif

/* to[n] += from[n], as weights into sums, weights into wide sums, and credit into a gradient. */
TARGET static inline EGG_INLINE void K(add_weights)(int16_t *to, const int8_t *from, uint32_t n) {
    uint32_t i = 0;
#if LANE_BYTES
    for (; i + 16u <= n; i += 16u) {
#if LANE_BYTES >= 32
        *(K(channels16) *)(to + i) +=
            (K(channels16))_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(from + i)));
#else
        *(K(channels16) *)(to + i) += __builtin_convertvector(*(const K(bytes16) *)(from + i), K(channels16));
#endif
    }
    for (; i + 8u <= n; i += 8u)
        *(K(channels8) *)(to + i) += __builtin_convertvector(*(const K(bytes8) *)(from + i), K(channels8));
#endif
    for (; i < n; i++) to[i] = (int16_t)(to[i] + from[i]);
}

TARGET static inline EGG_INLINE void K(add_weights_wide)(int32_t *to, const int8_t *from, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) to[i] += from[i];
}

TARGET static inline EGG_INLINE void K(add_credit)(int32_t *to, const int16_t *from, uint32_t n) {
    uint32_t i = 0;
#if LANE_BYTES
    for (; i + 8u <= n; i += 8u)
        *(K(wide8) *)(to + i) += __builtin_convertvector(*(const K(channels8) *)(from + i), K(wide8));
#endif
    for (; i < n; i++) to[i] += from[i];
}

/* One tick of events and the places of rows [row0, row1) that see them. Just one of sum, wide and gradient is not NULL,
 * a constant at each call below: that one is added to. `channels` is
 * those of the convolution. */
TARGET static inline EGG_INLINE const uint8_t *K(walk)(const egg_convolution *conv, const uint8_t *stream,
                                                       uint32_t row0, uint32_t row1, uint32_t channels, const int8_t *w,
                                                       int16_t *sum, int32_t *wide, const int16_t *credit,
                                                       int32_t *gradient) {
    uint32_t cols = conv->shape.cols;
    size_t back = (size_t)conv->stride * channels; /* from the weights of a place to those of the next one */
    egg_walker at = {0, 0, 0, 0};
    int32_t event, index = -1;
    while ((event = egg_stream_next(&stream, &index)) >= 0) {
        egg_walk_to(conv, &at, (uint32_t)event);
        egg_span rows = egg_seen_by(conv, at.y, row0, row1), columns = egg_seen_by(conv, at.x, 0, cols);
        for (uint32_t y = rows.first; y < rows.end; y++) {
            uint32_t from_row = (at.c * conv->kernel + at.y + conv->padding - y * conv->stride) * conv->kernel;
            size_t unit = ((size_t)(y - row0) * cols + columns.first) * channels;
            size_t weight = (size_t)(from_row + at.x + conv->padding - columns.first * conv->stride) * channels;
            for (uint32_t x = columns.first; x < columns.end; x++, unit += channels, weight -= back) {
                if (sum != NULL)
                    K(add_weights)(sum + unit, w + weight, channels);
                else if (wide != NULL)
                    K(add_weights_wide)(wide + unit, w + weight, channels);
                else
                    K(add_credit)(gradient + weight, credit + unit, channels);
            }
        }
    }
    return stream;
}

TARGET static const uint8_t *K(convolve)(const egg_convolution *conv, const uint8_t *stream, const int8_t *w,
                                         uint32_t row0, uint32_t row1, int16_t *sum) {
    uint32_t channels = conv->shape.channels;
    /* Hosts have special forms for common numbers of channels. */
    if (LANE_BYTES > 0 && channels == 16) return K(walk)(conv, stream, row0, row1, 16, w, sum, NULL, NULL, NULL);
    if (LANE_BYTES > 0 && channels == 8) return K(walk)(conv, stream, row0, row1, 8, w, sum, NULL, NULL, NULL);
    return K(walk)(conv, stream, row0, row1, channels, w, sum, NULL, NULL, NULL);
}

TARGET static const uint8_t *K(convolve_wide)(const egg_convolution *conv, const uint8_t *stream, const int8_t *w,
                                              uint32_t row0, uint32_t row1, int32_t *wide) {
    return K(walk)(conv, stream, row0, row1, conv->shape.channels, w, NULL, wide, NULL, NULL);
}

TARGET static const uint8_t *K(collect)(const egg_convolution *conv, const uint8_t *stream, const int16_t *credit,
                                        uint32_t row0, uint32_t row1, int32_t *gradient) {
    uint32_t channels = conv->shape.channels;
    if (LANE_BYTES > 0 && channels == 16)
        return K(walk)(conv, stream, row0, row1, 16, NULL, NULL, NULL, credit, gradient);
    if (LANE_BYTES > 0 && channels == 8)
        return K(walk)(conv, stream, row0, row1, 8, NULL, NULL, NULL, credit, gradient);
    return K(walk)(conv, stream, row0, row1, channels, NULL, NULL, NULL, credit, gradient);
}
