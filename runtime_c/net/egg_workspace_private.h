/* Private to the core: temporary memory of an update. It lies in the workspace, because a microcontroller's stack has
 * no room for it. */
#ifndef EGG_WORKSPACE_PRIVATE_H
#define EGG_WORKSPACE_PRIVATE_H

#include "base/egg_rng.h"
#include "kernels/egg_sign_sums_private.h"
#include "net/egg_workspace.h"

/* Rows whose events an update counts at once. On hosts most nets fit into one block. */
#define EGG_GATHER_ROWS (EGG_ROW_ALIGN > 1 ? 5120u : 128u)

typedef union egg_scratch {
    struct {
        uint32_t at[EGG_TICKS_MAX];   /* offset in the stream behind `index` */
        int32_t index[EGG_TICKS_MAX]; /* next event of each tick; INT32_MAX behind its last one */
        uint32_t n[EGG_GATHER_ROWS];  /* events of each row, a field of bits for each segment */
    } gather;                         /* estimators/egg_credit_update.c */
    struct {
        int16_t table[EGG_SIGN_SUMS_TABLE];
        egg_key key_b[EGG_RANK_MAX]; /* keys of the rows' signs, for each rank */
    } sums;                          /* estimators/egg_batch.c, egg_sample.c */
} egg_scratch;

#endif
