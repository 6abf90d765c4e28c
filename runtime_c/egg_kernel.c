#include "egg_kernel.h"

#include "egg_fx.h"
#include "egg_stream.h"

/* Vector forms need GNU C vectors and padded workspaces. */
#if defined(__GNUC__) && EGG_PAD > 1
#define EGG_INLINE __attribute__((always_inline))
#define EGG_VECTORS 1
#if EGG_PAD % 32 != 0 || EGG_WORDS % 16 != 0
#error "EGG_PAD must be a multiple of 32 and EGG_WORDS of 16, so that the widest vector fits"
#endif
#else
#define EGG_INLINE
#define EGG_VECTORS 0
#endif

#define K(name) name##_portable
#define TARGET
#define LANE_BYTES 0
#include "egg_kernel_body.h"
#undef K
#undef LANE_BYTES

#if EGG_PAD == 1 && EGG_WORDS == 1
#include "egg_kernel_mcu.h"
#define EGG_BEST kernels_mcu
#else
#define EGG_BEST kernels_portable
#endif

#if EGG_VECTORS
#define K(name) name##_v16
#define LANE_BYTES 16
#include "egg_kernel_body.h"
#undef K
#undef LANE_BYTES
#undef TARGET

#if defined(__x86_64__)
#include <immintrin.h>

#define K(name) name##_avx2
#define TARGET __attribute__((target("avx2")))
#define LANE_BYTES 32
#include "egg_kernel_body.h"
#undef K
#undef TARGET
#undef LANE_BYTES

#define K(name) name##_avx512
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define LANE_BYTES 64
#include "egg_kernel_body.h"
#endif
#endif

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

const egg_kernels *egg_kernel(void) {
    if (!EGG_VECTORS) return &EGG_BEST; /* no level is named, so that the linker leaves the others out */
    for (uint32_t level = egg_kernel_levels() - 1u; level > 0; level--)
        if (egg_kernel_level(level) != NULL) return egg_kernel_level(level);
    return &EGG_BEST;
}
