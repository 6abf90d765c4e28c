/* Checkpoints in two slots of non-volatile memory: after a power cut at any point of a save, a load gives the old
 * checkpoint or the new one, never neither, never a mix. A save leaves the slot with the newest whole checkpoint alone,
 * erases the other, writes it from front to back with the CRC last, and reads it back.
 *
 * A slot:  magic u32 | layout u16 (1) | config bytes u16 | weight bytes u32 | save number u32 | generation u32 |
 *          config | weights | CRC-32 of all before it u32 | 0xFF up to the next program unit       (little-endian)
 *
 * The slot with a good CRC and the larger save number (modulo 2^32) is the newest. Torn words and half-erased pages
 * fail the CRC. */
#ifndef EGG_STORE_H
#define EGG_STORE_H

#include "egg_types.h"

#define EGG_STORE_HEAD 20u
#define EGG_STORE_PROGRAM_MAX 256u

/* The memory, as a board describes it. Callbacks return 0 for done; any other value ends the operation with
 * EGG_E_STORE. Addresses are the board's own: the store only adds offsets to those of the slots. */
typedef struct egg_store {
    /* Reads n bytes, any address and length inside a slot. */
    int32_t (*read)(void *user, uint32_t address, void *bytes, uint32_t n);
    /* Programs n bytes of erased memory; address and n are multiples of `program`, n <= max(program, 64). */
    int32_t (*write)(void *user, uint32_t address, const void *bytes, uint32_t n);
    /* Erases the unit that begins at `address`, a multiple of `erase` away from a slot's address: all bytes read 0xFF.
     */
    int32_t (*erase_unit)(void *user, uint32_t address);
    void *user;         /* handed to the callbacks */
    uint32_t slot[2];   /* address of each slot, the begin of an erase unit */
    uint32_t slot_size; /* bytes of a slot, a multiple of `erase` */
    uint32_t erase;     /* smallest unit of erasing, bytes */
    uint32_t program;   /* smallest unit of programming, a power of two 1..256; divides `erase` */
} egg_store;

/* What a slot holds. */
typedef struct {
    uint32_t address; /* of the slot */
    uint32_t number;  /* of the save: 1, 2, ... */
    uint32_t generation;
    uint32_t weight_bytes;
    uint32_t config_bytes;
} egg_checkpoint;

/* Bytes that a checkpoint takes in a slot. */
uint32_t egg_store_bytes(uint32_t config_bytes, uint32_t weight_bytes);

/* Finds the newest whole checkpoint: EGG_OK, EGG_E_EMPTY, or EGG_E_STORE: a read failed. */
egg_status egg_store_find(const egg_store *store, egg_checkpoint *found);

/* Reads what egg_store_find() found. EGG_OK or EGG_E_STORE. */
egg_status egg_store_config(const egg_store *store, const egg_checkpoint *found, void *config);
egg_status egg_store_weights(const egg_store *store, const egg_checkpoint *found, void *weights);

/* Writes a checkpoint. config_bytes 0..65535. EGG_OK: it is the newest; EGG_E_STORE: it does not fit, or a callback
 * failed, or it does not read back: the one before it is still there. */
egg_status egg_store_save(const egg_store *store, uint32_t generation, const void *config, uint32_t config_bytes,
                          const void *weights, uint32_t weight_bytes);

#endif
