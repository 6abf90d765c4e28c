/* The firmware: a session (runtime_c/link/egg_session.h) on the board's serial port, which works in the arena. */
#include "board.h"
#include "cpu.h"
#include "link/egg_session.h"
#include "lesson.h"
#include "ring.h"
#include "selftest.h"

static void serial_write(void *user, const uint8_t *bytes, size_t n) {
    (void)user;
    while (n-- > 0) board_send(*bytes++);
}

static uint32_t now(void *user) {
    (void)user;
    return board_ticks();
}

static bool nv_read(void *user, uint32_t address, void *bytes, uint32_t n) {
    (void)user;
    return board_nv_read(address, bytes, n);
}

static bool nv_write(void *user, uint32_t address, const void *bytes, uint32_t n) {
    (void)user;
    return board_nv_write(address, bytes, n);
}

static bool nv_erase(void *user, uint32_t address) {
    (void)user;
    return board_nv_erase(address);
}

static int32_t label(void *user) {
    (void)user;
    return board_label();
}

/* Replies that wait in the UART's FIFO go out first: 20 ms are longer than they take, even at 9600 baud. The host waits
 * longer still. */
static bool baud(void *user, uint32_t rate, bool set) {
    uint32_t begun = board_ticks();
    (void)user;
    while (set && board_ticks() - begun < board_ticks_hz / 50u) {
    }
    return rate >= 9600u && board_baud(rate, set);
}

static uint32_t selftest(void *user, void *memory, size_t bytes) {
    (void)user;
    return selftest_run(memory, bytes, NULL);
}

void firmware_fault(void) {
    cpu_interrupts(false);
    board_led(true);
    for (;;) cpu_sleep();
}

static egg_session session;
static egg_checkpoint_io store;

static egg_status start(void) {
    const uint32_t slot = board_nv.bytes / 2u;
    store.read = nv_read;
    store.write = nv_write;
    store.erase = nv_erase;
    store.slot[1] = slot; /* slot[0] = 0 */
    store.slot_size = slot;
    store.erase_bytes = board_nv.erase;
    store.program_bytes = board_nv.write;
    egg_session_io io = {serial_write, NULL,     board_name, slot > 0 ? &store : NULL, now, RING_BYTES, board_ticks_hz,
                         label,        selftest, baud};
    egg_status status = egg_session_init(&session, &io, arena_start, (size_t)(arena_end - arena_start));
    if (status == EGG_OK) lesson_begin(&session);
    return status;
}

int main(void) {
    uint8_t bytes[32];
    board_init();
    if (start() != EGG_OK) firmware_fault();
    for (;;) {
        size_t n = ring_take(bytes, sizeof bytes);
        if (n > 0) {
            board_led(true);
            egg_session_receive(&session, bytes, n);
            board_led(false);
        } else if (!egg_session_idle(&session) && !lesson_step(&session)) {
            ring_wait();
        }
    }
}
