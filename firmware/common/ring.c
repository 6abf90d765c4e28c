/* The receive ring between the UART's interrupt and the main loop. */
#include "common/ring.h"

#include "common/cpu.h"

static uint8_t bytes_[RING_BYTES];

/* Positions of the next write and of the next read. They only count up, and wrap at 65536, so that head - tail is the
 * number of bytes in the ring. Only ring_put() writes head, and only ring_take() writes tail. */
static volatile uint16_t head, tail;

void ring_put(uint8_t byte) {
    uint16_t at = head;
    if ((uint16_t)(at - tail) == RING_BYTES) return;
    bytes_[at % RING_BYTES] = byte;
    cpu_order(); /* the byte must be in the ring before head says so */
    head = (uint16_t)(at + 1u);
}

size_t ring_take(uint8_t *bytes, size_t n) {
    size_t taken = 0;
    uint16_t at = tail, end = head;
    cpu_order();
    while (taken < n && at != end) bytes[taken++] = bytes_[at++ % RING_BYTES];
    cpu_order(); /* the bytes must be read before tail gives their place away */
    tail = at;
    return taken;
}

void ring_wait(void) {
    /* With interrupts off, no byte can arrive between the test and the sleep unnoticed: it stays pending, and a pending
     * interrupt ends the sleep. */
    cpu_interrupts(false);
    if (head == tail) cpu_sleep();
    cpu_interrupts(true);
}
