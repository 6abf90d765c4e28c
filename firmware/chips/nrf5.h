/* Driver of the Nordic nRF51 and nRF52: clock, UART0, TIMER0 and flash.
 *
 * It implements board_interrupt(), board_uart_write(), board_uart_set_baud(), board_clock(), board_clock_hz, board_nvm,
 * board_nvm_erase() and board_nvm_write(); nvm_mapped.c has board_nvm_read(). The board adds board_name, board_init(),
 * board_led_write() and board_label_read(). memory.ld defines nvm_start, nvm_bytes and nvm_erase_bytes, the size of a
 * flash page. Pins are numbers of port 0, from 0 to 31. */
#ifndef NRF5_H
#define NRF5_H

#include <stdbool.h>
#include <stdint.h>

/* For nrf5_input(). */
#define NRF5_PULL_UP 3u

/* Starts the crystal, the 1 MHz clock, and the UART at 115200 baud on these two pins. Call it first in board_init(). */
void nrf5_init(uint32_t tx_pin, uint32_t rx_pin);

/* Makes a pin an output, and sets it high or low. */
void nrf5_output(uint32_t pin, bool high);

/* Makes a pin an input, with a pull resistor (NRF5_PULL_UP) or without (0). */
void nrf5_input(uint32_t pin, uint32_t pull);

/* Returns whether an input is low. */
bool nrf5_is_low(uint32_t pin);

#endif
