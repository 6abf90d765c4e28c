/* The receive ring: received bytes wait here until the main loop takes them. The UART's interrupt is the only writer
 * and the main loop is the only reader, so no lock is needed. */
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes the ring can hold: a power of two, at most 32768. The device tells the host this number as its receive
 * window. The Makefile sets it; a board can choose another value in its board.mk. */
#ifndef RING_BYTES
#define RING_BYTES 512u
#endif

/* Adds a byte. Call it from the UART's interrupt only. If the ring is full, the byte is dropped: the link then finds a
 * wrong CRC and repeats the frame. */
void ring_put(uint8_t byte);

/* Moves up to n bytes to `bytes` and returns how many it moved. Call it from the main loop only. Does not wait. */
size_t ring_take(uint8_t *bytes, size_t n);

/* Sleeps until the ring has a byte or any interrupt has come; returns at once if the ring has a byte already. Call it
 * from the main loop only. */
void ring_wait(void);

#endif
