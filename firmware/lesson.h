/* What the board does when nobody talks to it. lesson_none.c: nothing, the host has the say. lesson.c, in images made
 * with LESSON=file: it learns from recordings that are linked into the image, step by step, so that the link is served
 * in between: INFER answers with the weights of the moment. */
#ifndef LESSON_H
#define LESSON_H

#include <stdbool.h>

#include "link/egg_session.h"

/* Once, after egg_session_init(): takes up the newest checkpoint, if there is one. */
void lesson_begin(egg_session *s);

/* One recording; false if there is nothing (more) to do. */
bool lesson_step(egg_session *s);

#endif
