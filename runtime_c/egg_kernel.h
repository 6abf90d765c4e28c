/* The hot loops, private to the core. Each is exact integer arithmetic, so every variant gives the same bits.
 * egg_kernel_body.h holds their one text. egg_kernel.c compiles it with one neuron a step (any compiler,
 * microcontrollers) or, on a host with vector units (EGG_PAD > 1), once for each vector width, and picks one when the
 * program runs. Arrays of neurons in a workspace ("padded") have egg_pad(n) entries. */
#ifndef EGG_KERNEL_H
#define EGG_KERNEL_H

#include "egg_rng.h"
#include "egg_types.h"

typedef struct egg_kernels {
    /* One tick: current[cols] = clamp(bias row + rows of the tick's events, limit). w is [rows][cols], the bias row is
     * `bias`. Returns the stream behind the tick. */
    const uint8_t *(*current)(const uint8_t *stream, const int8_t *w, uint32_t cols, uint32_t bias, int32_t limit,
                              int16_t *current);

    /* Runs a padded LIF layer over all ticks: current[ticks][padded], plus sum_r s[r][t] * a[r][h] (ranks may be 0).
     * Writes count[padded] and, unless NULL, spikes[ticks][size] as 0/1; returns the number of spikes. */
    uint32_t (*lif)(const int16_t *current, uint32_t ticks, uint32_t size, uint32_t threshold, uint32_t leak_shift,
                    uint32_t refractory, const int16_t *s, const int16_t *a, uint32_t ranks, int16_t *count,
                    uint8_t *spikes);

    /* One tick: c[32*words] = sum of the signs of the tick's events and of the bias, for pair words word0 ..
     * word0+words-1, words <= EGG_WORDS. noise is [rows][EGG_WORDS] sign words from egg_rng_signs(), or NULL to draw
     * them here. */
    const uint8_t *(*project)(const uint8_t *stream, const uint32_t *noise, egg_key key, uint32_t bias, uint32_t word0,
                              uint32_t words, int16_t *c);

    /* sum of x[i] * y[i] over n entries (a padded length) */
    int32_t (*dot)(const int16_t *x, const int16_t *y, uint32_t n);

    /* x[n] = bit p of words[n], as +1 or -1 */
    void (*expand)(const uint32_t *words, uint32_t n, uint32_t p, int16_t *x);

    /* y[n] += k * x[n], n a padded length, the result within int16 */
    void (*add_scaled)(int16_t *y, const int16_t *x, int16_t k, uint32_t n);

    /* y[n] = sum over k of factor[k] * x[k][n], n a padded length, every partial sum within int16 */
    void (*combine)(const int16_t *x, const int16_t *factor, uint32_t count, uint32_t n, int16_t *y);

    /* w[n] = clamp(w + ((step + ((rho + kappa) & 4095)) >> 12), 127): stochastic rounding, DESIGN.md section 9 */
    void (*round_row)(int8_t *w, const int16_t *step, uint32_t rho, const uint16_t *kappa, uint32_t n);

    /* y[n] += x[n] */
    void (*add_wide)(int32_t *y, const int16_t *x, uint32_t n);
} egg_kernels;

/* The kernels for this machine. */
const egg_kernels *egg_kernel(void);

/* For tests: the kernels of level 0 (portable) .. egg_kernel_levels() - 1; NULL if this machine can't run that level.
 */
const egg_kernels *egg_kernel_level(uint32_t level);
uint32_t egg_kernel_levels(void);

#endif
