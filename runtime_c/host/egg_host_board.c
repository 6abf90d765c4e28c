#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include "host/egg_host_board.h"

#include <time.h>

#include "base/egg_math_private.h"

static uint32_t draw(egg_flash *flash) { /* xorshift32 */
    uint32_t x = flash->random | 1u;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return flash->random = x;
}

/* Takes one step. Returns whether the power is still on afterwards. */
static bool powered(egg_flash *flash) {
    if (flash->used >= flash->steps) return false;
    return ++flash->used < flash->steps;
}

static bool outside(const egg_flash *flash, uint32_t address, uint32_t n) {
    return address > flash->size || n > flash->size - address;
}

static bool flash_read(void *user, uint32_t address, void *bytes, uint32_t n) {
    const egg_flash *flash = (const egg_flash *)user;
    if (outside(flash, address, n) || flash->used >= flash->steps) return false;
    for (uint32_t i = 0; i < n; i++) ((uint8_t *)bytes)[i] = flash->bytes[address + i];
    return true;
}

static bool flash_write(void *user, uint32_t address, const void *bytes, uint32_t n) {
    egg_flash *flash = (egg_flash *)user;
    const uint8_t *from = (const uint8_t *)bytes;
    if (flash->used >= flash->steps) return false;
    if (outside(flash, address, n) || address % flash->program != 0 || n % flash->program != 0) {
        flash->broken++;
        return false;
    }
    for (uint32_t i = 0; i < n; i += 4) {
        bool on = powered(flash);
        for (uint32_t j = i; j < i + 4 && j < n; j++) {
            uint8_t *at = &flash->bytes[address + j];
            if ((*at & from[j]) != from[j]) flash->broken++;
            *at = (uint8_t)(*at & (from[j] | (on ? 0u : draw(flash))));
        }
        if (!on) return false;
    }
    return true;
}

static bool flash_erase(void *user, uint32_t address) {
    egg_flash *flash = (egg_flash *)user;
    if (flash->used >= flash->steps) return false;
    if (outside(flash, address, flash->erase) || address % flash->erase != 0) {
        flash->broken++;
        return false;
    }
    for (uint32_t eighth = 0; eighth < 8; eighth++) {
        bool on = powered(flash);
        for (uint32_t i = 0; i < flash->erase; i++) {
            uint32_t set = draw(flash) % 8u <= eighth ? draw(flash) : 0u; /* the later, the more bits are set */
            flash->bytes[address + i] = (uint8_t)(flash->bytes[address + i] | set);
        }
        if (!on) return false;
    }
    for (uint32_t i = 0; i < flash->erase; i++) flash->bytes[address + i] = 0xFF;
    return true;
}

void egg_flash_checkpoint_io(egg_flash *flash, egg_checkpoint_io *store) {
    store->read = flash_read;
    store->write = flash_write;
    store->erase = flash_erase;
    store->user = flash;
    store->slot[0] = 0;
    store->slot[1] = store->slot_size = flash->size / 2u;
    store->erase_bytes = flash->erase;
    store->program_bytes = flash->program;
}

static void board_write(void *user, const uint8_t *bytes, size_t n) {
    egg_host_board *board = (egg_host_board *)user;
    while (n-- > 0) {
        if (board->out_bytes < board->out_max)
            board->out[board->out_bytes++] = *bytes++;
        else
            board->lost++;
    }
}

static uint32_t board_clock(void *user) {
    (void)user;
#ifdef _WIN32
    return (uint32_t)((uint64_t)clock() * 1000000u / CLOCKS_PER_SEC); /* on Windows clock() measures real time */
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
#endif
}

static int32_t board_label(void *user) {
    return ((egg_host_board *)user)->label;
}

/* As a UART with a clock of 64 MHz. */
static bool board_baud(void *user, uint32_t baud, bool apply) {
    if (baud < 9600 || baud > 4000000) return false;
    if (apply) ((egg_host_board *)user)->baud = baud;
    return true;
}

egg_status egg_host_board_init(egg_host_board *board, const char *name, uint16_t receive_window, void *memory,
                               size_t bytes) {
    egg_session_io io;
    egg_zero(&io, sizeof io);
    io.write = board_write;
    io.user = board;
    io.board = name;
    io.clock = board_clock;
    io.clock_hz = 1000000;
    io.label = board_label;
    io.baud = board_baud;
    io.receive_window = receive_window;
    board->baud = EGG_BAUD_DEFAULT;
    board->label = -1;
    board->out_bytes = board->lost = 0;
    if (board->flash.bytes != NULL) {
        egg_flash_checkpoint_io(&board->flash, &board->store);
        io.store = &board->store;
    }
    return egg_session_init(&board->session, &io, memory, bytes);
}
