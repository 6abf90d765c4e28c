#include "host/egg_dataset.h"

#include "base/egg_rng.h"
#include "base/egg_stream.h"
#include "estimators/egg_eprop.h"
#include "estimators/egg_sweep.h"
#include "host/egg_batch_update.h"
#include "host/egg_simd_pairs.h"

static const uint8_t *stream_of(const egg_dataset *data, uint32_t i) {
    return data->streams + data->offsets[i];
}

void egg_dataset_count(egg_run_counts *counts, egg_result result, uint32_t label, bool learns) {
    counts->loss += result.loss;
    counts->spikes += result.spikes;
    counts->recordings++;
    counts->correct += result.predicted == label;
    counts->learned += learns;
}

egg_status egg_dataset_check(const egg_net_config *net, const egg_dataset *data, uint32_t n, uint32_t *bad) {
    for (uint32_t i = 0; i < n; i++) {
        *bad = i;
        size_t length = (size_t)(data->offsets[i + 1u] - data->offsets[i]);
        egg_status status = egg_stream_check(stream_of(data, i), length, net->ticks, net->inputs);
        if (status != EGG_OK) return status;
        if (data->labels[i] >= net->outputs) return EGG_E_LABEL;
    }
    return EGG_OK;
}

void egg_dataset_run(const egg_net *net, egg_workspace *ws, const egg_dataset *data, const uint32_t *index, uint32_t n,
                     uint8_t *predicted, egg_run_counts *counts) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t label = data->labels[index[i]];
        uint32_t spikes = egg_run(net, ws, stream_of(data, index[i]));
        egg_result result = egg_forward_result(net, ws, spikes, label);
        predicted[i] = result.predicted;
        egg_dataset_count(counts, result, label, false);
    }
}

void egg_dataset_batch(const egg_generation *gen, egg_workspace *ws, void *scratch, const egg_dataset *data,
                       const uint32_t *index, uint32_t n, uint32_t position0, int32_t *fitness_diff, uint8_t *active,
                       egg_run_counts *counts) {
    bool simd = gen->noise != NULL && egg_simd_pairs_fit(&gen->net->config, &gen->es, ws);
    if (simd) egg_simd_pairs_prepare(gen->net, scratch);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *stream = egg_shifted(gen, ws, position0 + i, stream_of(data, index[i]));
        uint32_t label = data->labels[index[i]];
        egg_result result = simd ? egg_simd_pairs_batch(gen, ws, scratch, stream, label, fitness_diff)
                                 : egg_batch_evaluate(gen, ws, stream, label, fitness_diff);
        egg_dataset_count(counts, result, label, true);
        egg_batch_mark(&gen->net->config, stream, active);
    }
}

size_t egg_dataset_scratch_bytes(const egg_net_config *net, const egg_estimator_config *es) {
    size_t update = egg_batch_update_bytes(), pairs = egg_simd_pairs_bytes(net, es);
    return update > pairs ? update : pairs;
}

/* Evaluates recording i, or runs it if its bytes come from the journal. Leaves its credit in the workspace, and returns
 * its stream. */
static const uint8_t *sample_credit(const egg_generation *gen, egg_workspace *ws, void *scratch,
                                    const egg_dataset *data, uint32_t i, uint32_t position, bool from_journal,
                                    int8_t *fitness_bytes, uint8_t *exponent, egg_run_counts *counts) {
    const uint8_t *stream = egg_shifted(gen, ws, position, stream_of(data, i));
    uint32_t label = data->labels[i];
    egg_result result;
    if (from_journal)
        result = egg_forward_result(gen->net, ws, egg_run(gen->net, ws, stream), label);
    else if (egg_simd_pairs_fit(&gen->net->config, &gen->es, ws))
        result = egg_simd_pairs_sample(gen, ws, scratch, position, stream, label, fitness_bytes, exponent);
    else
        result = egg_sample_evaluate(gen, ws, position, stream, label, fitness_bytes, exponent);
    egg_dataset_count(counts, result, label, true);
    egg_sample_credit(gen, ws, position, fitness_bytes, *exponent);
    return stream;
}

void egg_dataset_sample(const egg_generation *gen, egg_workspace *ws, void *scratch, const egg_dataset *data,
                        const uint32_t *index, uint32_t n, uint32_t position0, bool from_journal, int8_t *fitness_bytes,
                        uint8_t *exponent, egg_sample_update *update, egg_run_counts *counts) {
    if (egg_simd_pairs_fit(&gen->net->config, &gen->es, ws)) egg_simd_pairs_prepare(gen->net, scratch);
    for (uint32_t i = 0; i < n; i++, fitness_bytes += gen->es.pairs) {
        const uint8_t *stream = sample_credit(gen, ws, scratch, data, index[i], position0 + i, from_journal,
                                              fitness_bytes, exponent + i, counts);
        egg_sample_update_add(gen, ws, update, i, stream);
    }
}

void egg_dataset_online(const egg_generation *gen, egg_workspace *ws, void *scratch, const egg_dataset *data,
                        const uint32_t *index, uint32_t n, bool from_journal, int8_t *fitness_bytes, uint8_t *exponent,
                        egg_run_counts *counts) {
    egg_generation g = *gen;
    bool simd = egg_simd_pairs_fit(&gen->net->config, &gen->es, ws);
    for (uint32_t i = 0; i < n; i++, fitness_bytes += gen->es.pairs, g.generation++) {
        if (simd) egg_simd_pairs_prepare(gen->net, scratch);
        const uint8_t *stream =
            sample_credit(&g, ws, scratch, data, index[i], 0, from_journal, fitness_bytes, exponent + i, counts);
        egg_sample_update_online(&g, ws, stream);
    }
}

void egg_dataset_order_keys(uint32_t seed, uint32_t epoch, uint32_t n, uint32_t *keys) {
    egg_key key = egg_rng_key(seed, epoch, 0, 0, EGG_NOISE_SHUFFLE, 0);
    for (uint32_t i = 0; i < n; i++) keys[i] = egg_rng_word(key, i);
}

/* Runs an estimator that leaves credit in the workspace and no bytes. */
static egg_result evaluate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t label) {
    return (gen->es.estimator == EGG_ESTIMATOR_EPROP ? egg_eprop_evaluate : egg_sweep_evaluate)(gen, ws, stream, label);
}

void egg_dataset_credit(const egg_generation *gen, egg_workspace *ws, const egg_dataset *data, const uint32_t *index,
                        uint32_t n, uint32_t position0, egg_sample_update *update, egg_run_counts *counts) {
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *stream = egg_shifted(gen, ws, position0 + i, stream_of(data, index[i]));
        uint32_t label = data->labels[index[i]];
        egg_result result = evaluate(gen, ws, stream, label);
        egg_dataset_count(counts, result, label, !ws->no_credit);
        egg_sample_update_add(gen, ws, update, i, stream);
    }
}

void egg_dataset_credit_online(const egg_generation *gen, egg_workspace *ws, const egg_dataset *data,
                               const uint32_t *index, uint32_t n, egg_run_counts *counts) {
    egg_generation g = *gen;
    for (uint32_t i = 0; i < n; i++, g.generation++) {
        const uint8_t *stream = egg_shifted(&g, ws, 0, stream_of(data, index[i]));
        uint32_t label = data->labels[index[i]];
        egg_result result = evaluate(&g, ws, stream, label);
        egg_dataset_count(counts, result, label, !ws->no_credit);
        egg_sample_update_online(&g, ws, stream);
    }
}
