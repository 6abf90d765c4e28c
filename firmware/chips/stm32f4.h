/* Driver of the STM32F405 and STM32F446: clock, one USART, TIM2 and flash sectors of 128 KB.
 *
 * It implements board_interrupt(), board_uart_write(), board_uart_set_baud(), board_clock(), board_clock_hz, board_nvm,
 * board_nvm_erase() and board_nvm_write(); nvm_mapped.c has board_nvm_read(). The board adds board_name, board_init(),
 * board_led_write() and board_label_read(). memory.ld defines nvm_start and nvm_bytes; the region is made of whole
 * sectors. */
#ifndef STM32F4_H
#define STM32F4_H

#include <stdbool.h>
#include <stdint.h>

/* The USART that the board uses. */
typedef struct {
    uint32_t usart;          /* base address */
    uint32_t irq;            /* number of its interrupt */
    uint32_t apb;            /* 1 or 2: the bus it is on */
    uint32_t enable_bit;     /* bit of RCC_APB1ENR or RCC_APB2ENR that gives it a clock */
    uint32_t tx_pin, rx_pin; /* pins of port A, with alternate function 7 */
} stm32f4_serial;

/* Starts the core at 168 MHz, the 1 MHz clock, and the USART at 115200 baud. The PLL runs from the internal oscillator,
 * because boards differ in their crystals. If the PLL does not start, the core stays at 16 MHz. Call it first in
 * board_init(). */
void stm32f4_init(const stm32f4_serial *serial);

/* Makes a pin an output, and sets it high or low. Ports are numbers: 0 is A, 1 is B, and so on. */
void stm32f4_output(uint32_t port, uint32_t pin, bool high);

/* Makes a pin an input without a pull resistor. */
void stm32f4_input(uint32_t port, uint32_t pin);

/* Returns whether an input is high. */
bool stm32f4_is_high(uint32_t port, uint32_t pin);

#endif
