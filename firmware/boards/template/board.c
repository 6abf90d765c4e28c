/* A start for a board of your own: copy this folder to boards/<name>/, and fill in the functions (board.h says what
 * each has to do). It compiles as it stands, and does nothing. */
#include "board.h"

#include "cpu.h"
#include "ring.h"

const char board_name[] = "template";
const uint32_t board_ticks_hz = 1000000;

void board_init(void) {
    /* clocks, pins, timer, UART at 115200 baud; then its receive interrupt: cpu_enable_irq(number) on a Cortex-M */
}

void board_interrupt(void) {
    /* while the UART has a byte: ring_put(byte); then clear the interrupt */
}

void board_send(uint8_t byte) {
    (void)byte; /* wait until the UART has room, and hand it the byte */
}

bool board_baud(uint32_t baud, bool set) {
    (void)baud, (void)set;
    return false;
}

uint32_t board_ticks(void) {
    return 0;
}

void board_led(bool on) {
    (void)on;
}

int board_label(void) {
    return -1;
}
