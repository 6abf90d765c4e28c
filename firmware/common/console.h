/* Text on the serial port: for images that report to a person. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

/* Each function returns when the UART has accepted all characters. console_write() writes a NUL-terminated string. */
void console_write(const char *text);
void console_write_number(uint32_t x); /* in decimal, without leading zeros */
void console_write_hex(uint32_t x);    /* eight hexadecimal digits, in lower case */

#endif
