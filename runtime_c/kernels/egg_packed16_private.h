/* Private to the core: two 16-bit halves in a 32-bit word, for cores without vector units.
 *
 * Any such core computes with plain words. Arm cores with DSP instructions (Cortex-M4, M7) use those instead: the same
 * numbers in fewer instructions. */
#ifndef EGG_PACKED16_PRIVATE_H
#define EGG_PACKED16_PRIVATE_H

#include "kernels/egg_kernel_private.h"

#define EGG_HALVES_ONE 0x00010001u        /* times x: x in both halves, also for a negative x */
#define EGG_HALVES_PLUS_MINUS 0xFFFF0001u /* times x: x in the low half, -x in the high half */

/* A word that may lie on an array of int8_t or int16_t. */
#if defined(__GNUC__)
typedef uint32_t egg_word __attribute__((may_alias));
#else
typedef uint32_t egg_word;
#endif

/* egg_kernels.current for rows that start on a word's border. Returns NULL if they do not, or if a tick has more events
 * than a half can sum, 256 with the bias: then nothing is done. */
const uint8_t *egg_packed16_current(const uint8_t *stream, const int8_t *w, uint32_t cols, uint32_t bias, int32_t limit,
                                    int16_t *current);

/* Runs two membranes of a LIF neuron, one in each half of a word, over `ticks` >= 1, with leak shift 1 and an even
 * threshold. A half of x, the state at the start, holds v - threshold + 2^14, where v is the membrane. In each tick
 * x = (x + 2 * current + drive) >> 1, and bit 14 says that the membrane spikes. egg_pair.c proves the bounds. current
 * has a stride of `size` entries from tick to tick; drive[ticks] differs between the halves. Returns the spikes of both
 * halves. */
uint32_t egg_packed16_halving(const int16_t *current, const uint32_t *drive, uint32_t ticks, uint32_t size,
                              uint32_t threshold, uint32_t x);

/* egg_kernels.respond with `together`, for leak shift 1, an even threshold, no refractory time, and currents whose
 * magnitude, sigma included, is at most (2^14 - threshold) / 2. drive[ticks] is temporary. */
void egg_packed16_respond(const egg_response_run *run, uint32_t s, uint32_t *drive, int16_t *response);

/* egg_kernels.convolve and .collect. The sums have 16 bits. */
const uint8_t *egg_packed16_convolve(const egg_convolution *conv, const uint8_t *stream, const int8_t *w, uint32_t row0,
                                     uint32_t row1, int16_t *sum);
const uint8_t *egg_packed16_collect(const egg_convolution *conv, const uint8_t *stream, const int16_t *credit,
                                    uint32_t row0, uint32_t row1, int32_t *gradient);

/* A row of credit, or the step of a row of weights: two columns in a word, the sum of the first and of 2^16 times the
 * second. Both fit int16_t.
 *
 * The step of a row is the sum over k of n_k * x[k][words], where n_k is field number k of n, of `width` bits each.
 * Either writes it to y[words] and returns y, and sets *times to 1; or, if only one field is not 0, returns that x[k]
 * and sets *times to n_k. n is not 0. */
const egg_word *egg_packed16_combine(const egg_word *x, uint32_t n, uint32_t width, uint32_t words, egg_word *y,
                                     uint32_t *times);

/* Stochastic rounding of times * step into one row of weights (SPEC.md section 9). The step has 2 * words columns,
 * those with the numbers touched[2 * words] and the bits column_bits[2 * words], which lie on a word's border. */
void egg_packed16_learn(int8_t *w, const egg_word *step, uint32_t times, uint32_t words, const uint16_t *touched,
                        const uint16_t *column_bits, uint32_t row_bits);

/* sum[touched] += times * step. */
void egg_packed16_add(int32_t *sum, const egg_word *step, uint32_t times, uint32_t words, const uint16_t *touched);

#endif
