/* A start for a new board: copy this folder to boards/<name>/ and fill in the functions; board.h says what each of them
 * has to do. It compiles as it stands, and does nothing. */
#include "board.h"

#include "common/cpu.h"
#include "common/ring.h"

const char board_name[] = "template";
const uint32_t board_clock_hz = 1000000;

void board_init(void) {
    /* Start clocks, timer, pins and the UART at 115200 baud. Wait for hardware with cpu_await(), which gives up in
     * time. Last, enable the receive interrupt of the UART; on a Cortex-M also call cpu_enable_irq(number). */
}

void board_interrupt(void) {
    /* While the UART has a byte, call ring_put(byte). Then clear the interrupt. */
}

void board_uart_write(uint8_t byte) {
    (void)byte; /* Wait until the UART has room, then give it the byte. */
}

bool board_uart_set_baud(uint32_t baud, bool apply) {
    (void)baud, (void)apply; /* cpu_divider() computes the divider. If the baud rate is fixed, this is all. */
    return false;
}

uint32_t board_clock(void) {
    return 0; /* Return the counter of the timer. */
}

void board_led_write(bool on) {
    (void)on;
}

int board_label_read(void) {
    return -1; /* Return the label of the button that is pressed. */
}
