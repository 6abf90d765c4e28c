/* QEMU's riscv32 "virt" machine: an emulated board only, for tests. 16550 UART, PLIC, and a CFI NOR flash (Intel
 * commands, two 16-bit chips side by side) for checkpoints. */
#include "board.h"

#include "cpu.h"
#include "nv.h"
#include "ring.h"

const char board_name[] = "riscv-virt";

#define UART 0x10000000u
#define UART_REG(n) (*(volatile uint8_t *)(UART + (n)))
#define UART_DATA UART_REG(0)
#define UART_INTERRUPTS UART_REG(1)
#define UART_FIFO UART_REG(2)
#define UART_LINE UART_REG(3)
#define UART_STATUS UART_REG(5)
#define UART_IRQ 10u

#define PLIC 0x0C000000u
#define PLIC_ENABLE (PLIC + 0x2000u)
#define PLIC_CLAIM (PLIC + 0x200004u)

#define MTIME 0x0200BFF8u

#define ERASE (256u * 1024u)
#define BOTH(command) ((command) * 0x00010001u)
#define READY BOTH(0x80u)

const board_nv_info board_nv = {(uint32_t)nv_bytes, ERASE, 4};
const uint32_t board_ticks_hz = 10000000;

void board_init(void) {
    UART_LINE = 3; /* 8 bits */
    UART_FIFO = 1;
    UART_INTERRUPTS = 1;
    REG(PLIC + 4u * UART_IRQ) = 1;
    REG(PLIC_ENABLE) = 1u << UART_IRQ;
}

void board_interrupt(void) {
    uint32_t source = REG(PLIC_CLAIM);
    while (UART_STATUS & 1u) ring_put(UART_DATA);
    REG(PLIC_CLAIM) = source;
}

void board_send(uint8_t byte) {
    while (!(UART_STATUS & 0x20u)) {
    }
    UART_DATA = byte;
}

bool board_baud(uint32_t baud, bool set) {
    (void)baud, (void)set;
    return false;
}

uint32_t board_ticks(void) {
    return REG(MTIME);
}

/* Waits for the status register that a command leaves at every address, then goes back to reading. */
static bool nv_finish(uint32_t address) {
    bool good = cpu_await(address, READY, READY, 10000000) && (REG(address) & BOTH(0x3Au)) == 0;
    REG(address) = BOTH(0x50u);
    REG(address) = BOTH(0xFFu);
    return good;
}

bool board_nv_erase(uint32_t offset) {
    if (!nv_holds(offset, ERASE, ERASE)) return false;
    uint32_t address = (uint32_t)nv_start + offset;
    REG(address) = BOTH(0x20u);
    REG(address) = BOTH(0xD0u);
    return nv_finish(address) && nv_erased(offset);
}

bool board_nv_write(uint32_t offset, const void *bytes, size_t n) {
    const uint8_t *from = bytes;
    if (!nv_holds(offset, n, 4)) return false;
    for (size_t i = 0; i < n; i += 4, from += 4) {
        uint32_t word = nv_word(from);
        uint32_t address = (uint32_t)nv_start + offset + i;
        REG(address) = BOTH(0x40u);
        REG(address) = word;
        if (!nv_finish(address) || REG(address) != word) return false;
    }
    return true;
}

void board_led(bool on) {
    (void)on;
}

int board_label(void) {
    return -1;
}
