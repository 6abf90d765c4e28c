/* Checkpoints in two slots of non-volatile memory.
 *
 * After a power cut at any point of a save, a load gives the checkpoint before it or the new one: never nothing, never
 * a mixture. A save does not touch the slot with the newest complete checkpoint. It erases the other slot, writes it
 * from front to back with the CRC last, and reads it back.
 *
 * A slot:  magic u32 | layout u16 (1) | config bytes u16 | weight bytes u32 | save number u32 | generation u32 |
 *          config | weights | CRC-32 of all bytes before it u32 | 0xFF up to the next program unit (little-endian)
 *
 * The newest slot is the one with the larger save number (modulo 2^32) among those whose CRC is right. Torn words and
 * half-erased pages make the CRC wrong. */
#ifndef EGG_CHECKPOINT_H
#define EGG_CHECKPOINT_H

#include "base/egg_types.h"

#define EGG_CHECKPOINT_HEAD 20u         /* bytes before the config */
#define EGG_CHECKPOINT_PROGRAM_MAX 256u /* largest unit of programming that a memory may have, bytes */

/* The checkpoint store: the memory as a board describes it. Callbacks return true if they did their work; false ends
 * the operation with EGG_E_STORE. Addresses belong to the board: the core only adds offsets to those of the slots. */
typedef struct egg_checkpoint_io {
    /* Reads n bytes; any address and length inside a slot. */
    bool (*read)(void *user, uint32_t address, void *bytes, uint32_t n);
    /* Programs n bytes of erased memory. address and n are multiples of program_bytes; n <= max(program_bytes, 64). */
    bool (*write)(void *user, uint32_t address, const void *bytes, uint32_t n);
    /* Erases the unit that starts at `address`: all its bytes then read 0xFF. The distance from the slot's address is a
     * multiple of erase_bytes. */
    bool (*erase)(void *user, uint32_t address);
    void *user;             /* passed to the callbacks */
    uint32_t slot[2];       /* address of each slot, the start of an erase unit */
    uint32_t slot_size;     /* bytes of a slot, a multiple of erase_bytes */
    uint32_t erase_bytes;   /* smallest unit of erasing */
    uint32_t program_bytes; /* smallest unit of programming: a power of two, 1..EGG_CHECKPOINT_PROGRAM_MAX, that divides
                               erase_bytes */
} egg_checkpoint_io;

/* A checkpoint that was found. */
typedef struct {
    uint32_t address;      /* of its slot */
    uint32_t number;       /* of the save: 1, 2, ... */
    uint32_t generation;   /* as given to egg_checkpoint_save() */
    uint32_t weight_bytes; /* length of the weights */
    uint32_t config_bytes; /* length of the config, 0..65535 */
} egg_checkpoint;

/* Bytes that a checkpoint takes in a slot. */
uint32_t egg_checkpoint_bytes(uint32_t config_bytes, uint32_t weight_bytes);

/* Finds the newest complete checkpoint. Returns EGG_OK, EGG_E_EMPTY if there is none, or EGG_E_STORE if a read failed.
 */
egg_status egg_checkpoint_find(const egg_checkpoint_io *io, egg_checkpoint *found);

/* Read the parts of what egg_checkpoint_find() found into buffers of config_bytes and weight_bytes. Return EGG_OK or
 * EGG_E_STORE. */
egg_status egg_checkpoint_read_config(const egg_checkpoint_io *io, const egg_checkpoint *found, void *config);
egg_status egg_checkpoint_read_weights(const egg_checkpoint_io *io, const egg_checkpoint *found, void *weights);

/* Saves a checkpoint; config_bytes 0..65535. Returns EGG_OK if it now is the newest one. Returns EGG_E_STORE if it does
 * not fit into a slot, a callback failed, or it does not read back; then the checkpoint before it is still there. */
egg_status egg_checkpoint_save(const egg_checkpoint_io *io, uint32_t generation, const void *config,
                               uint32_t config_bytes, const void *weights, uint32_t weight_bytes);

#endif
