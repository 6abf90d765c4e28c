/* Host only: loops over many recordings, one call for each worker thread. Several threads may call them at once if each
 * has a separate workspace, scratch memory and results. */
#ifndef EGG_DATASET_H
#define EGG_DATASET_H

#include "estimators/egg_estimator.h"
#include "host/egg_sample_update.h"

/* Recordings with labels. Recording i is streams[offsets[i] .. offsets[i + 1]), its label labels[i]. In the functions
 * below index[n] says which recordings take part. */
typedef struct {
    const uint8_t *streams;
    const uint64_t *offsets;
    const uint8_t *labels;
} egg_dataset;

/* Sums over the unperturbed runs of recordings. The functions below add to them. */
typedef struct {
    int64_t loss;        /* cross-entropy, in 1/4096 bit */
    uint64_t spikes;     /* of all LIF layers */
    uint32_t recordings; /* runs */
    uint32_t correct;    /* runs with the right answer */
    uint32_t learned;    /* runs of training, but those of recordings without credit (learn_above) */
} egg_run_counts;

/* Checks all streams and labels of a dataset of n recordings against a net. Returns EGG_OK, EGG_E_STREAM or
 * EGG_E_LABEL; *bad is the first faulty recording. */
egg_status egg_dataset_check(const egg_net_config *net, const egg_dataset *data, uint32_t n, uint32_t *bad);

/* Runs the unperturbed net: predicted[n]. */
void egg_dataset_run(const egg_net *net, egg_workspace *ws, const egg_dataset *data, const uint32_t *index, uint32_t n,
                     uint8_t *predicted, egg_run_counts *counts);

/* Bytes of the scratch memory of a worker, aligned to 64: for the functions below that take it and
 * egg_batch_update_steps(). */
size_t egg_dataset_scratch_bytes(const egg_net_config *net, const egg_estimator_config *es);

/* Adds a run to the counts. learns: whether the net learns from it. */
void egg_dataset_count(egg_run_counts *counts, egg_result result, uint32_t label, bool learns);

/* batch: egg_batch_evaluate() and egg_batch_mark() for n recordings at positions position0 .. position0 + n - 1 of a
 * generation. */
void egg_dataset_batch(const egg_generation *gen, egg_workspace *ws, void *scratch, const egg_dataset *data,
                       const uint32_t *index, uint32_t n, uint32_t position0, int32_t *fitness_diff, uint8_t *active,
                       egg_run_counts *counts);

/* sample: evaluates n recordings at positions position0 .. position0 + n - 1 of a generation, and puts their credit and
 * events into `update`, whose capacity is at least n. fitness_bytes[n][pairs] and exponent[n] are results; with
 * from_journal they are inputs, as a replay needs it. */
void egg_dataset_sample(const egg_generation *gen, egg_workspace *ws, void *scratch, const egg_dataset *data,
                        const uint32_t *index, uint32_t n, uint32_t position0, bool from_journal, int8_t *fitness_bytes,
                        uint8_t *exponent, egg_sample_update *update, egg_run_counts *counts);

/* sample, online: n generations of one recording each, from gen->generation on. The weights change after each
 * recording. The other arguments are as above. */
void egg_dataset_online(const egg_generation *gen, egg_workspace *ws, void *scratch, const egg_dataset *data,
                        const uint32_t *index, uint32_t n, bool from_journal, int8_t *fitness_bytes, uint8_t *exponent,
                        egg_run_counts *counts);

/* The keys by which an epoch sorts n recordings: keys[i] for recording i, no two of them equal (SPEC.md section 10). */
void egg_dataset_order_keys(uint32_t seed, uint32_t epoch, uint32_t n, uint32_t *keys);

/* sweep and eprop: evaluates n recordings at positions position0 .. position0 + n - 1 of a generation, and puts their
 * credit and events into `update`, whose capacity is at least n. */
void egg_dataset_credit(const egg_generation *gen, egg_workspace *ws, const egg_dataset *data, const uint32_t *index,
                        uint32_t n, uint32_t position0, egg_sample_update *update, egg_run_counts *counts);

/* sweep and eprop, online: n generations of one recording each, from gen->generation on. The weights change after each
 * recording. */
void egg_dataset_credit_online(const egg_generation *gen, egg_workspace *ws, const egg_dataset *data,
                               const uint32_t *index, uint32_t n, egg_run_counts *counts);

#endif
