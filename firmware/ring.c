#include "ring.h"

#include "cpu.h"

static uint8_t bytes_[RING_BYTES];
static volatile uint16_t head, tail; /* written, taken; count up and wrap at 65536 */

void ring_put(uint8_t byte) {
    uint16_t at = head;
    if ((uint16_t)(at - tail) == RING_BYTES) return;
    bytes_[at % RING_BYTES] = byte;
    cpu_order();
    head = (uint16_t)(at + 1u);
}

size_t ring_take(uint8_t *bytes, size_t n) {
    size_t taken = 0;
    uint16_t at = tail, end = head;
    cpu_order();
    while (taken < n && at != end) bytes[taken++] = bytes_[at++ % RING_BYTES];
    cpu_order();
    tail = at;
    return taken;
}

void ring_wait(void) {
    cpu_interrupts(false); /* a byte that comes from here on wakes the core all the same */
    if (head == tail) cpu_sleep();
    cpu_interrupts(true);
}
