#include "host/egg_digest.h"

#include "base/egg_bytes.h"

/* CRC-32 is the remainder of the message, taken as a polynomial over GF(2), divided by a polynomial P. Where the
 * processor can multiply such polynomials, this code multiplies the first 64 bytes by x^512 mod P and adds them to the
 * next 64 bytes, which leaves the remainder as it is. So the message shrinks to its last bytes. Method: V. Gopal et
 * al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009. The constants are
 * x^(512+32), x^(512-32), x^(128+32) and x^(128-32) mod P, bit-reversed. */
#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("pclmul,sse2"))) static __m128i fold(__m128i x, __m128i by, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(x, by, 0x00), high = _mm_clmulepi64_si128(x, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

__attribute__((target("pclmul,sse2"))) static uint32_t crc_folded(const uint8_t *p, size_t bytes) {
    const __m128i by64 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4), by16 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    const __m128i *v = (const __m128i *)(const void *)p;
    __m128i x[4];
    for (uint32_t i = 0; i < 4; i++) x[i] = _mm_loadu_si128(v + i);
    x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128(-1)); /* the CRC starts with all bits set */
    size_t at = 64;
    for (; at + 64 <= bytes; at += 64)
        for (uint32_t i = 0; i < 4; i++)
            x[i] = fold(x[i], by64, _mm_loadu_si128((const __m128i *)(const void *)(p + at) + i));
    for (uint32_t i = 1; i < 4; i++) x[i] = fold(x[i - 1u], by16, x[i]);
    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)(void *)rest, x[3]);
    uint32_t crc = ~egg_crc32(0xFFFFFFFFu, rest, 16); /* starting from 0 */
    return egg_crc32(~crc, p + at, bytes - at);
}
#endif

uint32_t egg_digest_fast(const egg_net *net) {
#if defined(__GNUC__) && defined(__x86_64__)
    size_t bytes = egg_net_bytes(&net->config);
    if (bytes >= 64 && __builtin_cpu_supports("pclmul")) return crc_folded((const uint8_t *)net->weights[0], bytes);
#endif
    return egg_net_digest(net);
}
