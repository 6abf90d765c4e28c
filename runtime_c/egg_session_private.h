/* Shared by the files of the session, not by its users. */
#ifndef EGG_SESSION_PRIVATE_H
#define EGG_SESSION_PRIVATE_H

#include "egg_fx.h"
#include "egg_session.h"

/* Executes a command with a payload of n bytes. The reply's body goes to *out, which then points behind it; there is
 * room for EGG_PAYLOAD_MAX - 1 bytes. */
egg_status egg_session_command(egg_session *s, uint32_t type, const uint8_t *payload, size_t n, uint8_t **out);

/* The net's digest, 0 without a net. */
uint32_t egg_session_digest(const egg_session *s);

#endif
