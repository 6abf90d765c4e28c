/* Writes text, decimal numbers and hexadecimal numbers to the board's UART. */
#include "common/console.h"

#include "board.h"

void console_write(const char *text) {
    while (*text) board_uart_write((uint8_t)*text++);
}

void console_write_number(uint32_t x) {
    char digits[11]; /* 2^32 has ten digits */
    char *d = &digits[10];
    *d = 0;
    do *--d = (char)('0' + x % 10u);
    while ((x /= 10u) != 0);
    console_write(d);
}

void console_write_hex(uint32_t x) {
    for (int shift = 28; shift >= 0; shift -= 4) board_uart_write((uint8_t)"0123456789abcdef"[(x >> shift) & 15u]);
}
