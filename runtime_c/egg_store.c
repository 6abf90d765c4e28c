#include "egg_store.h"

#include "egg_net.h"
#include "egg_wire.h"

#define MAGIC 0x45474745u /* "EGGE" */
#define LAYOUT 1u
#define CHUNK 64u

uint32_t egg_store_bytes(uint32_t config_bytes, uint32_t weight_bytes) {
    return EGG_STORE_HEAD + config_bytes + weight_bytes + 4u;
}

/* EGG_OK if the slot holds a whole checkpoint */
static egg_status examine(const egg_store *store, uint32_t address, egg_checkpoint *found) {
    uint8_t chunk[CHUNK];
    if (store->read(store->user, address, chunk, EGG_STORE_HEAD) != 0) return EGG_E_STORE;
    if (egg_get32(chunk) != MAGIC || egg_get16(chunk + 4) != LAYOUT) return EGG_E_EMPTY;
    found->address = address;
    found->config_bytes = egg_get16(chunk + 6);
    found->weight_bytes = egg_get32(chunk + 8);
    found->number = egg_get32(chunk + 12);
    found->generation = egg_get32(chunk + 16);
    if (found->weight_bytes > store->slot_size ||
        egg_store_bytes(found->config_bytes, found->weight_bytes) > store->slot_size)
        return EGG_E_EMPTY;
    uint32_t crc = 0, left = egg_store_bytes(found->config_bytes, found->weight_bytes) - 4u;
    while (left > 0) {
        uint32_t n = left < CHUNK ? left : CHUNK;
        if (store->read(store->user, address, chunk, n) != 0) return EGG_E_STORE;
        crc = egg_crc32(crc, chunk, n);
        address += n;
        left -= n;
    }
    if (store->read(store->user, address, chunk, 4) != 0) return EGG_E_STORE;
    return egg_get32(chunk) == crc ? EGG_OK : EGG_E_EMPTY;
}

egg_status egg_store_find(const egg_store *store, egg_checkpoint *found) {
    egg_checkpoint slot[2];
    egg_status of0 = examine(store, store->slot[0], &slot[0]), of1 = examine(store, store->slot[1], &slot[1]);
    if (of0 == EGG_E_STORE || of1 == EGG_E_STORE) return EGG_E_STORE;
    if (of0 != EGG_OK && of1 != EGG_OK) return EGG_E_EMPTY;
    if (of0 == EGG_OK && of1 == EGG_OK)
        *found = slot[slot[1].number - slot[0].number < 0x80000000u];
    else
        *found = slot[of1 == EGG_OK];
    return EGG_OK;
}

egg_status egg_store_config(const egg_store *store, const egg_checkpoint *found, void *config) {
    uint32_t address = found->address + EGG_STORE_HEAD;
    return store->read(store->user, address, config, found->config_bytes) == 0 ? EGG_OK : EGG_E_STORE;
}

egg_status egg_store_weights(const egg_store *store, const egg_checkpoint *found, void *weights) {
    uint32_t address = found->address + EGG_STORE_HEAD + found->config_bytes;
    return store->read(store->user, address, weights, found->weight_bytes) == 0 ? EGG_OK : EGG_E_STORE;
}

/* Gathers bytes into units that the memory can program. */
typedef struct {
    const egg_store *store;
    uint32_t address, unit, fill, crc;
    uint8_t unit_bytes[EGG_STORE_PROGRAM_MAX];
} writer;

static egg_status append(writer *w, const uint8_t *bytes, uint32_t n) {
    w->crc = egg_crc32(w->crc, bytes, n);
    while (n-- > 0) {
        w->unit_bytes[w->fill++] = *bytes++;
        if (w->fill < w->unit) continue;
        if (w->store->write(w->store->user, w->address, w->unit_bytes, w->unit) != 0) return EGG_E_STORE;
        w->address += w->unit;
        w->fill = 0;
    }
    return EGG_OK;
}

/* Writes the last, partly filled unit. */
static egg_status finish(writer *w) {
    const egg_store *store = w->store;
    while (w->fill % store->program != 0) w->unit_bytes[w->fill++] = 0xFF;
    if (w->fill == 0) return EGG_OK;
    return store->write(store->user, w->address, w->unit_bytes, w->fill) == 0 ? EGG_OK : EGG_E_STORE;
}

static egg_status write_slot(writer *w, uint32_t number, uint32_t generation, const void *config, uint32_t config_bytes,
                             const void *weights, uint32_t weight_bytes) {
    uint8_t head[EGG_STORE_HEAD], *p = head;
    p = egg_put16(egg_put16(egg_put32(p, MAGIC), LAYOUT), config_bytes);
    egg_put32(egg_put32(egg_put32(p, weight_bytes), number), generation);
    egg_status status = append(w, head, EGG_STORE_HEAD);
    if (status == EGG_OK) status = append(w, (const uint8_t *)config, config_bytes);
    if (status == EGG_OK) status = append(w, (const uint8_t *)weights, weight_bytes);
    egg_put32(head, w->crc);
    if (status == EGG_OK) status = append(w, head, 4);
    if (status == EGG_OK) status = finish(w);
    return status;
}

egg_status egg_store_save(const egg_store *store, uint32_t generation, const void *config, uint32_t config_bytes,
                          const void *weights, uint32_t weight_bytes) {
    egg_checkpoint found;
    uint32_t target = store->slot[0], number = 1;
    uint32_t bytes = egg_store_bytes(config_bytes, weight_bytes);
    if (weight_bytes > store->slot_size || bytes > store->slot_size) return EGG_E_STORE;
    egg_status status = egg_store_find(store, &found);
    if (status == EGG_E_STORE) return status;
    if (status == EGG_OK) {
        if (found.address == target) target = store->slot[1];
        number = found.number + 1u;
    }
    for (uint32_t offset = 0; offset < bytes; offset += store->erase)
        if (store->erase_unit(store->user, target + offset) != 0) return EGG_E_STORE;
    writer w;
    w.store = store;
    w.address = target;
    w.unit = store->program < CHUNK ? CHUNK : store->program;
    w.fill = w.crc = 0;
    status = write_slot(&w, number, generation, config, config_bytes, weights, weight_bytes);
    if (status != EGG_OK) return status;
    return examine(store, target, &found) == EGG_OK && found.number == number ? EGG_OK : EGG_E_STORE;
}
