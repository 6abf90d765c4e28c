#include "link/egg_checkpoint.h"

#include "base/egg_bytes.h"

#define MAGIC 0x45474745u /* "EGGE" */
#define LAYOUT 1u
#define CHUNK 64u

uint32_t egg_checkpoint_bytes(uint32_t config_bytes, uint32_t weight_bytes) {
    return EGG_CHECKPOINT_HEAD + config_bytes + weight_bytes + 4u;
}

/* Describes the checkpoint in a slot: EGG_OK if it is complete, EGG_E_EMPTY if not, or EGG_E_STORE. */
static egg_status examine(const egg_checkpoint_io *io, uint32_t address, egg_checkpoint *found) {
    uint8_t chunk[CHUNK];
    if (!io->read(io->user, address, chunk, EGG_CHECKPOINT_HEAD)) return EGG_E_STORE;
    if (egg_get32(chunk) != MAGIC || egg_get16(chunk + 4) != LAYOUT) return EGG_E_EMPTY;
    found->address = address;
    found->config_bytes = egg_get16(chunk + 6);
    found->weight_bytes = egg_get32(chunk + 8);
    found->number = egg_get32(chunk + 12);
    found->generation = egg_get32(chunk + 16);
    if (found->weight_bytes > io->slot_size ||
        egg_checkpoint_bytes(found->config_bytes, found->weight_bytes) > io->slot_size)
        return EGG_E_EMPTY;
    uint32_t crc = 0, left = egg_checkpoint_bytes(found->config_bytes, found->weight_bytes) - 4u;
    while (left > 0) {
        uint32_t n = left < CHUNK ? left : CHUNK;
        if (!io->read(io->user, address, chunk, n)) return EGG_E_STORE;
        crc = egg_crc32(crc, chunk, n);
        address += n;
        left -= n;
    }
    if (!io->read(io->user, address, chunk, 4)) return EGG_E_STORE;
    return egg_get32(chunk) == crc ? EGG_OK : EGG_E_EMPTY;
}

egg_status egg_checkpoint_find(const egg_checkpoint_io *io, egg_checkpoint *found) {
    egg_checkpoint slot[2];
    egg_status of0 = examine(io, io->slot[0], &slot[0]), of1 = examine(io, io->slot[1], &slot[1]);
    if (of0 == EGG_E_STORE || of1 == EGG_E_STORE) return EGG_E_STORE;
    if (of0 != EGG_OK && of1 != EGG_OK) return EGG_E_EMPTY;
    if (of0 == EGG_OK && of1 == EGG_OK)
        *found = slot[slot[1].number - slot[0].number < 0x80000000u];
    else
        *found = slot[of1 == EGG_OK];
    return EGG_OK;
}

egg_status egg_checkpoint_read_config(const egg_checkpoint_io *io, const egg_checkpoint *found, void *config) {
    uint32_t address = found->address + EGG_CHECKPOINT_HEAD;
    return io->read(io->user, address, config, found->config_bytes) ? EGG_OK : EGG_E_STORE;
}

egg_status egg_checkpoint_read_weights(const egg_checkpoint_io *io, const egg_checkpoint *found, void *weights) {
    uint32_t address = found->address + EGG_CHECKPOINT_HEAD + found->config_bytes;
    return io->read(io->user, address, weights, found->weight_bytes) ? EGG_OK : EGG_E_STORE;
}

/* Collects bytes into units that the memory can program. */
typedef struct {
    const egg_checkpoint_io *io;
    uint32_t address, unit, fill, crc; /* of the unit; its bytes; bytes in it so far; of all bytes so far */
    uint8_t unit_bytes[EGG_CHECKPOINT_PROGRAM_MAX];
} writer;

/* Writes n bytes, and each unit that they fill. */
static egg_status append(writer *w, const uint8_t *bytes, uint32_t n) {
    w->crc = egg_crc32(w->crc, bytes, n);
    while (n-- > 0) {
        w->unit_bytes[w->fill++] = *bytes++;
        if (w->fill < w->unit) continue;
        if (!w->io->write(w->io->user, w->address, w->unit_bytes, w->unit)) return EGG_E_STORE;
        w->address += w->unit;
        w->fill = 0;
    }
    return EGG_OK;
}

/* Writes the last, partly filled unit. */
static egg_status finish(writer *w) {
    const egg_checkpoint_io *io = w->io;
    while (w->fill % io->program_bytes != 0) w->unit_bytes[w->fill++] = 0xFF;
    if (w->fill == 0) return EGG_OK;
    return io->write(io->user, w->address, w->unit_bytes, w->fill) ? EGG_OK : EGG_E_STORE;
}

static egg_status write_slot(writer *w, uint32_t number, uint32_t generation, const void *config, uint32_t config_bytes,
                             const void *weights, uint32_t weight_bytes) {
    uint8_t head[EGG_CHECKPOINT_HEAD], *p = head;
    p = egg_put16(egg_put16(egg_put32(p, MAGIC), LAYOUT), config_bytes);
    egg_put32(egg_put32(egg_put32(p, weight_bytes), number), generation);
    egg_status status = append(w, head, EGG_CHECKPOINT_HEAD);
    if (status == EGG_OK) status = append(w, (const uint8_t *)config, config_bytes);
    if (status == EGG_OK) status = append(w, (const uint8_t *)weights, weight_bytes);
    egg_put32(head, w->crc);
    if (status == EGG_OK) status = append(w, head, 4);
    if (status == EGG_OK) status = finish(w);
    return status;
}

egg_status egg_checkpoint_save(const egg_checkpoint_io *io, uint32_t generation, const void *config,
                               uint32_t config_bytes, const void *weights, uint32_t weight_bytes) {
    egg_checkpoint found;
    uint32_t target = io->slot[0], number = 1;
    uint32_t bytes = egg_checkpoint_bytes(config_bytes, weight_bytes);
    if (weight_bytes > io->slot_size || bytes > io->slot_size) return EGG_E_STORE;
    egg_status status = egg_checkpoint_find(io, &found);
    if (status == EGG_E_STORE) return status;
    if (status == EGG_OK) {
        if (found.address == target) target = io->slot[1];
        number = found.number + 1u;
    }
    for (uint32_t offset = 0; offset < bytes; offset += io->erase_bytes)
        if (!io->erase(io->user, target + offset)) return EGG_E_STORE;
    writer w;
    w.io = io;
    w.address = target;
    w.unit = io->program_bytes < CHUNK ? CHUNK : io->program_bytes;
    w.fill = w.crc = 0;
    status = write_slot(&w, number, generation, config, config_bytes, weights, weight_bytes);
    if (status != EGG_OK) return status;
    return examine(io, target, &found) == EGG_OK && found.number == number ? EGG_OK : EGG_E_STORE;
}
