/* Vectors of 16-bit lanes, and the operations that the plain operators of GNU C vectors lack, or express with too many
 * instructions. The texts that egg_simd_variants_impl.h compiles include this first. */

#undef V16
#undef V32
#undef U32
#undef LANES
#undef INLINE
#undef MASK
#undef SIGNS
#undef GT
#undef GT_UNSIGNED
#undef SUB_IF
#undef SELECT
#undef DOT2
#undef DOT4
#undef EVEN
#undef ODD
#undef EVEN_UNSIGNED
#undef ODD_UNSIGNED
#undef PICK
#undef AVERAGE

typedef int16_t K(v16) __attribute__((vector_size(LANE_BYTES), aligned(2), may_alias));
typedef uint16_t K(u16) __attribute__((vector_size(LANE_BYTES), aligned(2), may_alias));
typedef int32_t K(v32) __attribute__((vector_size(LANE_BYTES), aligned(4), may_alias));
typedef uint32_t K(u32) __attribute__((vector_size(LANE_BYTES), aligned(4), may_alias));
#define V16 K(v16)
#define V32 K(v32)
#define U32 K(u32)
#define LANES (LANE_BYTES / 2u)
#define INLINE TARGET static inline EGG_INLINE

/* A mask of lanes. SIGNS(bits) makes one from the low LANES bits of a word.
 * DOT2: sum + x . w for each pair of lanes of x and the two int16_t in w. DOT4: the same for four unsigned bytes
 * (0..32) of x and the four signed bytes of w. SELECT(m, x, y): x in the lanes of m, y in the others. */
#if LANE_BYTES == 64
#define MASK __mmask32
#define SIGNS(bits) ((__mmask32)(bits))
#define GT(x, y) _mm512_cmpgt_epi16_mask((__m512i)(x), (__m512i)(y))
#define GT_UNSIGNED(x, y) _mm512_cmpgt_epu16_mask((__m512i)(x), (__m512i)(y))
#define SUB_IF(m, x, y) ((V16)_mm512_mask_sub_epi16((__m512i)(x), m, (__m512i)(x), (__m512i)(y)))
#define SELECT(m, x, y) ((V16)_mm512_mask_blend_epi16(m, (__m512i)(y), (__m512i)(x)))
#define DOT2(sum, x, w) ((V32)_mm512_dpwssd_epi32((__m512i)(sum), (__m512i)(x), _mm512_set1_epi32(w)))
#define DOT4(sum, x, w) ((V32)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(x), _mm512_set1_epi32(w)))
#else
#define MASK V16
#define SIGNS(bits) K(signs)(bits)
#define GT(x, y) ((x) > (y))
#define GT_UNSIGNED(x, y) (((x) ^ INT16_MIN) > ((y) ^ INT16_MIN))
#define SUB_IF(m, x, y) ((x) - ((m) & (y)))
#define SELECT(m, x, y) (((x) & (m)) | ((y) & ~(m)))
#if LANE_BYTES == 32
#define DOT2(sum, x, w) ((sum) + (V32)_mm256_madd_epi16((__m256i)(x), _mm256_set1_epi32(w)))
#elif defined(__SSE2__)
#define DOT2(sum, x, w) ((sum) + (V32)_mm_madd_epi16((__m128i)(x), _mm_set1_epi32(w)))
#else
#define DOT2(sum, x, w) ((sum) + EVEN(x) * (int32_t)(int16_t)(w) + ODD(x) * ((w) >> 16))
#endif
#if LANE_BYTES == 32 /* bytes 0..32 times -127..127: the 16-bit sums do not saturate */
#define DOT4(sum, x, w) \
    ((sum) + (V32)_mm256_madd_epi16(_mm256_maddubs_epi16((__m256i)(x), _mm256_set1_epi32(w)), _mm256_set1_epi16(1)))
#else
#define DOT4(sum, x, w) K(dot4)(sum, x, w)
#endif

INLINE MASK K(signs)(uint32_t bits) {
    V16 bit;
    for (uint32_t i = 0; i < LANES; i++) bit[i] = (int16_t)(uint16_t)(1u << i);
    return (((V16){0} + (int16_t)(uint16_t)bits) & bit) == bit;
}
#endif

#if LANE_BYTES == 16
INLINE V32 K(dot4)(V32 sum, V32 x, int32_t w) {
    V32 all = (V32){0} + w;
    V16 even = (V16)(x & 0x00FF00FF) * (V16)((V16)(all << 8) >> 8),
        odd = (V16)((x >> 8) & 0x00FF00FF) * ((V16)all >> 8);
    even += odd;
    return sum + ((V32)even >> 16) + (((V32)even << 16) >> 16);
}
#endif

/* (x + y + 1) >> 1 of unsigned lanes. K(average) says whether this machine has an instruction for it. */
#if LANE_BYTES == 64
#define AVERAGE(x, y) ((V16)_mm512_avg_epu16((__m512i)(x), (__m512i)(y)))
#elif LANE_BYTES == 32
#define AVERAGE(x, y) ((V16)_mm256_avg_epu16((__m256i)(x), (__m256i)(y)))
#elif defined(__SSE2__)
#define AVERAGE(x, y) ((V16)_mm_avg_epu16((__m128i)(x), (__m128i)(y)))
#elif defined(__ARM_NEON)
#define AVERAGE(x, y) ((V16)vrhaddq_u16((uint16x8_t)(x), (uint16x8_t)(y)))
#endif
#ifdef AVERAGE
enum { K(average) = 1 };
#else
enum { K(average) = 0 };
#define AVERAGE(x, y) (x) /* not used then */
#endif

#define EVEN(x) ((V32)(((V32)(x) << 16) >> 16)) /* lanes 0, 2, 4, ... as 32-bit lanes; ODD: lanes 1, 3, 5, ... */
#define ODD(x) ((V32)((V32)(x) >> 16))
#define EVEN_UNSIGNED(x) ((V32)((U32)(x) & 0xFFFFu))
#define ODD_UNSIGNED(x) ((V32)((U32)(x) >> 16))
#define PICK(m, x, y) (((x) & (V32)(m)) | ((y) & ~(V32)(m)))
