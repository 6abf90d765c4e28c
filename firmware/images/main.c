/* The main program of the images egg, standalone and app: serves a host over the serial port with a session of the
 * learning core, and lets the device work by itself in between (images/standalone.h). */
#include "board.h"
#include "common/cpu.h"
#include "common/ring.h"
#include "link/egg_session.h"
#include "images/selftest.h"
#include "images/standalone.h"

/* The callbacks of the session, which hand its requests to the board. `user` is not used. */

static void serial_write(void *user, const uint8_t *bytes, size_t n) {
    (void)user;
    while (n-- > 0) board_uart_write(*bytes++);
}

static uint32_t now(void *user) {
    (void)user;
    return board_clock();
}

static bool nvm_read(void *user, uint32_t address, void *bytes, uint32_t n) {
    (void)user;
    return board_nvm_read(address, bytes, n);
}

static bool nvm_write(void *user, uint32_t address, const void *bytes, uint32_t n) {
    (void)user;
    return board_nvm_write(address, bytes, n);
}

static bool nvm_erase(void *user, uint32_t address) {
    (void)user;
    return board_nvm_erase(address);
}

static int32_t label(void *user) {
    (void)user;
    return board_label_read();
}

/* Before a change, replies may still be in the UART's FIFO. Sending them takes less than 20 ms, even at 9600 baud, so
 * this function waits for that time. The host waits longer than that before it uses the new baud rate. */
static bool baud(void *user, uint32_t rate, bool set) {
    uint32_t begun = board_clock();
    (void)user;
    while (set && board_clock() - begun < board_clock_hz / 50u) {
    }
    return rate >= 9600u && board_uart_set_baud(rate, set);
}

static uint32_t selftest(void *user, void *memory, size_t bytes) {
    (void)user;
    return selftest_run(memory, bytes, NULL);
}

void firmware_fault(void) {
    cpu_interrupts(false);
    board_led_write(true);
    for (;;) cpu_sleep();
}

static egg_session session;
static egg_checkpoint_io store;

/* Starts the session, with the two halves of the non-volatile memory as slots for checkpoints. */
static egg_status start(void) {
    const uint32_t slot = board_nvm.bytes / 2u;
    store.read = nvm_read;
    store.write = nvm_write;
    store.erase = nvm_erase;
    store.slot[1] = slot; /* slot[0] = 0 */
    store.slot_size = slot;
    store.erase_bytes = board_nvm.erase;
    store.program_bytes = board_nvm.write;
    egg_session_io io = {serial_write, NULL,     board_name, slot > 0 ? &store : NULL, now, RING_BYTES, board_clock_hz,
                         label,        selftest, baud};
    egg_status status = egg_session_init(&session, &io, arena_start, (size_t)(arena_end - arena_start));
    if (status == EGG_OK) standalone_begin(&session);
    return status;
}

int main(void) {
    uint8_t bytes[32];
    board_init();
    if (start() != EGG_OK) firmware_fault();
    for (;;) {
        size_t n = ring_take(bytes, sizeof bytes);
        if (n > 0) {
            board_led_write(true);
            egg_session_receive(&session, bytes, n);
            board_led_write(false);
        } else if (!egg_session_idle(&session) && !standalone_step(&session)) {
            ring_wait();
        }
    }
}
