/* Received bytes between the UART's interrupt (writer) and the main loop (reader): one of each, so no lock. */
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that the ring can hold: the receive window that the device announces. Power of two, at most 32768. */
#ifndef RING_BYTES
#define RING_BYTES 512u
#endif

/* From the interrupt. A byte that finds the ring full is dropped: the link's CRC and retries see to it. */
void ring_put(uint8_t byte);

/* From the main loop: takes up to n bytes; returns how many there were. */
size_t ring_take(uint8_t *bytes, size_t n);

/* From the main loop: sleeps until the ring has a byte (or any interrupt came). */
void ring_wait(void);

#endif
