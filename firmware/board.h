/* The porting contract: everything that the firmware asks of a board. To port the firmware, implement this header.
 *
 * A board is a folder boards/<name>/ with three files:
 *
 *   board.c    the functions and constants below. Copy boards/template/board.c, and call the drivers in chips/ where
 *              they fit: a driver may implement some of these functions for every board with that chip.
 *   board.mk   how to build: architecture, compiler flags, drivers, output formats (boards/template/board.mk explains
 *              each variable)
 *   memory.ld  where flash and RAM are, how large the stack is, and, if the board stores checkpoints, which part of
 *              the flash is kept for them
 *
 * A board includes this header, chips/ and common/, and nothing of the learning core (runtime_c/). All functions are
 * called from the main loop, except board_interrupt(). */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Start ---- */

/* The name that the device reports to the host, for example "microbit". The device sends its first 40 characters. */
extern const char board_name[];

/* Starts the hardware. Called once, before all other functions. When it returns,
 *   - the clock of board_clock() is counting,
 *   - the UART runs at 115200 baud, 8 data bits, no parity, 1 stop bit, and its receive interrupt is enabled,
 *   - the LED and the buttons are ready.
 * Every wait for hardware must be bounded and must have a fallback: a board whose crystal does not start has to run on,
 * with a slower clock. */
void board_init(void);

/* ---- UART ---- */

/* The interrupt handler of the UART, the only interrupt that is enabled. It hands each received byte to ring_put()
 * (common/ring.h) and clears the cause of the interrupt. */
void board_interrupt(void);

/* Sends one byte. Waits until the UART accepts it; the byte may still be in the UART's FIFO on return. */
void board_uart_write(uint8_t byte);

/* Returns whether the UART can run at the baud rate `baud` with an error of at most 2 %. If it can and `apply` is true,
 * the UART runs at it from now on; the caller makes sure that no byte is being sent. A board that cannot change its
 * baud rate returns false. Any value of baud is allowed, also 0. */
bool board_uart_set_baud(uint32_t baud, bool apply);

/* ---- Clock ---- */

/* A free-running 32-bit counter. It counts up board_clock_hz times a second (10000 or more) and wraps to 0. */
extern const uint32_t board_clock_hz;
uint32_t board_clock(void);

/* ---- Non-volatile memory ---- */

/* The memory for checkpoints. It behaves like NOR flash: erasing sets all bits of a unit, writing can only clear bits.
 * Offsets count bytes from the start of the region. A board without such memory sets bytes = 0, and its three functions
 * return false (chips/nvm_none.c). */
typedef struct {
    uint32_t bytes; /* size of the region: two slots of equal size, so a multiple of 2 * erase */
    uint32_t erase; /* size of an erase unit in bytes */
    uint32_t write; /* size of a write unit in bytes, a power of two, at most 256 */
} board_nvm_info;
extern const board_nvm_info board_nvm;

/* Copies n bytes at `offset` to `bytes`. Returns false if they are not all inside the region. */
bool board_nvm_read(uint32_t offset, void *bytes, size_t n);

/* Erases the unit that starts at `offset`, a multiple of board_nvm.erase. Returns whether it reads as erased
 * afterwards. The UART may lose received bytes while this runs. */
bool board_nvm_erase(uint32_t offset);

/* Writes n bytes, which must be in RAM, to memory at `offset` that was erased before. Both n and offset are multiples
 * of board_nvm.write. Returns whether the memory reads back as written. The UART may lose received bytes while this
 * runs. */
bool board_nvm_write(uint32_t offset, const void *bytes, size_t n);

/* ---- LED and buttons ---- */

/* Switches the LED. It is on while the device computes, and it stays on after a fault. A board without an LED does
 * nothing here. */
void board_led_write(bool on);

/* Returns the label (0, 1, ...) that the user sets with a button or with pins at this moment, or -1 if none is set. A
 * recording that arrives without a label takes this one. A board without buttons returns -1. */
int board_label_read(void);

#endif
