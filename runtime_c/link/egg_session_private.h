/* Private to the session. */
#ifndef EGG_SESSION_PRIVATE_H
#define EGG_SESSION_PRIVATE_H

#include "base/egg_bytes.h"
#include "base/egg_math_private.h"
#include "link/egg_session.h"

/* Whether this build has an estimator. A build for a small flash leaves out what EGG_SESSION_ESTIMATORS does not name:
 * the compiler sees that nothing calls it. */
static inline bool egg_session_has(uint32_t estimator) {
    return (EGG_SESSION_ESTIMATORS >> estimator & 1u) != 0;
}

/* Whether it is the one that the session trains with. */
static inline bool egg_session_uses(const egg_session *s, uint32_t estimator) {
    return egg_session_has(estimator) && s->gen.es.estimator == estimator;
}

/* Executes a command with a payload of n bytes. Writes the body of the reply to *out, which has room for
 * EGG_PAYLOAD_MAX - 1 bytes, and moves *out behind it. Returns the status of the reply. */
egg_status egg_session_command(egg_session *s, uint32_t type, const uint8_t *payload, size_t n, uint8_t **out);

/* The digest of the net's weights; 0 without a net. */
uint32_t egg_session_digest(const egg_session *s);

#endif
