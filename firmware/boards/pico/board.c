/* Raspberry Pi Pico: RP2040 (Cortex-M0+), 264 KB RAM, 2 MB serial flash. The serial port is UART0: out at GP0, in at
 * GP1. A button from GP14 to ground gives label 0, one from GP15 label 1. The second core is not used. */
#include "board.h"

#include "common/cpu.h"
#include "chips/nvm.h"
#include "common/ring.h"

const char board_name[] = "pico";

/* Offsets from a register: a write there sets or clears the bits that are 1 and leaves the others. */
#define SET 0x2000u
#define CLEAR 0x3000u

#define CLOCKS 0x40008000u
#define CLK_REF_CTRL (CLOCKS + 0x30u)
#define CLK_REF_SELECTED (CLOCKS + 0x38u)
#define CLK_SYS_CTRL (CLOCKS + 0x3Cu)
#define CLK_SYS_SELECTED (CLOCKS + 0x44u)
#define CLK_PERI_CTRL (CLOCKS + 0x48u)

#define RESETS 0x4000C000u
#define RESETS_DONE (RESETS + 0x08u)
#define RESET_IO (1u << 5)
#define RESET_PADS (1u << 8)
#define RESET_PLL (1u << 12)
#define RESET_TIMER (1u << 21)
#define RESET_UART0 (1u << 22)

#define PIN_CTRL(pin) (0x40014004u + 8u * (pin))
#define PIN_UART 2u
#define PIN_SIO 5u
#define SIO 0xD0000000u
#define SIO_OUT_SET (SIO + 0x14u)
#define SIO_OUT_CLEAR (SIO + 0x18u)
#define SIO_OE_SET (SIO + 0x24u)
#define SIO_IN (SIO + 0x04u)
#define LED 25u
#define BUTTON 14u /* the pin of label 0; the next pin is that of label 1 */
#define PAD(pin) (0x4001C004u + 4u * (pin))
#define PAD_PULL_UP 0x5Au /* and input, Schmitt trigger, 4 mA, as after a reset */

#define XOSC 0x40024000u
#define XOSC_CTRL (XOSC + 0x0u)
#define XOSC_STATUS (XOSC + 0x4u)
#define XOSC_STARTUP (XOSC + 0xCu)
#define STABLE (1u << 31)

#define PLL 0x40028000u
#define PLL_CS (PLL + 0x0u)
#define PLL_PWR (PLL + 0x4u)
#define PLL_FBDIV (PLL + 0x8u)
#define PLL_PRIM (PLL + 0xCu)
#define PLL_LOCKED (1u << 31)

#define UART 0x40034000u
#define UART_DATA (UART + 0x00u)
#define UART_FLAGS (UART + 0x18u)
#define UART_IBRD (UART + 0x24u)
#define UART_FBRD (UART + 0x28u)
#define UART_LINE (UART + 0x2Cu)
#define UART_CTRL (UART + 0x30u)
#define UART_LEVELS (UART + 0x34u)
#define UART_MASK (UART + 0x38u)
#define UART_CLEAR (UART + 0x44u)
#define UART_EMPTY (1u << 4)
#define UART_FULL (1u << 5)
#define UART_RX_INTERRUPTS (1u << 4 | 1u << 6) /* enough bytes in the FIFO, or a pause after some */
#define UART_IRQ 20u

#define TIMER_NOW 0x40054028u
#define WATCHDOG_TICK 0x4005802Cu

#define XIP 0x10000000u /* where the flash is mapped */
#define PAGE 256u
#define SECTOR 4096u
#define BLOCK 65536u

const board_nvm_info board_nvm = {(uint32_t)nvm_bytes, SECTOR, PAGE};
const uint32_t board_clock_hz = 1000000;

static uint32_t uart_mhz;

/* Returns the clock of the UART in MHz: 125 from the PLL, 12 from the crystal if the PLL does not lock, or about 6 from
 * the ring oscillator if the crystal does not start. */
static uint32_t clock_init(void) {
    REG(XOSC_STARTUP) = 47; /* about 1 ms */
    REG(XOSC_CTRL) = 0xFABAA0u;
    if (!cpu_await(XOSC_STATUS, STABLE, STABLE, 1000000)) {
        REG(CLK_PERI_CTRL) = 1u << 11; /* from the ring oscillator */
        return 6;
    }
    REG(CLK_SYS_CTRL + CLEAR) = 1; /* the core must not run from the PLL while it changes */
    cpu_await(CLK_SYS_SELECTED, 1, 1, 10000);
    REG(CLK_REF_CTRL) = 2;
    cpu_await(CLK_REF_SELECTED, 4, 4, 10000);

    REG(RESETS + SET) = RESET_PLL;
    REG(RESETS + CLEAR) = RESET_PLL;
    cpu_await(RESETS_DONE, RESET_PLL, RESET_PLL, 10000);
    REG(PLL_CS) = 1;
    REG(PLL_FBDIV) = 125;                /* 12 MHz * 125 = 1500 MHz */
    REG(PLL_PWR + CLEAR) = 1u | 1u << 5; /* power and oscillator on */
    bool locked = cpu_await(PLL_CS, PLL_LOCKED, PLL_LOCKED, 1000000);
    if (locked) {
        REG(PLL_PRIM) = 6u << 16 | 2u << 12; /* 1500 MHz / 6 / 2 = 125 MHz */
        REG(PLL_PWR + CLEAR) = 1u << 3;
        REG(CLK_SYS_CTRL) = 0; /* the auxiliary source is the PLL */
        REG(CLK_SYS_CTRL) = 1;
        cpu_await(CLK_SYS_SELECTED, 2, 2, 10000);
    }
    REG(CLK_PERI_CTRL) = 1u << 11; /* from the system clock: the PLL, or the crystal if the PLL did not lock */
    return locked ? 125 : 12;
}

void board_init(void) {
    const uint32_t wanted = RESET_IO | RESET_PADS | RESET_TIMER | RESET_UART0;
    uart_mhz = clock_init();
    REG(RESETS + CLEAR) = wanted;
    cpu_await(RESETS_DONE, wanted, wanted, 100000);
    REG(WATCHDOG_TICK) = 1u << 9 | 12u; /* 12 periods of the crystal are one step of the timer: 1 us */

    REG(PIN_CTRL(0)) = PIN_UART;
    REG(PIN_CTRL(1)) = PIN_UART;
    REG(PIN_CTRL(LED)) = PIN_SIO;
    REG(SIO_OE_SET) = 1u << LED;
    REG(PAD(BUTTON)) = PAD_PULL_UP;
    REG(PAD(BUTTON + 1u)) = PAD_PULL_UP;

    board_uart_set_baud(115200, true);
    REG(UART_LEVELS) = 0;
    REG(UART_MASK) = UART_RX_INTERRUPTS;
    REG(UART_CTRL) = 0x301;
    cpu_enable_irq(UART_IRQ);
}

void board_interrupt(void) {
    while (!(REG(UART_FLAGS) & UART_EMPTY)) ring_put((uint8_t)REG(UART_DATA));
    REG(UART_CLEAR) = UART_RX_INTERRUPTS;
}

void board_uart_write(uint8_t byte) {
    while (REG(UART_FLAGS) & UART_FULL) {
    }
    REG(UART_DATA) = byte;
}

bool board_uart_set_baud(uint32_t baud, bool apply) {
    uint32_t divider = cpu_divider(uart_mhz * 4000000u, baud); /* in 1/64: clock * 64 / 16 / baud */
    if (divider < 64u || divider >> 6 > 65535u) return false;
    if (!apply) return true;
    uint32_t ctrl = REG(UART_CTRL);
    REG(UART_CTRL) = 0;
    REG(UART_IBRD) = divider >> 6;
    REG(UART_FBRD) = divider & 63u;
    REG(UART_LINE) = 0x70; /* 8 bits, FIFOs; this write also makes the new divider valid */
    REG(UART_CTRL) = ctrl;
    return true;
}

uint32_t board_clock(void) {
    return REG(TIMER_NOW);
}

/* The flash functions of the boot ROM. Its lookup function finds them by a code of two letters (RP2040 datasheet,
 * section 2.8.3). */
typedef void (*rom_void)(void);
typedef void (*rom_erase)(uint32_t offset, size_t bytes, uint32_t block, uint32_t command);
typedef void (*rom_program)(uint32_t offset, const uint8_t *bytes, size_t n);
typedef struct {
    rom_void connect, leave_xip, flush, enter_xip;
    rom_erase erase;
    rom_program program;
} rom;

/* 16-bit words of the ROM that hold the addresses of its table and of its lookup function (memory.ld). */
extern const volatile uint16_t rom_table[], rom_lookup[];

static uintptr_t rom_function(char a, char b) {
    typedef uintptr_t (*lookup)(uintptr_t table, uint32_t code);
    lookup find = (lookup)(uintptr_t)rom_lookup[0];
    return find(rom_table[0], (uint32_t)b << 8 | (uint8_t)a);
}

static rom rom_functions(void) {
    rom r = {(rom_void)rom_function('I', 'F'), (rom_void)rom_function('E', 'X'),  (rom_void)rom_function('F', 'C'),
             (rom_void)rom_function('C', 'X'), (rom_erase)rom_function('R', 'E'), (rom_program)rom_function('R', 'P')};
    return r;
}

/* Writes n bytes to flash, or erases n bytes if bytes is NULL. The flash cannot be read until it is done. So this
 * function is linked into RAM (section .ramfunc), and interrupts are held back. */
__attribute__((noinline, section(".ramfunc"))) static void flash_change(const rom *r, uint32_t offset,
                                                                        const uint8_t *bytes, size_t n) {
    cpu_interrupts(false);
    r->connect();
    r->leave_xip();
    if (bytes == NULL)
        r->erase(offset, n, BLOCK, 0xD8);
    else
        r->program(offset, bytes, n);
    r->flush();
    r->enter_xip();
    cpu_interrupts(true);
}

static void change(uint32_t offset, const uint8_t *bytes, size_t n) {
    /* RAM is too far from flash for a branch instruction, so the call goes through a pointer. */
    void (*volatile go)(const rom *, uint32_t, const uint8_t *, size_t) = flash_change;
    rom r = rom_functions();
    go(&r, (uint32_t)nvm_start - XIP + offset, bytes, n);
}

bool board_nvm_erase(uint32_t offset) {
    if (!nvm_holds(offset, SECTOR, SECTOR)) return false;
    change(offset, NULL, SECTOR);
    return nvm_is_erased(offset);
}

/* `bytes` must be in RAM, because the flash cannot be read while it is written. */
bool board_nvm_write(uint32_t offset, const void *bytes, size_t n) {
    if (!nvm_holds(offset, n, PAGE)) return false;
    change(offset, bytes, n);
    return nvm_equals(offset, bytes, n);
}

void board_led_write(bool on) {
    REG(on ? SIO_OUT_SET : SIO_OUT_CLEAR) = 1u << LED;
}

int board_label_read(void) {
    uint32_t high = REG(SIO_IN) >> BUTTON;
    return (high & 1u) == 0 ? 0 : (high & 2u) == 0 ? 1 : -1;
}
