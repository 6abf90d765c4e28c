/* Start-up code of a Cortex-M: the vector table, and the reset handler that prepares the RAM and calls main(). */
#include "board.h"
#include "common/cpu.h"

/* Defined by common/link.ld. */
extern uint32_t stack_top[], data_load[], data_start[], data_end[], bss_start[], bss_end[];
int main(void);
void reset(void);

void reset(void) {
    const uint32_t *from = data_load;
    for (uint32_t *to = data_start; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    main();
    firmware_fault(); /* main() never returns */
}

/* All interrupts of the chip lead to board_interrupt(), because a board enables only the UART's. 96 entries are enough
 * for the chip with the most interrupts. The system entries follow Arm's order; reserved ones are 0. */
#define IRQS 96
typedef void (*vector)(void);
__attribute__((section(".vectors"), used)) static const struct {
    const void *stack;
    vector system[15];
    vector irq[IRQS];
} vectors = {
    stack_top,
    {reset, firmware_fault, firmware_fault, firmware_fault, firmware_fault, firmware_fault, 0, 0, 0, 0, firmware_fault,
     firmware_fault, 0, firmware_fault, firmware_fault},
    {[0 ... IRQS - 1] = board_interrupt},
};
