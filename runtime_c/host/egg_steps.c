/* The update of `batch`: the matrix product G = sum_p f_p a_p b_p^T with signs a, b and small f. A row of b picks, four
 * pairs at a time, a row of a table of their sums; so 32 pairs cost a weight eight additions of 16 bits. */
#include "egg_steps.h"

#include "../egg_es_private.h"
#include "../egg_fx.h"
#include "../egg_kernel.h"

#define COLUMNS 64u /* of a table: the tables of 32 pairs are 16 KiB and stay in the L1 cache */
#define ROWS 1024u  /* whose sums are held at once */
#define WORDS 8u    /* of 32 pairs each, whose sum fits 16 bits: 256 * 127 < 32768 */

typedef struct {
    int16_t table[8][16][COLUMNS];
    int16_t sum[ROWS][COLUMNS];
    uint32_t a[COLUMNS]; /* signs of 32 pairs, column by column */
    uint32_t b[ROWS];    /* and row by row */
    uint32_t row[ROWS];  /* which rows */
} egg_steps_memory;

typedef struct {
    void (*fill)(egg_steps_memory *mem, const int8_t *f, uint32_t pairs);
    void (*add_word)(egg_steps_memory *mem, uint32_t n, egg_key key, uint32_t word);
    void (*widen)(egg_steps_memory *mem, uint32_t n, uint32_t columns, int32_t *sum, uint32_t cols);
    void (*rate)(const egg_steps_memory *mem, uint32_t n, egg_rate rate, int32_t *sum, uint32_t cols);
} steps_kernel;

#define K(name) name##_any
#define TARGET
#include "egg_steps_body.h"
#undef K
#undef TARGET

#if defined(__GNUC__) && defined(__x86_64__)
#define K(name) name##_avx2
#define TARGET __attribute__((target("avx2")))
#include "egg_steps_body.h"
#undef K
#undef TARGET

#define K(name) name##_avx512
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#include "egg_steps_body.h"
#endif

static const steps_kernel *kernel_of(const egg_ws *ws) {
#if defined(__GNUC__) && defined(__x86_64__)
    if (ws->kernels == egg_kernel_level(3)) return &steps_avx512;
    if (ws->kernels == egg_kernel_level(2)) return &steps_avx2;
#endif
    (void)ws;
    return &steps_any;
}

size_t egg_steps_bytes(void) {
    return sizeof(egg_steps_memory);
}

/* sum += f A B^T of the rows in mem, for columns [col, col + columns) and the pairs of words [word0, word1) */
static void add_columns(const egg_gen *gen, const steps_kernel *kernel, egg_steps_memory *mem, uint32_t n,
                        const int8_t *f, uint32_t m, uint32_t rank, uint32_t col, uint32_t columns, int32_t *sum) {
    uint32_t pairs = gen->es.pairs, words = (pairs + 31u) / 32u;
    egg_key key_a = egg_rng_key(gen->seed, gen->generation, 0, m, EGG_STREAM_A, rank);
    egg_key key_b = egg_rng_key(gen->seed, gen->generation, 0, m, EGG_STREAM_B, rank);
    for (uint32_t word = 0; word < words; word++) {
        for (uint32_t j = 0; j < columns; j++) mem->a[j] = egg_rng_signs(key_a, col + j, word);
        kernel->fill(mem, f + 32u * word, pairs - 32u * word);
        kernel->add_word(mem, n, key_b, word);
        if (word % WORDS == WORDS - 1u || word + 1u == words)
            kernel->widen(mem, n, columns, sum + col, egg_net_cols(&gen->net->config, m));
    }
}

void egg_steps_batch(const egg_gen *gen, const egg_ws *ws, const int8_t *f, const uint8_t *active, uint32_t m,
                     uint32_t row0, uint32_t row1, int32_t *sum, void *memory) {
    uint32_t cols = egg_net_cols(&gen->net->config, m);
    const steps_kernel *kernel = kernel_of(ws);
    egg_steps_memory *mem = (egg_steps_memory *)memory;
    egg_zero(mem->sum, sizeof mem->sum);
    for (uint32_t i = row0; i < row1;) {
        uint32_t n = 0;
        for (; i < row1 && n < ROWS; i++)
            if (m > 0 || (((uint32_t)active[i >> 3] >> (i & 7u)) & 1u)) mem->row[n++] = i;
        for (uint32_t col = 0; col < cols; col += COLUMNS)
            for (uint32_t r = 0; r < gen->es.rank; r++)
                add_columns(gen, kernel, mem, n, f, m, r, col, cols - col < COLUMNS ? cols - col : COLUMNS, sum);
        kernel->rate(mem, n, egg_es_rate(gen, m), sum, cols);
    }
}
