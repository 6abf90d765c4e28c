/* ST Nucleo-F446RE: Cortex-M4, 128 KB RAM, 512 KB flash. The serial port is USART2, through the USB cable of the
 * on-board ST-LINK. The blue button gives label 1. */
#include "board.h"

#include "chips/stm32f4.h"

const char board_name[] = "nucleo-f446re";

static const stm32f4_serial serial = {0x40004400u, 38, 1, 17, 2, 3}; /* USART2, out PA2, in PA3 */

void board_init(void) {
    stm32f4_init(&serial);
    board_led_write(false);
    stm32f4_input(2, 13); /* the blue button at PC13, low when pressed */
}

void board_led_write(bool on) {
    stm32f4_output(0, 5, on); /* the green LED at PA5 */
}

int board_label_read(void) {
    return stm32f4_is_high(2, 13) ? -1 : 1;
}
