/* Host only: this computer as a board. A session whose output waits in a buffer, and a flash memory that can lose its
 * power in the middle of a write or an erase. */
#ifndef EGG_BOARD_H
#define EGG_BOARD_H

#include "../egg_session.h"

/* NOR flash. Programming only clears bits, a word (4 bytes) at a time; erasing sets all bits of a unit. Every word
 * programmed and every eighth of an erase is a step; after `steps` of them the power is gone: the word at hand is torn
 * (some of its bits are cleared), the unit at hand is half erased (some of its bits are set). */
typedef struct {
    uint8_t *bytes;
    uint32_t size, erase, program;
    uint32_t steps;  /* until the power goes; UINT32_MAX: it stays */
    uint32_t used;   /* steps taken so far */
    uint32_t random; /* state of the generator that tears */
    uint32_t broken; /* writes that broke a rule: not aligned, out of range, or onto bits that were not erased */
} egg_flash;

/* Describes the flash as a store of two slots, each half of it. */
void egg_flash_store(egg_flash *flash, egg_store *store);

typedef struct {
    egg_session session;
    egg_flash flash;
    egg_store store;
    int32_t label; /* what its buttons say, -1: nothing */
    uint32_t baud; /* rate of its line */
    uint8_t *out;  /* what the session wrote; the caller takes it and sets out_bytes to 0 */
    uint32_t out_bytes, out_max;
    uint32_t lost; /* bytes that found no room in `out` */
} egg_board;

/* The caller has set out, out_max and flash (flash.bytes = NULL: no store). memory: the arena. */
egg_status egg_board_init(egg_board *board, const char *name, uint16_t window, void *memory, size_t bytes);

#endif
