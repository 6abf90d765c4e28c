/* Nordic nRF51 and nRF52: clock, UART0, TIMER0, NVMC. Implements of board.h: board_send, board_interrupt, board_ticks,
 * board_nv. memory.ld gives nv_start, nv_bytes, nv_erase. */
#ifndef NRF5_H
#define NRF5_H

#include <stdbool.h>
#include <stdint.h>

#define NRF5_PULL_UP 3u

/* Crystal, 1 MHz ticks, UART at 115200 baud on these pins of port 0. */
void nrf5_init(uint32_t tx_pin, uint32_t rx_pin);

void nrf5_output(uint32_t pin, bool high);
void nrf5_input(uint32_t pin, uint32_t pull);
bool nrf5_is_low(uint32_t pin);

#endif
