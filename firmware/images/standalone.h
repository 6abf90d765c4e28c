/* What the device does between the host's messages. main.c calls these two functions; an image links one
 * implementation:
 *
 *   standalone_none.c   image `egg`: nothing, the host decides everything
 *   standalone.c        image `standalone`: trains by itself on recordings that are linked into the image
 *   files of a user     image `app`: for example, learns from a sensor
 *
 * The device serves the link between two calls. A host can ask for an inference or for the state of the training at any
 * time, and gets the answer of the weights at that moment. */
#ifndef STANDALONE_H
#define STANDALONE_H

#include <stdbool.h>

#include "link/egg_session.h"

/* Called once, after egg_session_init(). Loads or configures a network; may leave the session unconfigured, and then
 * the host configures it. */
void standalone_begin(egg_session *s);

/* Called whenever the link has nothing to do. Does one piece of work, such as one recording: the link waits until it
 * returns. Returns true to be called again at once, and false if the device may sleep until the host sends something.
 */
bool standalone_step(egg_session *s);

#endif
