#include "say.h"

#include "board.h"

void say(const char *text) {
    while (*text) board_send((uint8_t)*text++);
}

void say_number(uint32_t x) {
    char digits[11];
    char *d = &digits[10];
    *d = 0;
    do *--d = (char)('0' + x % 10u);
    while ((x /= 10u) != 0);
    say(d);
}

void say_hex(uint32_t x) {
    for (int shift = 28; shift >= 0; shift -= 4) board_send((uint8_t)"0123456789abcdef"[(x >> shift) & 15u]);
}
