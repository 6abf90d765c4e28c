/* Host only: this computer as a board. A host board is a session whose output goes into a buffer, with a flash memory
 * that can lose its power in the middle of a write or an erase. */
#ifndef EGG_HOST_BOARD_H
#define EGG_HOST_BOARD_H

#include "link/egg_session.h"

/* A simulated NOR flash. Programming only clears bits, one word of 4 bytes at a time; erasing sets all bits of a unit.
 * Each programmed word, and each eighth of an erase, is one step. After `steps` steps the power fails: the current word
 * is torn (only some of its bits are cleared), or the current unit is half erased (only some of its bits are set). */
typedef struct {
    uint8_t *bytes;   /* [size] the memory; all 0xFF when erased */
    uint32_t size;    /* bytes */
    uint32_t erase;   /* bytes of an erase unit */
    uint32_t program; /* bytes of a programming unit, a multiple of 4 */
    uint32_t steps;   /* until the power fails; UINT32_MAX: never */
    uint32_t used;    /* steps taken so far */
    uint32_t random;  /* state of the generator that decides which bits of a torn word change */
    uint32_t broken;  /* writes and erases that broke a rule: not aligned, out of range, or onto bits not erased */
} egg_flash;

/* Describes the flash as a checkpoint store of two slots, each half of it. */
void egg_flash_checkpoint_io(egg_flash *flash, egg_checkpoint_io *store);

typedef struct {
    egg_session session;
    egg_flash flash;
    egg_checkpoint_io store;
    int32_t label; /* the label that its buttons give; -1: none */
    uint32_t baud; /* current baud rate of its line */
    uint8_t *out;  /* [out_max] what the session wrote; the caller takes it and sets out_bytes to 0 */
    uint32_t out_bytes, out_max;
    uint32_t lost; /* bytes for which `out` had no room */
} egg_host_board;

/* Starts the board. The caller has set out, out_max and flash (flash.bytes = NULL: no checkpoint store). memory[bytes]
 * is the arena. Its clock runs at 1 MHz. Returns as egg_session_init(). */
egg_status egg_host_board_init(egg_host_board *board, const char *name, uint16_t receive_window, void *memory,
                               size_t bytes);

#endif
