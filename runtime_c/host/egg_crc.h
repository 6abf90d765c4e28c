/* Host only: the digest of a net's weights, computed in each generation, at the speed of memory. */
#ifndef EGG_CRC_H
#define EGG_CRC_H

#include "../egg_net.h"

/* The same as egg_net_digest(). */
uint32_t egg_crc_digest(const egg_net *net);

#endif
