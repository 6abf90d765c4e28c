/* Start-up code of a RISC-V core in machine mode: sets the global and stack pointers, prepares the RAM, installs the
 * trap handler and calls main(). */
#include "board.h"
#include "common/cpu.h"

/* Defined by common/link.ld. */
extern uint32_t data_load[], data_start[], data_end[], bss_start[], bss_end[];
int main(void);
void start(void);
void start_c(void);

__attribute__((naked, section(".vectors"), used)) void start(void) {
    __asm volatile(
        ".option push\n"
        ".option norelax\n"
        "la gp, __global_pointer$\n"
        ".option pop\n"
        "la sp, stack_top\n"
        "csrr t0, mhartid\n"
        "1: bnez t0, 1b\n" /* only core 0 runs the firmware */
        "j start_c\n");
}

__attribute__((interrupt("machine"), aligned(4))) static void trap(void) {
    uint32_t cause;
    __asm volatile("csrr %0, mcause" : "=r"(cause));
    if (cause == 0x8000000Bu) /* machine external interrupt: the UART's, through the interrupt controller */
        board_interrupt();
    else
        firmware_fault();
}

void start_c(void) {
    const uint32_t *from = data_load;
    for (uint32_t *to = data_start; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    /* bit 11 of mie enables external interrupts */
    __asm volatile("csrw mtvec, %0\n csrw mie, %1" ::"r"(trap), "r"(1u << 11));
    cpu_interrupts(true);
    main();
    firmware_fault(); /* main() never returns */
}
