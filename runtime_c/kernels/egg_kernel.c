#include "kernels/egg_kernel_private.h"

#include "base/egg_math_private.h"
#include "base/egg_stream.h"
#include "kernels/egg_bit_counter_private.h"

#if EGG_ROW_ALIGN > 1 && (EGG_ROW_ALIGN % 32 != 0 || EGG_SIGN_WORDS % 16 != 0)
#error "EGG_ROW_ALIGN must be a multiple of 32 and EGG_SIGN_WORDS of 16, so that the widest vector fits"
#endif

#define EGG_IMPL "kernels/egg_kernel_impl.h"
#define EGG_IMPL_PORTABLE
#include "kernels/egg_simd_variants_impl.h"

#if EGG_ROW_ALIGN == 1 && EGG_SIGN_WORDS == 1
#include "kernels/egg_kernel_packed_impl.h"
#define EGG_BEST kernels_packed
#else
#define EGG_BEST kernels_portable
#endif

void egg_respond_portable(const egg_response_run *run, uint32_t s, bool together, int16_t *response) {
    respond_portable(run, s, together, response);
}

uint32_t egg_kernel_levels(void) {
    return EGG_VECTORS ? 4 : 2;
}

const egg_kernels *egg_kernel_level(uint32_t level) {
    if (level == 0) return &kernels_portable;
#if !EGG_VECTORS
    if (level == 1) return &EGG_BEST;
#else
    if (level == 1) return &kernels_v16;
#if defined(__x86_64__)
    if (level == 2 && __builtin_cpu_supports("avx2")) return &kernels_avx2;
    if (level == 3 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        return &kernels_avx512;
#endif
#endif
    return NULL;
}

uint32_t egg_kernel_level_of(const egg_kernels *kernels) {
    uint32_t level = egg_kernel_levels() - 1u;
    while (level > 0 && egg_kernel_level(level) != kernels) level--;
    return level;
}

const egg_kernels *egg_kernel(void) {
    if (!EGG_VECTORS) return &EGG_BEST; /* names no level, so that the linker leaves the others out */
    for (uint32_t level = egg_kernel_levels() - 1u; level > 0; level--)
        if (egg_kernel_level(level) != NULL) return egg_kernel_level(level);
    return &EGG_BEST;
}
