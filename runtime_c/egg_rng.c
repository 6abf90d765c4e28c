#include "egg_rng.h"

static void absorb(egg_key *k, uint32_t word) {
    k->k0 = egg_rng_mix(k->k0 + word);
    k->k1 = egg_rng_mix(k->k1 ^ k->k0);
}

egg_key egg_rng_key(uint32_t seed, uint32_t generation, uint32_t sample, uint32_t matrix, uint32_t stream,
                    uint32_t rank) {
    egg_key k = {0x243F6A88u, 0x85A308D3u}; /* first digits of pi */
    absorb(&k, seed);
    absorb(&k, generation);
    absorb(&k, sample);
    absorb(&k, (matrix << 16) | (stream << 8) | rank);
    return k;
}
