/* Private to the core: the hot loops.
 *
 * Each is exact integer arithmetic, so every variant gives the same bits. egg_kernel_impl.h holds their one text.
 * egg_kernel.c compiles it with one neuron at a time (any compiler, microcontrollers) and, on a host with vector units
 * (EGG_ROW_ALIGN > 1), once more for each width of vectors. The program picks a variant when it runs.
 *
 * "Padded" arrays belong to a workspace and have egg_padded(n) entries. */
#ifndef EGG_KERNEL_PRIVATE_H
#define EGG_KERNEL_PRIVATE_H

#include "base/egg_convolution.h"
#include "base/egg_rng.h"
#include "base/egg_types.h"

/* A LIF layer whose responses are measured (SPEC.md section 7.4), and the state of its unperturbed run. */
typedef struct {
    const int16_t *current; /* [ticks][padded] */
    uint32_t size, threshold, leak_shift, refractory, segments;
    int32_t sigma;                         /* the current that perturbs each neuron */
    uint8_t starts[EGG_SEGMENTS_MAX + 1u]; /* first tick of each segment; behind the last one, the number of ticks */
    int16_t *membrane, *blocked;           /* [padded] membranes and refractory ticks that remain; at first 0 */
} egg_response_run;

typedef struct egg_kernels {
    /* One tick of base currents: current[cols] = clamp(bias row + rows of the tick's events, limit). w is [rows][cols],
     * its bias row is number `bias`. Returns the stream behind the tick. */
    const uint8_t *(*current)(const uint8_t *stream, const int8_t *w, uint32_t cols, uint32_t bias, int32_t limit,
                              int16_t *current);

    /* Runs a padded layer of `size` LIF neurons over all ticks. Its currents are current[ticks][padded], plus
     * sum over r < ranks of s[r][t] * a[r][h]; ranks may be 0. Writes count[padded], the spikes of each neuron, and
     * unless `spikes` is NULL spikes[ticks][size] as 0 or 1. Returns the number of spikes of the layer. */
    uint32_t (*lif)(const int16_t *current, uint32_t ticks, uint32_t size, uint32_t threshold, uint32_t leak_shift,
                    uint32_t refractory, const int16_t *s, const int16_t *a, uint32_t ranks, int16_t *count,
                    uint8_t *spikes);

    /* Measures the responses to a perturbation in segment s: spikes of a neuron with +sigma minus those with -sigma.
     * response[segments][padded] gets those in segments s and later; with `together`, their sum is response[padded].
     * Call it for one segment after the other: it takes the unperturbed run through segment s. */
    void (*respond)(const egg_response_run *run, uint32_t s, bool together, int16_t *response);

    /* One tick of projections: c[32 * words] = sum of the signs of the tick's events and of the bias, for the pairs of
     * sign words word0 .. word0 + words - 1; words <= EGG_SIGN_WORDS. noise is a cache [rows][EGG_SIGN_WORDS] of sign
     * words from egg_rng_signs(), or NULL to draw them here. Returns the stream behind the tick. */
    const uint8_t *(*project)(const uint8_t *stream, const uint32_t *noise, egg_key key, uint32_t bias, uint32_t word0,
                              uint32_t words, int16_t *c);

    /* Returns the sum of x[i] * y[i] over n entries. */
    int32_t (*dot)(const int16_t *x, const int16_t *y, uint32_t n);

    /* x[n] = bit p of words[n], as +1 or -1. */
    void (*expand)(const uint32_t *words, uint32_t n, uint32_t p, int16_t *x);

    /* y[n] += k * x[n]; n is a padded length, and the result fits 16 bits. */
    void (*add_scaled)(int16_t *y, const int16_t *x, int16_t k, uint32_t n);

    /* y[n] = sum over k < count of factor[k] * x[k][n]; n is a padded length, and every partial sum fits 16 bits. */
    void (*combine)(const int16_t *x, const int16_t *factor, uint32_t count, uint32_t n, int16_t *y);

    /* Stochastic rounding of one row of weights (SPEC.md section 9):
     * w[n] = clamp(w + ((step + ((row_bits + column_bits) & 4095)) >> 12), 127). */
    void (*round_row)(int8_t *w, const int16_t *step, uint32_t row_bits, const uint16_t *column_bits, uint32_t n);

    /* y[n] += x[n]. */
    void (*add_wide)(int32_t *y, const int16_t *x, uint32_t n);

    /* One tick of a convolution, for its rows [row0, row1) of places: adds the weights of all events that a place sees
     * to sum[row1 - row0][cols][channels], without the bias. w is [kernel rows][channels]. 16 bits
     * are enough for at most 256 kernel rows, or weights of magnitude 1. Returns the stream behind the tick. */
    const uint8_t *(*convolve)(const egg_convolution *conv, const uint8_t *stream, const int8_t *w, uint32_t row0,
                               uint32_t row1, int16_t *sum);
    const uint8_t *(*convolve_wide)(const egg_convolution *conv, const uint8_t *stream, const int8_t *w, uint32_t row0,
                                    uint32_t row1, int32_t *wide);

    /* The way back: adds credit[row1 - row0][cols][channels] of each place to the rows of gradient[kernel
     * rows][channels] through which it sees an event of the tick. Returns the stream behind the tick. */
    const uint8_t *(*collect)(const egg_convolution *conv, const uint8_t *stream, const int16_t *credit, uint32_t row0,
                              uint32_t row1, int32_t *gradient);
} egg_kernels;

/* egg_kernels.respond for cores without vector units. */
void egg_respond_portable(const egg_response_run *run, uint32_t s, bool together, int16_t *response);

/* The fastest kernels that this machine can run. */
const egg_kernels *egg_kernel(void);

/* The kernels of one level: 0 (portable) .. egg_kernel_levels() - 1. NULL if this machine cannot run that level. Tests
 * compare the levels; the loops in host/ choose their variant by them. */
const egg_kernels *egg_kernel_level(uint32_t level);
uint32_t egg_kernel_levels(void);

/* The level of these kernels. */
uint32_t egg_kernel_level_of(const egg_kernels *kernels);

#endif
