/* BBC micro:bit v1: nRF51822, Cortex-M0, 16 KB RAM, 256 KB flash. The serial port is the USB cable. Button A gives
 * label 0, button B label 1. */
#include "board.h"

#include "chips/nrf5.h"

const char board_name[] = "microbit";

#define TX 24u
#define RX 25u
#define LED_ROW 13u /* an LED in a corner of the matrix: on while its row is high and its column low */
#define LED_COLUMN 4u
#define BUTTON_A 17u
#define BUTTON_B 26u

void board_init(void) {
    nrf5_init(TX, RX);
    nrf5_output(LED_COLUMN, false);
    nrf5_input(BUTTON_A, NRF5_PULL_UP); /* the board has pull-up resistors, but the emulator has none */
    nrf5_input(BUTTON_B, NRF5_PULL_UP);
}

void board_led_write(bool on) {
    nrf5_output(LED_ROW, on);
}

int board_label_read(void) {
    return nrf5_is_low(BUTTON_A) ? 0 : nrf5_is_low(BUTTON_B) ? 1 : -1;
}
