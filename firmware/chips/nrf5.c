#include "nrf5.h"

#include "board.h"
#include "cpu.h"
#include "nv.h"
#include "ring.h"

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

extern uint8_t nv_erase[];
const board_nv_info board_nv = {(uint32_t)nv_bytes, (uint32_t)nv_erase, 4};
const uint32_t board_ticks_hz = 1000000;

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
    REG(HFCLKSTART) = 1; /* if the crystal does not start, the RC oscillator goes on: within a few percent */
    cpu_await(HFCLKSTARTED, 1, 1, 100000);

    REG(TIMER_MODE) = 0;
    REG(TIMER_BITMODE) = 3; /* 32 bits */
    REG(TIMER_PRESCALER) = 4;
    REG(TIMER_START) = 1;

    nrf5_output(tx_pin, true);
    nrf5_input(rx_pin, NRF5_PULL_UP);
    REG(UART_PSELTXD) = tx_pin;
    REG(UART_PSELRXD) = rx_pin;
    board_baud(115200, true);
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

void board_send(uint8_t byte) {
    REG(UART_TXDRDY) = 0;
    REG(UART_TXD) = byte;
    while (!REG(UART_TXDRDY)) {
    }
}

/* The register's value is 2^32 * baud / 16 MHz, rounded to 20 bits as in Nordic's table. */
bool board_baud(uint32_t baud, bool set) {
    if (baud == 0 || baud > 1000000u) return false;
    if (set) REG(UART_BAUDRATE) = (((baud << 12) / 15625u << 10) + 0x800u) & ~0xFFFu;
    return true;
}

uint32_t board_ticks(void) {
    REG(TIMER_CAPTURE0) = 1;
    return REG(TIMER_CC0);
}

static bool nv_mode(uint32_t mode) { /* 0 read, 1 write, 2 erase */
    REG(NVMC_CONFIG) = mode;
    return cpu_await(NVMC_READY, 1, 1, 1000000);
}

bool board_nv_erase(uint32_t offset) {
    if (!nv_holds(offset, board_nv.erase, board_nv.erase) || !nv_mode(2)) return false;
    REG(NVMC_ERASEPAGE) = (uint32_t)nv_start + offset;
    return cpu_await(NVMC_READY, 1, 1, 1000000) && nv_mode(0) && nv_erased(offset);
}

bool board_nv_write(uint32_t offset, const void *bytes, size_t n) {
    const uint8_t *from = bytes;
    if (!nv_holds(offset, n, 4) || !nv_mode(1)) return false;
    bool good = true;
    for (size_t i = 0; i < n && good; i += 4, from += 4) {
        uint32_t word = nv_word(from);
        REG(nv_start + offset + i) = word;
        good = cpu_await(NVMC_READY, 1, 1, 1000000) && REG(nv_start + offset + i) == word;
    }
    return nv_mode(0) && good;
}
