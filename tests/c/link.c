/* A board on stdin and stdout, built as firmware is (EGG_ROW_ALIGN 1): what it reads goes to the session, and what the
 * session writes goes out. Its clock stands still, so that the examples of PROTOCOL.md are the same each time. */
#include <stdio.h>
#include <string.h>

#include "host/egg_host_board.h"

static void out(void *user, const uint8_t *bytes, size_t n) {
    (void)user;
    fwrite(bytes, 1, n, stdout);
    fflush(stdout);
}

static uint32_t selftest(void *user, void *memory, size_t bytes) {
    (void)user;
    memset(memory, 0, bytes);
    return 0;
}

static uint32_t stopped_clock(void *user) {
    (void)user;
    return 0;
}

static bool baud(void *user, uint32_t baud, bool apply) {
    (void)user, (void)apply;
    return baud >= 9600 && baud <= 1000000;
}

int main(void) {
    static egg_session session;
    static uint32_t arena[2048];
    static uint8_t memory[2048];
    egg_flash flash = {memory, sizeof memory, 256, 4, UINT32_MAX, 0, 1, 0};
    egg_checkpoint_io store;
    egg_session_io io = {
        .write = out, .board = "example", .receive_window = 512, .store = &store, .selftest = selftest};
    io.clock = stopped_clock;
    io.clock_hz = 1000;
    io.baud = baud;
    memset(memory, 0xFF, sizeof memory);
    egg_flash_checkpoint_io(&flash, &store);
    if (egg_session_init(&session, &io, arena, sizeof arena) != EGG_OK) return 1;
    for (int c = getchar(); c != EOF; c = getchar()) {
        uint8_t byte = (uint8_t)c;
        egg_session_receive(&session, &byte, 1);
    }
    return 0;
}
