/* The porting contract: all that the firmware asks of a board. A board is a folder boards/<name>/ with
 *
 *   board.c    the functions and constants below (boards/template/board.c is a start; chips/ has drivers to call)
 *   board.mk   ARCH (arm or riscv), CPU flags, the chip drivers to compile, what to make (hex, uf2)
 *   memory.ld  FLASH and RAM of the chip, without the part that board_nv keeps, and the size of the stack
 *
 * A board knows nothing of egg_*. Nothing here is called from an interrupt but board_interrupt(). */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What HELLO tells the host, e.g. "microbit". */
extern const char board_name[];

/* Called once, before all else: clocks, UART at 115200 baud 8N1 with its receive interrupt on, ticks, LED, buttons.
 * Every wait for hardware has a bound and a way on: a crystal that does not start must not hang the board. */
void board_init(void);

/* The only interrupt that is on: the UART's. Moves every received byte into the ring (ring.h: ring_put()), and
 * clears the interrupt's cause. */
void board_interrupt(void);

/* Sends a byte, waiting until the UART takes it. */
void board_send(uint8_t byte);

/* Whether the UART can have this rate within 2 %; with `set`, it has it from here on (nothing is being sent then). A
 * board whose rate is fixed says false. */
bool board_baud(uint32_t baud, bool set);

/* Free-running, up, wraps at 2^32; board_ticks_hz a second, 10 kHz or more. */
extern const uint32_t board_ticks_hz;
uint32_t board_ticks(void);

/* Non-volatile memory for checkpoints, read as flash is: erasing sets all bits of a unit, writing clears bits.
 * Offsets count from 0. bytes = 0: the board has none, and the functions return false. */
typedef struct {
    uint32_t bytes; /* of the whole region, a multiple of 2 * erase: two slots, each whole units */
    uint32_t erase; /* smallest unit of board_nv_erase() */
    uint32_t write; /* smallest unit of board_nv_write(), a power of two up to 256: offset and n are multiples of it */
} board_nv_info;
extern const board_nv_info board_nv;

/* Each returns whether it was done, and by reading back whether it took. The UART may lose bytes meanwhile. */
bool board_nv_read(uint32_t offset, void *bytes, size_t n);
bool board_nv_erase(uint32_t offset);
bool board_nv_write(uint32_t offset, const void *bytes, size_t n);

/* On while the device computes; stays on after a fault. A board without one does nothing. */
void board_led(bool on);

/* The teacher at the board: the label that a button (or pins) gives now, or -1 for none. */
int board_label(void);

#endif
