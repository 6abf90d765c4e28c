/* Compiles the text EGG_BODY once for each vector width that this build knows; none without GNU C vectors. The text
 * gets K(name) for the variant's names, TARGET for its functions, and LANE_BYTES of a vector. No include guard: a file
 * that has several texts would include this several times. */
#if defined(__GNUC__) && EGG_PAD > 1
#define EGG_INLINE __attribute__((always_inline))
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define K(name) name##_v16
#define TARGET
#define LANE_BYTES 16
#include EGG_BODY
#undef K
#undef TARGET
#undef LANE_BYTES

#if defined(__x86_64__)
#define K(name) name##_avx2
#define TARGET __attribute__((target("avx2")))
#define LANE_BYTES 32
#include EGG_BODY
#undef K
#undef TARGET
#undef LANE_BYTES

#define K(name) name##_avx512
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define LANE_BYTES 64
#include EGG_BODY
#endif
#endif
