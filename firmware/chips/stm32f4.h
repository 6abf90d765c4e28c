/* STM32F405 and F446: clock, one USART, TIM2, flash sectors of 128 KB. Implements of board.h: board_send,
 * board_interrupt, board_ticks, board_nv. memory.ld gives nv_start and nv_bytes. */
#ifndef STM32F4_H
#define STM32F4_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t usart;          /* base address */
    uint32_t irq;            /* its interrupt */
    uint32_t apb;            /* 1 or 2: the bus it is on */
    uint32_t enable_bit;     /* in RCC_APBxENR */
    uint32_t tx_pin, rx_pin; /* of port A, alternate function 7 */
} stm32f4_serial;

/* 168 MHz from the internal oscillator (no crystal to get wrong), or its bare 16 MHz if the PLL does not answer. */
void stm32f4_init(const stm32f4_serial *serial);

/* port 0 = A, 1 = B, ... */
void stm32f4_output(uint32_t port, uint32_t pin, bool high);
void stm32f4_input(uint32_t port, uint32_t pin);
bool stm32f4_is_high(uint32_t port, uint32_t pin);

#endif
