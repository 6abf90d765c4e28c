/* Computes the matrix product G = sum over pairs p of f_p a_p b_p^T, with signs a and b and fitness bytes f. For four
 * pairs at a time, the signs of a row of b pick a row from a table of the possible sums. So 32 pairs cost each weight
 * eight additions of 16 bits. */
#include "host/egg_batch_update.h"

#include "estimators/egg_estimator_private.h"
#include "kernels/egg_kernel_private.h"

#define COLUMNS 64u /* of a table: the tables of 32 pairs take 16 KiB and stay in the L1 cache */
#define ROWS 1024u  /* whose sums are kept at once */
#define WORDS 8u    /* sign words that are summed in 16 bits: 256 pairs * 127 < 32768 */

typedef struct {
    int16_t table[8][16][COLUMNS];
    int16_t sum[ROWS][COLUMNS];
    uint32_t a[COLUMNS]; /* signs of 32 pairs, column by column */
    uint32_t b[ROWS];    /* and row by row */
    uint32_t row[ROWS];  /* numbers of the rows */
} update_memory;

typedef struct {
    void (*fill)(update_memory *mem, const int8_t *f, uint32_t pairs);
    void (*add_word)(update_memory *mem, uint32_t n, egg_key key, uint32_t word);
    void (*widen)(update_memory *mem, uint32_t n, uint32_t columns, int32_t *sum, uint32_t cols);
    void (*rate)(const update_memory *mem, uint32_t n, egg_learning_rate rate, int32_t *sum, uint32_t cols);
} update_kernel;

#define EGG_IMPL "host/egg_batch_update_impl.h"
#define EGG_IMPL_PORTABLE
#include "kernels/egg_simd_variants_impl.h"

static const update_kernel *kernel_of(const egg_workspace *ws) {
    static const update_kernel *const variants[] = EGG_VARIANTS(&update_portable, update);
    return variants[EGG_VECTORS ? egg_kernel_level_of(ws->kernels) : 0];
}

size_t egg_batch_update_bytes(void) {
    return sizeof(update_memory);
}

/* sum += f A B^T of one rank, for the n rows in mem and columns [col, col + columns). */
static void add_columns(const egg_generation *gen, const update_kernel *kernel, update_memory *mem, uint32_t n,
                        const int8_t *fitness_bytes, uint32_t m, uint32_t rank, uint32_t col, uint32_t columns,
                        int32_t *sum) {
    uint32_t pairs = gen->es.pairs, words = egg_pair_words(&gen->es);
    egg_key key_a = egg_rng_key(gen->seed, gen->generation, 0, m, EGG_NOISE_A, rank);
    egg_key key_b = egg_rng_key(gen->seed, gen->generation, 0, m, EGG_NOISE_B, rank);
    for (uint32_t word = 0; word < words; word++) {
        for (uint32_t j = 0; j < columns; j++) mem->a[j] = egg_rng_signs(key_a, col + j, word);
        kernel->fill(mem, fitness_bytes + 32u * word, pairs - 32u * word);
        kernel->add_word(mem, n, key_b, word);
        if (word % WORDS == WORDS - 1u || word + 1u == words)
            kernel->widen(mem, n, columns, sum + col, egg_net_cols(&gen->net->config, m));
    }
}

void egg_batch_update_steps(const egg_generation *gen, const egg_workspace *ws, const int8_t *fitness_bytes,
                            const uint8_t *active, uint32_t m, uint32_t row0, uint32_t row1, int32_t *sum,
                            void *memory) {
    uint32_t cols = egg_net_cols(&gen->net->config, m);
    const update_kernel *kernel = kernel_of(ws);
    update_memory *mem = (update_memory *)memory;
    egg_zero(mem->sum, sizeof mem->sum);
    for (uint32_t i = row0; i < row1;) {
        uint32_t n = 0;
        for (; i < row1 && n < ROWS; i++)
            if (egg_row_is_active(&gen->net->config, active, m, i)) mem->row[n++] = i;
        for (uint32_t col = 0; col < cols; col += COLUMNS)
            for (uint32_t r = 0; r < gen->es.rank; r++)
                add_columns(gen, kernel, mem, n, fitness_bytes, m, r, col, cols - col < COLUMNS ? cols - col : COLUMNS,
                            sum);
        kernel->rate(mem, n, egg_learning_rate_of(gen, m), sum, cols);
    }
}
