/* Compiles one text, the header EGG_IMPL, once for each width of vectors that this build supports. On builds without
 * vectors it compiles nothing. A file may include this header several times, for several texts.
 *
 * The text gets
 *   K(name)      the name of the variant's function or type `name`: name_v16, name_avx2, name_avx512
 *   TARGET       attribute of functions that lets the compiler use the variant's instructions
 *   LANE_BYTES   bytes of a vector: 16, 32, 64
 *   EGG_INLINE   attribute of functions that must be inlined
 * Before the include a file may define EGG_IMPL_PORTABLE: then the text is compiled for scalars first, on every build,
 * as name_portable with LANE_BYTES 0; and EGG_IMPL_VNNI: then avx512 may use the VNNI instructions. These definitions
 * are gone behind the include. */

#undef EGG_VECTORS
#if defined(__GNUC__) && EGG_ROW_ALIGN > 1
#define EGG_VECTORS 1
#define EGG_INLINE __attribute__((always_inline))
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif
#else
#define EGG_VECTORS 0
#define EGG_INLINE
#endif

/* A list of pointers to the constant `name` of each variant, by level (egg_kernel_level()); level 0 is `portable`. */
#undef EGG_VARIANTS
#if EGG_VECTORS && defined(__x86_64__)
#define EGG_VARIANTS(portable, name) {portable, &name##_v16, &name##_avx2, &name##_avx512}
#elif EGG_VECTORS
#define EGG_VARIANTS(portable, name) {portable, &name##_v16}
#else
#define EGG_VARIANTS(portable, name) {portable}
#endif

#ifdef EGG_IMPL_PORTABLE
#define K(name) name##_portable
#define TARGET
#define LANE_BYTES 0
#include EGG_IMPL
#undef K
#undef TARGET
#undef LANE_BYTES
#endif

#if EGG_VECTORS
#define K(name) name##_v16
#define TARGET
#define LANE_BYTES 16
#include EGG_IMPL
#undef K
#undef TARGET
#undef LANE_BYTES

#if defined(__x86_64__)
#define K(name) name##_avx2
#define TARGET __attribute__((target("avx2")))
#define LANE_BYTES 32
#include EGG_IMPL
#undef K
#undef TARGET
#undef LANE_BYTES

#define K(name) name##_avx512
#ifdef EGG_IMPL_VNNI
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#else
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#endif
#define LANE_BYTES 64
#include EGG_IMPL
#undef K
#undef TARGET
#undef LANE_BYTES
#endif
#endif

#undef EGG_IMPL
#undef EGG_IMPL_PORTABLE
#undef EGG_IMPL_VNNI
#undef EGG_INLINE
