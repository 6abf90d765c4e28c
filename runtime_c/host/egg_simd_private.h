/* Private to the loops in host/: chooses the variant of a text that runs. */
#ifndef EGG_SIMD_PRIVATE_H
#define EGG_SIMD_PRIVATE_H

#include "kernels/egg_kernel_private.h"

/* For a text that was compiled with EGG_IMPL_VNNI: the level of the variant that runs beside these kernels. It is the
 * kernels' level, or one less on processors with AVX-512 but without VNNI. */
static inline uint32_t egg_simd_vnni_level(const egg_kernels *kernels) {
    uint32_t level = egg_kernel_level_of(kernels);
#if defined(__GNUC__) && defined(__x86_64__)
    if (level == 3 && !__builtin_cpu_supports("avx512vnni")) level = 2;
#endif
    return level;
}

#endif
