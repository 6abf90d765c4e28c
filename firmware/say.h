/* Lines of text on the serial port. */
#ifndef SAY_H
#define SAY_H

#include <stdint.h>

void say(const char *text);
void say_number(uint32_t x); /* decimal */
void say_hex(uint32_t x);    /* eight digits */

#endif
