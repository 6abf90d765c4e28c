/* Arm MPS2 FPGA images AN386 (Cortex-M4) and AN500 (Cortex-M7), as QEMU has them. Implements all of board.h but
 * board_name. Checkpoints are in PSRAM, written by the rules of NOR flash, so that an emulator's memory file can take
 * part in tests of power cuts. memory.ld gives nv_start and nv_bytes. */
#include "board.h"
#include "cpu.h"
#include "nv.h"
#include "ring.h"

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

const board_nv_info board_nv = {(uint32_t)nv_bytes, ERASE, 4};
const uint32_t board_ticks_hz = 1000000;

void board_init(void) {
    REG(FPGAIO_PRESCALE) = 25u - 1u; /* of 25 MHz */
    board_baud(115200, true);
    REG(UART_CTRL) = 1u | 2u | 8u; /* out, in, receive interrupt */
    (void)REG(UART_DATA);          /* QEMU asks for what the host sent before this point only when a byte is taken */
    cpu_enable_irq(UART_RX_IRQ);
}

void board_interrupt(void) {
    while (REG(UART_STATE) & UART_RECEIVED) {
        REG(UART_INTCLEAR) = 2;
        ring_put((uint8_t)REG(UART_DATA));
    }
}

void board_send(uint8_t byte) {
    while (REG(UART_STATE) & UART_FULL) {
    }
    REG(UART_DATA) = byte;
}

bool board_baud(uint32_t baud, bool set) {
    uint32_t divider = cpu_divider(25000000, baud);
    if (divider == 0 || divider > 0xFFFFFu) return false;
    if (set) REG(UART_BAUDDIV) = divider;
    return true;
}

uint32_t board_ticks(void) {
    return REG(FPGAIO_COUNTER);
}

bool board_nv_erase(uint32_t offset) {
    if (!nv_holds(offset, ERASE, ERASE)) return false;
    for (uint32_t i = 0; i < ERASE; i += 4) REG(nv_start + offset + i) = 0xFFFFFFFFu;
    return true;
}

bool board_nv_write(uint32_t offset, const void *bytes, size_t n) {
    const uint8_t *from = bytes;
    if (!nv_holds(offset, n, 4)) return false;
    for (size_t i = 0; i < n; i += 4, from += 4) {
        uint32_t word = nv_word(from);
        REG(nv_start + offset + i) &= word; /* flash only clears bits */
        if (REG(nv_start + offset + i) != word) return false;
    }
    return true;
}

void board_led(bool on) {
    REG(FPGAIO_LED) = on;
}

int board_label(void) {
    uint32_t buttons = REG(FPGAIO_BUTTON);
    return buttons & 1u ? 0 : buttons & 2u ? 1 : -1;
}
