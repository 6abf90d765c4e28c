#include "egg_host.h"

#include "../egg_es_private.h"
#include "../egg_fx.h"
#include "../egg_kernel.h"
#include "../egg_stream.h"
#include "egg_group.h"
#include "egg_steps.h"

static const uint8_t *stream_of(const egg_data *data, uint32_t i) {
    return data->streams + data->offsets[i];
}

static void count(egg_tally *tally, egg_result result, uint32_t label) {
    tally->loss += result.loss;
    tally->spikes += result.spikes;
    tally->samples++;
    tally->correct += result.predicted == label;
}

egg_status egg_host_check(const egg_net_config *net, const egg_data *data, uint32_t n, uint32_t *bad) {
    for (uint32_t i = 0; i < n; i++) {
        *bad = i;
        size_t length = (size_t)(data->offsets[i + 1u] - data->offsets[i]);
        egg_status status = egg_stream_check(stream_of(data, i), length, net->ticks, net->inputs);
        if (status != EGG_OK) return status;
        if (data->labels[i] >= net->outputs) return EGG_E_LABEL;
    }
    return EGG_OK;
}

void egg_host_run(const egg_net *net, egg_ws *ws, const egg_data *data, const uint32_t *index, uint32_t n,
                  uint8_t *predicted, egg_tally *tally) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t label = data->labels[index[i]];
        uint32_t spikes = egg_run(net, ws, stream_of(data, index[i]));
        egg_result result = egg_forward_result(net, ws, spikes, label);
        predicted[i] = result.predicted;
        count(tally, result, label);
    }
}

void egg_host_batch(const egg_gen *gen, egg_ws *ws, void *scratch, const egg_data *data, const uint32_t *index,
                    uint32_t n, int32_t *diff, uint8_t *active, egg_tally *tally) {
    uint32_t group = gen->noise != NULL && egg_group_fits(&gen->net->config, &gen->es, ws);
    if (group) egg_group_prepare(gen->net, scratch);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *stream = stream_of(data, index[i]);
        uint32_t label = data->labels[index[i]];
        egg_result result = group ? egg_group_batch(gen, ws, scratch, stream, label, diff)
                                  : egg_batch_eval(gen, ws, stream, label, diff);
        count(tally, result, label);
        egg_batch_mark(&gen->net->config, stream, active);
    }
}

size_t egg_host_scratch(const egg_net_config *net, const egg_es_config *es) {
    size_t steps = egg_steps_bytes(), group = egg_group_bytes(net, es);
    return steps > group ? steps : group;
}

/* The bytes of one sample, evaluated or given; leaves its credit in the workspace. */
static void sample_credit(const egg_gen *gen, egg_ws *ws, void *scratch, const egg_data *data, uint32_t i, uint32_t pos,
                          int replay, int8_t *f, uint8_t *e, egg_tally *tally) {
    const uint8_t *stream = stream_of(data, i);
    uint32_t label = data->labels[i];
    egg_result result;
    if (replay)
        result = egg_forward_result(gen->net, ws, egg_run(gen->net, ws, stream), label);
    else if (egg_group_fits(&gen->net->config, &gen->es, ws))
        result = egg_group_sample(gen, ws, scratch, pos, stream, label, f, e);
    else
        result = egg_sample_eval(gen, ws, pos, stream, label, f, e);
    count(tally, result, label);
    egg_sample_credit(gen, ws, pos, f, *e);
}

void egg_host_sample(const egg_gen *gen, egg_ws *ws, void *scratch, const egg_data *data, const uint32_t *index,
                     uint32_t n, uint32_t pos0, int replay, int8_t *f, uint8_t *e, egg_credit *credit,
                     egg_tally *tally) {
    if (egg_group_fits(&gen->net->config, &gen->es, ws)) egg_group_prepare(gen->net, scratch);
    for (uint32_t i = 0; i < n; i++, f += gen->es.pairs) {
        sample_credit(gen, ws, scratch, data, index[i], pos0 + i, replay, f, e + i, tally);
        egg_credit_add(gen, ws, credit, i, stream_of(data, index[i]));
    }
}

void egg_host_online(const egg_gen *gen, egg_ws *ws, void *scratch, const egg_data *data, const uint32_t *index,
                     uint32_t n, int replay, int8_t *f, uint8_t *e, egg_tally *tally) {
    egg_gen g = *gen;
    uint32_t group = egg_group_fits(&gen->net->config, &gen->es, ws);
    for (uint32_t i = 0; i < n; i++, f += gen->es.pairs, g.generation++) {
        if (group) egg_group_prepare(gen->net, scratch);
        sample_credit(&g, ws, scratch, data, index[i], 0, replay, f, e + i, tally);
        egg_sample_learn(&g, ws, stream_of(data, index[i]));
    }
}

/* Sorts n keys; heapsort, for it needs no memory and no libc. */
static void sift(uint64_t *keys, uint32_t root, uint32_t n) {
    for (uint32_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && keys[child] < keys[child + 1]) child++;
        if (keys[root] >= keys[child]) return;
        uint64_t swap = keys[root];
        keys[root] = keys[child];
        keys[child] = swap;
    }
}

void egg_host_shuffle(uint32_t seed, uint32_t epoch, uint32_t n, uint64_t *keys, uint32_t *order) {
    egg_key key = egg_rng_key(seed, epoch, 0, 0, EGG_STREAM_SHUFFLE, 0);
    for (uint32_t i = 0; i < n; i++) keys[i] = (uint64_t)egg_rng_word(key, i) << 32 | i;
    for (uint32_t i = n / 2; i-- > 0;) sift(keys, i, n);
    for (uint32_t end = n; end-- > 1;) {
        uint64_t swap = keys[0];
        keys[0] = keys[end];
        keys[end] = swap;
        sift(keys, 0, end);
    }
    for (uint32_t i = 0; i < n; i++) order[i] = (uint32_t)keys[i];
}
