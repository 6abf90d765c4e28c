/* Nordic nRF52840 DK: Cortex-M4, 256 KB RAM, 1 MB flash. The serial port is the USB cable of the on-board debugger.
 * Buttons 1 to 4 give labels 0 to 3. */
#include "board.h"

#include "chips/nrf5.h"

const char board_name[] = "nrf52840-dk";

#define TX 6u
#define RX 8u
#define LED 13u /* on when the pin is low */
static const uint8_t buttons[] = {11, 12, 24, 25};

void board_init(void) {
    nrf5_init(TX, RX);
    nrf5_output(LED, true);
    for (uint32_t i = 0; i < sizeof buttons; i++) nrf5_input(buttons[i], NRF5_PULL_UP);
}

void board_led_write(bool on) {
    nrf5_output(LED, !on);
}

int board_label_read(void) {
    for (int i = 0; i < (int)sizeof buttons; i++)
        if (nrf5_is_low(buttons[i])) return i;
    return -1;
}
