/* Host only: the digest of a net's weights at the speed of memory, since it is computed in each generation. */
#ifndef EGG_DIGEST_H
#define EGG_DIGEST_H

#include "net/egg_net.h"

/* Returns the same as egg_net_digest(). */
uint32_t egg_digest_fast(const egg_net *net);

#endif
