/* The device of image `egg` does nothing by itself: it loads the newest checkpoint at the start and then serves the
 * host. */
#include "images/standalone.h"

void standalone_begin(egg_session *s) {
    egg_session_load(s); /* if there is no checkpoint, the session stays unconfigured until the host configures it */
}

bool standalone_step(egg_session *s) {
    (void)s;
    return false;
}
