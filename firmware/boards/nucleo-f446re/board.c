/* ST Nucleo-F446RE: Cortex-M4, 128 KB RAM, 512 KB flash. Serial: USART2 through the on-board ST-LINK. */
#include "board.h"

#include "stm32f4.h"

const char board_name[] = "nucleo-f446re";

static const stm32f4_serial serial = {0x40004400u, 38, 1, 17, 2, 3};

void board_init(void) {
    stm32f4_init(&serial);
    board_led(false);
    stm32f4_input(2, 13); /* the blue button, low when pressed */
}

void board_led(bool on) {
    stm32f4_output(0, 5, on);
}

int board_label(void) {
    return stm32f4_is_high(2, 13) ? -1 : 1;
}
