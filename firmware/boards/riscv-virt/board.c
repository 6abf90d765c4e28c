/* The machine "virt" of qemu-system-riscv32, for tests in an emulator: RV32IMAC, a 16550 UART with a fixed baud rate,
 * and a CFI NOR flash for checkpoints, which is two 16-bit chips side by side with Intel's commands. It has no LED and
 * no buttons. */
#include "board.h"

#include "common/cpu.h"
#include "chips/nvm.h"
#include "common/ring.h"

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
/* A command or status for both flash chips at once. */
#define BOTH(command) ((command) * 0x00010001u)
#define READY BOTH(0x80u)

const board_nvm_info board_nvm = {(uint32_t)nvm_bytes, ERASE, 4};
const uint32_t board_clock_hz = 10000000;

void board_init(void) {
    UART_LINE = 3;       /* 8 bits */
    UART_FIFO = 1;       /* on */
    UART_INTERRUPTS = 1; /* on reception */
    REG(PLIC + 4u * UART_IRQ) = 1;
    REG(PLIC_ENABLE) = 1u << UART_IRQ;
}

void board_interrupt(void) {
    uint32_t source = REG(PLIC_CLAIM);
    while (UART_STATUS & 1u) ring_put(UART_DATA);
    REG(PLIC_CLAIM) = source;
}

void board_uart_write(uint8_t byte) {
    while (!(UART_STATUS & 0x20u)) {
    }
    UART_DATA = byte;
}

bool board_uart_set_baud(uint32_t baud, bool apply) {
    (void)baud, (void)apply;
    return false;
}

uint32_t board_clock(void) {
    return REG(MTIME);
}

/* After a command, both chips show their status at every address. Waits until they are ready, makes the memory readable
 * again, and returns whether they reported no error. */
static bool nvm_finish(uint32_t address) {
    bool good = cpu_await(address, READY, READY, 10000000) && (REG(address) & BOTH(0x3Au)) == 0;
    REG(address) = BOTH(0x50u); /* clear status */
    REG(address) = BOTH(0xFFu); /* read memory */
    return good;
}

bool board_nvm_erase(uint32_t offset) {
    if (!nvm_holds(offset, ERASE, ERASE)) return false;
    uint32_t address = (uint32_t)nvm_start + offset;
    REG(address) = BOTH(0x20u); /* erase */
    REG(address) = BOTH(0xD0u); /* confirm */
    return nvm_finish(address) && nvm_is_erased(offset);
}

bool board_nvm_write(uint32_t offset, const void *bytes, size_t n) {
    const uint8_t *from = bytes;
    if (!nvm_holds(offset, n, 4)) return false;
    for (size_t i = 0; i < n; i += 4, from += 4) {
        uint32_t word = nvm_word(from);
        uint32_t address = (uint32_t)nvm_start + offset + i;
        REG(address) = BOTH(0x40u); /* write */
        REG(address) = word;
        if (!nvm_finish(address) || REG(address) != word) return false;
    }
    return true;
}

void board_led_write(bool on) {
    (void)on;
}

int board_label_read(void) {
    return -1;
}
