/* SiFive HiFive1 Rev B: FE310-G002, RV32IMAC, 16 KB RAM, 4 MB serial flash. The serial port is the USB cable. The board
 * has no buttons for labels, and stores no checkpoints, because the program runs from the flash that they would go to.
 */
#include "board.h"

#include "common/cpu.h"
#include "common/ring.h"

const char board_name[] = "hifive1";

#define PRCI 0x10008000u
#define PRCI_HFROSC (PRCI + 0x0u)
#define PRCI_HFXOSC (PRCI + 0x4u)
#define PRCI_PLL (PRCI + 0x8u)
#define PRCI_PLLOUT (PRCI + 0xCu)
#define OSC_ON (1u << 30)
#define OSC_READY (1u << 31)
#define PLL_SELECT (1u << 16)
#define PLL_CRYSTAL (1u << 17)
#define PLL_BYPASS (1u << 18)
#define PLL_LOCKED (1u << 31)
#define PLL_128_MHZ (1u | 31u << 4 | 2u << 10) /* 16 MHz / 2 * 64 / 4 */

#define GPIO 0x10012000u
#define GPIO_OUTPUT_EN (GPIO + 0x08u)
#define GPIO_OUTPUT (GPIO + 0x0Cu)
#define GPIO_IOF_EN (GPIO + 0x38u)
#define GPIO_IOF_SELECT (GPIO + 0x3Cu)
#define UART_PINS (1u << 16 | 1u << 17)
#define LED_GREEN (1u << 19) /* on when the pin is low */

#define UART 0x10013000u
#define UART_TX (UART + 0x00u)
#define UART_RX (UART + 0x04u)
#define UART_TXCTRL (UART + 0x08u)
#define UART_RXCTRL (UART + 0x0Cu)
#define UART_INTERRUPTS (UART + 0x10u)
#define UART_DIVIDER (UART + 0x18u)
#define UART_FLAG (1u << 31) /* in UART_TX: full; in UART_RX: empty */
#define UART_IRQ 3u

#define PLIC 0x0C000000u
#define PLIC_ENABLE (PLIC + 0x2000u)
#define PLIC_CLAIM (PLIC + 0x200004u)

const uint32_t board_clock_hz = 1000000;

static uint32_t uart_khz;

/* Returns the clock of the core in kHz: 128 MHz from crystal and PLL, 16 MHz from the crystal if the PLL does not lock,
 * or 13.8 MHz from the internal oscillator if the crystal does not start. */
static uint32_t clock_init(void) {
    REG(PRCI_HFROSC) = OSC_ON | 16u << 16 | 4u;
    cpu_await(PRCI_HFROSC, OSC_READY, OSC_READY, 100000);
    REG(PRCI_PLL) &= ~PLL_SELECT; /* the core must not run from the PLL while it changes */
    REG(PRCI_HFXOSC) = OSC_ON;
    if (!cpu_await(PRCI_HFXOSC, OSC_READY, OSC_READY, 1000000)) return 13800;
    REG(PRCI_PLLOUT) = 1u << 8; /* output not divided */
    REG(PRCI_PLL) = PLL_CRYSTAL | PLL_BYPASS | PLL_128_MHZ;
    REG(PRCI_PLL) = PLL_CRYSTAL | PLL_128_MHZ;
    for (volatile uint32_t i = 0; i < 2000; i++) { /* the lock flag is not valid in the first 100 us */
    }
    bool locked = cpu_await(PRCI_PLL, PLL_LOCKED, PLL_LOCKED, 100000);
    REG(PRCI_PLL) = PLL_SELECT | PLL_CRYSTAL | (locked ? PLL_128_MHZ : PLL_BYPASS);
    return locked ? 128000 : 16000;
}

void board_init(void) {
    uart_khz = clock_init();
    REG(GPIO_IOF_SELECT) &= ~UART_PINS;
    REG(GPIO_IOF_EN) |= UART_PINS;
    REG(GPIO_OUTPUT) |= LED_GREEN;
    REG(GPIO_OUTPUT_EN) |= LED_GREEN;
    board_uart_set_baud(115200, true);
    REG(UART_TXCTRL) = 1;
    REG(UART_RXCTRL) = 1; /* receiver on; one byte in the FIFO is enough for an interrupt */
    REG(UART_INTERRUPTS) = 2;
    REG(PLIC + 4u * UART_IRQ) = 1;
    REG(PLIC_ENABLE) = 1u << UART_IRQ;
    REG(PLIC_ENABLE + 4u) = 0;
    REG(PLIC + 0x200000u) = 0; /* priority threshold: none is masked */
}

void board_interrupt(void) {
    uint32_t source = REG(PLIC_CLAIM), word;
    while (!((word = REG(UART_RX)) & UART_FLAG)) ring_put((uint8_t)word);
    REG(PLIC_CLAIM) = source;
}

void board_uart_write(uint8_t byte) {
    while (REG(UART_TX) & UART_FLAG) {
    }
    REG(UART_TX) = byte;
}

bool board_uart_set_baud(uint32_t baud, bool apply) {
    uint32_t divider = cpu_divider(uart_khz * 1000u, baud);
    if (divider == 0 || divider > 65536u) return false;
    if (apply) REG(UART_DIVIDER) = divider - 1u;
    return true;
}

/* The cycle counter divided by 128, which is 1 MHz. If the PLL did not lock, it is slower than board_clock_hz says. The
 * counter has two halves: if the upper one changed between the reads, both are read again. */
uint32_t board_clock(void) {
    uint32_t high, low, again;
    do {
        __asm volatile("csrr %0, mcycleh\n csrr %1, mcycle\n csrr %2, mcycleh" : "=r"(high), "=r"(low), "=r"(again));
    } while (high != again);
    return high << 25 | low >> 7;
}

void board_led_write(bool on) {
    if (on)
        REG(GPIO_OUTPUT) &= ~LED_GREEN;
    else
        REG(GPIO_OUTPUT) |= LED_GREEN;
}

int board_label_read(void) {
    return -1;
}
