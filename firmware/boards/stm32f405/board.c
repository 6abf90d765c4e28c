/* STM32F405 boards (Feather STM32F405, Olimex H405, Netduino Plus 2): Cortex-M4, 128 + 64 KB RAM, 1 MB flash.
 * Serial: USART1, PA9 out, PA10 in. The LED is the one at PC1 (Feather) or PC12 (H405): both are driven. */
#include "board.h"

#include "stm32f4.h"

const char board_name[] = "stm32f405";

static const stm32f4_serial serial = {0x40011000u, 37, 2, 4, 9, 10};

void board_init(void) {
    stm32f4_init(&serial);
    board_led(false);
}

void board_led(bool on) {
    stm32f4_output(2, 1, on);
    stm32f4_output(2, 12, !on); /* on when low */
}

int board_label(void) {
    return -1;
}
