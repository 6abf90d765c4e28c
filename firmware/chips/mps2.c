/* Driver of the Arm MPS2 board with the FPGA images AN386 (Cortex-M4) and AN500 (Cortex-M7), as QEMU emulates them. It
 * implements all of board.h but board_name; nvm_mapped.c has board_nvm_read(). memory.ld defines nvm_start and
 * nvm_bytes.
 *
 * Checkpoints go to PSRAM, under the rules of NOR flash. QEMU can keep that RAM in a file, so tests can cut the power
 * while a checkpoint is written. */
#include "board.h"
#include "common/cpu.h"
#include "chips/nvm.h"
#include "common/ring.h"

#define UART 0x40004000u
#define UART_DATA (UART + 0x00u)
#define UART_STATE (UART + 0x04u)
#define UART_CTRL (UART + 0x08u)
#define UART_INTCLEAR (UART + 0x0Cu)
#define UART_BAUDDIV (UART + 0x10u)
#define UART_FULL 1u
#define UART_RECEIVED 2u
#define UART_RX_IRQ 0u

#define FPGAIO 0x40028000u
#define FPGAIO_LED (FPGAIO + 0x00u)
#define FPGAIO_BUTTON (FPGAIO + 0x08u)
#define FPGAIO_COUNTER (FPGAIO + 0x18u)
#define FPGAIO_PRESCALE (FPGAIO + 0x1Cu)

#define ERASE 4096u

const board_nvm_info board_nvm = {(uint32_t)nvm_bytes, ERASE, 4};
const uint32_t board_clock_hz = 1000000;

void board_init(void) {
    REG(FPGAIO_PRESCALE) = 25u - 1u; /* 25 MHz / 25 */
    board_uart_set_baud(115200, true);
    REG(UART_CTRL) = 1u | 2u | 8u; /* transmitter, receiver, receive interrupt */
    (void)REG(UART_DATA);          /* QEMU delivers bytes that the host sent before this point only after a read */
    cpu_enable_irq(UART_RX_IRQ);
}

void board_interrupt(void) {
    while (REG(UART_STATE) & UART_RECEIVED) {
        REG(UART_INTCLEAR) = 2;
        ring_put((uint8_t)REG(UART_DATA));
    }
}

void board_uart_write(uint8_t byte) {
    while (REG(UART_STATE) & UART_FULL) {
    }
    REG(UART_DATA) = byte;
}

bool board_uart_set_baud(uint32_t baud, bool apply) {
    uint32_t divider = cpu_divider(25000000, baud);
    if (divider == 0 || divider > 0xFFFFFu) return false;
    if (apply) REG(UART_BAUDDIV) = divider;
    return true;
}

uint32_t board_clock(void) {
    return REG(FPGAIO_COUNTER);
}

bool board_nvm_erase(uint32_t offset) {
    if (!nvm_holds(offset, ERASE, ERASE)) return false;
    for (uint32_t i = 0; i < ERASE; i += 4) REG(nvm_start + offset + i) = 0xFFFFFFFFu;
    return true;
}

bool board_nvm_write(uint32_t offset, const void *bytes, size_t n) {
    const uint8_t *from = bytes;
    if (!nvm_holds(offset, n, 4)) return false;
    for (size_t i = 0; i < n; i += 4, from += 4) {
        uint32_t word = nvm_word(from);
        REG(nvm_start + offset + i) &= word; /* as in flash, a write only clears bits */
        if (REG(nvm_start + offset + i) != word) return false;
    }
    return true;
}

void board_led_write(bool on) {
    REG(FPGAIO_LED) = on;
}

int board_label_read(void) {
    uint32_t buttons = REG(FPGAIO_BUTTON);
    return buttons & 1u ? 0 : buttons & 2u ? 1 : -1;
}
