#include "base/egg_rng.h"

static void absorb(egg_key *key, uint32_t word) {
    key->k0 = egg_rng_mix(key->k0 + word);
    key->k1 = egg_rng_mix(key->k1 ^ key->k0);
}

egg_key egg_rng_key(uint32_t seed, uint32_t generation, uint32_t position, uint32_t matrix, uint32_t noise,
                    uint32_t rank) {
    egg_key key = {0x243F6A88u, 0x85A308D3u}; /* first hexadecimal digits of pi */
    absorb(&key, seed);
    absorb(&key, generation);
    absorb(&key, position);
    absorb(&key, (matrix << 16) | (noise << 8) | rank);
    return key;
}
