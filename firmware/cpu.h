/* The few instructions that C has no words for, on Cortex-M and RISC-V. */
#ifndef CPU_H
#define CPU_H

#include <stdbool.h>
#include <stdint.h>

/* A memory-mapped register. */
#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Keeps the compiler from moving memory accesses across; single cores need no more. */
static inline void cpu_order(void) {
    __asm volatile("" ::: "memory");
}

static inline void cpu_interrupts(bool on) {
#if defined(__riscv)
    if (on)
        __asm volatile("csrsi mstatus, 8" ::: "memory");
    else
        __asm volatile("csrci mstatus, 8" ::: "memory");
#else
    if (on)
        __asm volatile("cpsie i" ::: "memory");
    else
        __asm volatile("cpsid i" ::: "memory");
#endif
}

/* Sleeps until an interrupt is pending, even if cpu_interrupts(false) holds it back. */
static inline void cpu_sleep(void) {
    __asm volatile("wfi" ::: "memory");
}

/* Waits for (register & mask) == value, at most `spins` turns; false if that never came. */
static inline bool cpu_await(uintptr_t reg, uint32_t mask, uint32_t value, uint32_t spins) {
    while (spins-- > 0)
        if ((REG(reg) & mask) == value) return true;
    return false;
}

/* What a UART's clock has to be divided by for a rate: 16 or more, 0 if that is more than 2 % off. */
static inline uint32_t cpu_divider(uint32_t clock, uint32_t baud) {
    if (baud == 0) return 0;
    uint32_t divider = (clock + baud / 2u) / baud, is = divider * baud, off = is > clock ? is - clock : clock - is;
    return divider < 16u || off > clock / 50u ? 0 : divider;
}

/* Cortex-M: lets interrupt number n through. */
static inline void cpu_enable_irq(uint32_t n) {
    REG(0xE000E100u + 4u * (n / 32u)) = 1u << (n % 32u);
}

/* The end of everything: what main.c and selftest_main.c do after a fault. Never returns. */
void firmware_fault(void);

/* The arena: all RAM that code and stack leave over, aligned to 8 (link.ld). */
extern uint8_t arena_start[], arena_end[];

#endif
