/* What all boards need of a Cortex-M or RISC-V core and C cannot express: register access, interrupts, sleep. Also the
 * symbols that every image defines. */
#ifndef CPU_H
#define CPU_H

#include <stdbool.h>
#include <stdint.h>

/* The 32-bit memory-mapped register at an address. */
#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Keeps the compiler from moving memory accesses past this point. With a single core, the hardware needs no barrier. */
static inline void cpu_order(void) {
    __asm volatile("" ::: "memory");
}

/* Allows (true) or holds back (false) all interrupts. An interrupt that is held back stays pending. */
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

/* Sleeps until an interrupt is pending. An interrupt that cpu_interrupts(false) holds back ends the sleep too. */
static inline void cpu_sleep(void) {
    __asm volatile("wfi" ::: "memory");
}

/* Reads the register at address `reg` until (register & mask) == value, at most `spins` times. Returns whether it came
 * to that. Drivers wait with this function, so that broken hardware cannot hang the board. */
static inline bool cpu_await(uintptr_t reg, uint32_t mask, uint32_t value, uint32_t spins) {
    while (spins-- > 0)
        if ((REG(reg) & mask) == value) return true;
    return false;
}

/* Returns the number by which a UART divides its clock (in Hz) for a baud rate, rounded to the nearest: 16 or more.
 * Returns 0 if the UART cannot have that baud rate, because it would be off by more than 2 % or needs a divider
 * below 16. */
static inline uint32_t cpu_divider(uint32_t clock, uint32_t baud) {
    if (baud == 0) return 0;
    uint32_t divider = (clock + baud / 2u) / baud, product = divider * baud;
    uint32_t error = product > clock ? product - clock : clock - product;
    return divider < 16u || error > clock / 50u ? 0 : divider;
}

/* Cortex-M only: enables interrupt number n of the NVIC, the interrupt controller. */
static inline void cpu_enable_irq(uint32_t n) {
    REG(0xE000E100u + 4u * (n / 32u)) = 1u << (n % 32u);
}

/* Stops the device after a fault. Never returns. Each image defines it; all but the image bench leave the LED on. */
void firmware_fault(void);

/* The arena: all RAM that remains beside variables and stack, aligned to 8 bytes. common/link.ld places it. A network,
 * its workspace and the buffer of a recording live here. */
extern uint8_t arena_start[], arena_end[];

#endif
