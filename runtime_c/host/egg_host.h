/* Host only: loops over many samples (one call a worker thread, no shared writes), and the full-rank baseline.
 * streams, offsets, labels hold a dataset: sample i is streams[offsets[i] .. offsets[i+1]). index[n] picks samples. */
#ifndef EGG_HOST_H
#define EGG_HOST_H

#include "../egg_es.h"
#include "egg_credit.h"

/* Sums over the unperturbed runs of samples. */
typedef struct {
    int64_t loss;    /* 1/4096 bit */
    uint64_t spikes; /* LIF spikes */
    uint32_t samples, correct;
} egg_tally;

typedef struct {
    const uint8_t *streams;
    const uint64_t *offsets;
    const uint8_t *labels;
} egg_data;

/* Checks all streams and labels of a dataset of n samples against a net; *bad is the first faulty sample. */
egg_status egg_host_check(const egg_net_config *net, const egg_data *data, uint32_t n, uint32_t *bad);

/* Inference: predicted[n]. */
void egg_host_run(const egg_net *net, egg_ws *ws, const egg_data *data, const uint32_t *index, uint32_t n,
                  uint8_t *predicted, egg_tally *tally);

/* Bytes of a worker's scratch memory (aligned to 64), for `batch`, `sample` and egg_steps_batch(). */
size_t egg_host_scratch(const egg_net_config *net, const egg_es_config *es);

/* batch: adds to diff[pairs] and marks active rows. */
void egg_host_batch(const egg_gen *gen, egg_ws *ws, void *scratch, const egg_data *data, const uint32_t *index,
                    uint32_t n, int32_t *diff, uint8_t *active, egg_tally *tally);

/* sample: positions pos0 .. pos0+n-1 of a generation, n at most the capacity of credit, into which their steps go.
 * f[n][pairs] and e[n] are results, or given (replay). */
void egg_host_sample(const egg_gen *gen, egg_ws *ws, void *scratch, const egg_data *data, const uint32_t *index,
                     uint32_t n, uint32_t pos0, int replay, int8_t *f, uint8_t *e, egg_credit *credit,
                     egg_tally *tally);

/* sample, online: n generations of one sample each, the first with gen->generation; the weights change in place. */
void egg_host_online(const egg_gen *gen, egg_ws *ws, void *scratch, const egg_data *data, const uint32_t *index,
                     uint32_t n, int replay, int8_t *f, uint8_t *e, egg_tally *tally);

/* Order of the samples in an epoch: order[n] (DESIGN.md section 10). keys[n] is scratch. */
void egg_host_shuffle(uint32_t seed, uint32_t epoch, uint32_t n, uint64_t *keys, uint32_t *order);

/* --- full rank (DESIGN.md section 7.3) --- */

/* Bytes of a worker's memory for the full-rank estimator, beside its egg_ws. */
size_t egg_full_bytes(const egg_net_config *net);

/* base[n][ticks][padded]: currents that all members share, for samples index[n]; also marks active rows and tallies. */
void egg_full_share(const egg_gen *gen, egg_ws *ws, const egg_data *data, const uint32_t *index, uint32_t n,
                    int16_t *base, uint8_t *active, egg_tally *tally);
/* diff[pair] for pairs [pair0, pair1) over all n samples. */
void egg_full_eval(const egg_gen *gen, egg_ws *ws, void *memory, const egg_data *data, const uint32_t *index,
                   uint32_t n, const int16_t *base, uint32_t pair0, uint32_t pair1, int32_t *diff);
/* As egg_steps_batch(). */
void egg_full_steps(const egg_gen *gen, const int8_t *f, const uint8_t *active, uint32_t m, uint32_t row0,
                    uint32_t row1, int32_t *sum);

#endif
