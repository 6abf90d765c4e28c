/* Boards with an STM32F405 (Feather STM32F405, Olimex H405, Netduino Plus 2): Cortex-M4, 128 + 64 KB RAM, 1 MB flash.
 * The serial port is USART1: out at PA9, in at PA10. The LED is at PC1 (Feather) or PC12 (H405); the firmware drives
 * both pins. There are no buttons for labels. */
#include "board.h"

#include "chips/stm32f4.h"

const char board_name[] = "stm32f405";

static const stm32f4_serial serial = {0x40011000u, 37, 2, 4, 9, 10}; /* USART1, out PA9, in PA10 */

void board_init(void) {
    stm32f4_init(&serial);
    board_led_write(false);
}

void board_led_write(bool on) {
    stm32f4_output(2, 1, on);
    stm32f4_output(2, 12, !on); /* this LED is on when the pin is low */
}

int board_label_read(void) {
    return -1;
}
