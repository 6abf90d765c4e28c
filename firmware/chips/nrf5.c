/* Drives the clock, the UART, the timer and the flash controller of the nRF51 and nRF52. The registers have the names
 * of Nordic's product specifications. */
#include "chips/nrf5.h"

#include "board.h"
#include "common/cpu.h"
#include "chips/nvm.h"
#include "common/ring.h"

#define CLOCK 0x40000000u
#define HFCLKSTART (CLOCK + 0x000u)
#define HFCLKSTARTED (CLOCK + 0x100u)

#define UART 0x40002000u
#define UART_STARTRX (UART + 0x000u)
#define UART_STARTTX (UART + 0x008u)
#define UART_RXDRDY (UART + 0x108u)
#define UART_TXDRDY (UART + 0x11Cu)
#define UART_ERROR (UART + 0x124u)
#define UART_INTENSET (UART + 0x304u)
#define UART_ERRORSRC (UART + 0x480u)
#define UART_ENABLE (UART + 0x500u)
#define UART_PSELTXD (UART + 0x50Cu)
#define UART_PSELRXD (UART + 0x514u)
#define UART_RXD (UART + 0x518u)
#define UART_TXD (UART + 0x51Cu)
#define UART_BAUDRATE (UART + 0x524u)
#define UART_IRQ 2u

#define TIMER 0x40008000u
#define TIMER_START (TIMER + 0x000u)
#define TIMER_CAPTURE0 (TIMER + 0x040u)
#define TIMER_MODE (TIMER + 0x504u)
#define TIMER_BITMODE (TIMER + 0x508u)
#define TIMER_PRESCALER (TIMER + 0x510u)
#define TIMER_CC0 (TIMER + 0x540u)

#define NVMC 0x4001E000u
#define NVMC_READY (NVMC + 0x400u)
#define NVMC_CONFIG (NVMC + 0x504u)
#define NVMC_ERASEPAGE (NVMC + 0x508u)

#define GPIO 0x50000000u
#define GPIO_OUTSET (GPIO + 0x508u)
#define GPIO_OUTCLR (GPIO + 0x50Cu)
#define GPIO_IN (GPIO + 0x510u)
#define GPIO_DIRSET (GPIO + 0x518u)
#define GPIO_CNF(pin) (GPIO + 0x700u + 4u * (pin))

extern uint8_t nvm_erase_bytes[]; /* its address is the page size (memory.ld) */
const board_nvm_info board_nvm = {(uint32_t)nvm_bytes, (uint32_t)nvm_erase_bytes, 4};
const uint32_t board_clock_hz = 1000000;

void nrf5_output(uint32_t pin, bool high) {
    REG(high ? GPIO_OUTSET : GPIO_OUTCLR) = 1u << pin;
    REG(GPIO_DIRSET) = 1u << pin;
}

void nrf5_input(uint32_t pin, uint32_t pull) {
    REG(GPIO_CNF(pin)) = pull << 2;
}

bool nrf5_is_low(uint32_t pin) {
    return ((REG(GPIO_IN) >> pin) & 1u) == 0;
}

void nrf5_init(uint32_t tx_pin, uint32_t rx_pin) {
    REG(HFCLKSTART) = 1; /* if the crystal does not start, the chip stays on its RC oscillator */
    cpu_await(HFCLKSTARTED, 1, 1, 100000);

    REG(TIMER_MODE) = 0;
    REG(TIMER_BITMODE) = 3;   /* 32 bits */
    REG(TIMER_PRESCALER) = 4; /* 16 MHz / 2^4 */
    REG(TIMER_START) = 1;

    nrf5_output(tx_pin, true);
    nrf5_input(rx_pin, NRF5_PULL_UP);
    REG(UART_PSELTXD) = tx_pin;
    REG(UART_PSELRXD) = rx_pin;
    board_uart_set_baud(115200, true);
    REG(UART_ENABLE) = 4;
    REG(UART_INTENSET) = 1u << 2; /* RXDRDY */
    REG(UART_STARTTX) = 1;
    REG(UART_STARTRX) = 1;
    cpu_enable_irq(UART_IRQ);
}

void board_interrupt(void) {
    while (REG(UART_RXDRDY)) {
        REG(UART_RXDRDY) = 0;
        ring_put((uint8_t)REG(UART_RXD));
    }
}

void board_uart_write(uint8_t byte) {
    REG(UART_TXDRDY) = 0;
    REG(UART_TXD) = byte;
    while (!REG(UART_TXDRDY)) {
    }
}

/* The value of the register is 2^32 * baud / 16 MHz. Its lower 12 bits are rounded away, as in Nordic's table. */
bool board_uart_set_baud(uint32_t baud, bool apply) {
    if (baud == 0 || baud > 1000000u) return false;
    if (apply) REG(UART_BAUDRATE) = (((baud << 12) / 15625u << 10) + 0x800u) & ~0xFFFu;
    return true;
}

uint32_t board_clock(void) {
    REG(TIMER_CAPTURE0) = 1;
    return REG(TIMER_CC0);
}

/* Switches the flash controller: 0 read, 1 write, 2 erase. */
static bool nvm_mode(uint32_t mode) {
    REG(NVMC_CONFIG) = mode;
    return cpu_await(NVMC_READY, 1, 1, 1000000);
}

bool board_nvm_erase(uint32_t offset) {
    if (!nvm_holds(offset, board_nvm.erase, board_nvm.erase) || !nvm_mode(2)) return false;
    REG(NVMC_ERASEPAGE) = (uint32_t)nvm_start + offset;
    return cpu_await(NVMC_READY, 1, 1, 1000000) && nvm_mode(0) && nvm_is_erased(offset);
}

bool board_nvm_write(uint32_t offset, const void *bytes, size_t n) {
    const uint8_t *from = bytes;
    if (!nvm_holds(offset, n, 4) || !nvm_mode(1)) return false;
    bool good = true;
    for (size_t i = 0; i < n && good; i += 4, from += 4) {
        uint32_t word = nvm_word(from);
        REG(nvm_start + offset + i) = word;
        good = cpu_await(NVMC_READY, 1, 1, 1000000) && REG(nvm_start + offset + i) == word;
    }
    return nvm_mode(0) && good;
}
