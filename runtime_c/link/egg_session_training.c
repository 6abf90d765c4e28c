/* The net of a session: its memory, its training and its checkpoints. */
#include "base/egg_stream.h"
#include "link/egg_session_private.h"

static size_t round4(size_t n) {
    return (n + 3u) & ~(size_t)3u;
}

/* Bytes of each part of the arena, in their order: the parts that must be aligned come first. */
typedef struct {
    size_t workspace, fitness_diff, sum, weights, fitness_bytes, active, stream, shifted;
} parts;

static parts parts_of(const egg_net_config *net, const egg_estimator_config *es, uint32_t mode, uint32_t stream_max) {
    bool trains = mode != EGG_MODE_INFER, batch = trains && es->estimator == EGG_ESTIMATOR_BATCH;
    bool has_bytes = trains && egg_has_pairs(es->estimator);
    size_t longest = egg_stream_bytes(net->ticks, net->inputs);
    parts p;
    p.workspace = round4(egg_workspace_bytes(net, trains ? es : NULL));
    p.weights = egg_net_bytes(net);
    p.fitness_diff = batch ? es->pairs * sizeof(int32_t) : 0;
    p.sum = trains && !batch && mode != EGG_MODE_ONLINE ? p.weights * sizeof(int32_t) : 0;
    p.fitness_bytes = has_bytes ? es->pairs : 0;
    p.active = batch ? (net->inputs + 8u) / 8u : 0;
    p.stream = stream_max == 0 || stream_max > longest ? longest : stream_max;
    p.shifted = trains ? egg_shifted_bytes(net, es, p.stream) : 0;
    return p;
}

static size_t total(const parts *p) {
    return p->workspace + p->fitness_diff + p->sum + p->weights + p->fitness_bytes + p->active + p->stream + p->shifted;
}

size_t egg_session_bytes(const egg_net_config *net, const egg_estimator_config *es, uint32_t mode,
                         uint32_t stream_max) {
    parts p = parts_of(net, es, mode, stream_max);
    return total(&p);
}

/* Offsets in the payload of CONFIG (PROTOCOL.md): some fields, the end of the fixed part; then the bytes of a layer, of
 * the optional tail about the inputs, and of what each layer adds if there are convolutions. */
enum { MODE = 0, LAYERS = 1, STD = 13, INPUT_SEGMENTS = 15, PAIRS = 16, SEED = 20, STREAM = 24, FIXED = 28, LAYER = 6 };
enum { TAIL = 6, KERNEL = 3 };

/* Reads the rest[n] of a payload behind the layers. Its length tells which of the optional parts it has. */
static egg_status parse_tail(const uint8_t *rest, size_t n, egg_net_config *net, egg_estimator_config *es) {
    es->shift = 0;
    if (n == 0) return EGG_OK;
    if (n != TAIL && n != TAIL + 1u + KERNEL * (size_t)net->layers) return EGG_E_LENGTH;
    net->input_channels = rest[0];
    net->input_rows = (uint16_t)egg_get16(rest + 1);
    net->input_cols = (uint16_t)egg_get16(rest + 3);
    es->shift = rest[5];
    if (n == TAIL) return EGG_OK;
    if (!EGG_CONVOLUTIONS) return EGG_E_CONVOLUTION;
    net->readout_pool = rest[TAIL];
    rest += TAIL + 1;
    for (uint32_t l = 0; l < net->layers; l++, rest += KERNEL) {
        net->layer[l].kernel = rest[0];
        net->layer[l].stride = rest[1];
        net->layer[l].padding = rest[2];
    }
    return EGG_OK;
}

/* Reads and checks a payload of CONFIG. */
static egg_status parse(const uint8_t *p, size_t n, egg_net_config *net, egg_estimator_config *es) {
    if (n < FIXED) return EGG_E_LENGTH;
    if (p[LAYERS] > EGG_LAYERS_MAX) return EGG_E_LAYERS;
    size_t end = FIXED + (size_t)LAYER * p[LAYERS];
    if (n < end) return EGG_E_LENGTH;
    egg_zero(net, sizeof *net);
    net->layers = p[LAYERS];
    net->inputs = (uint16_t)egg_get16(p + 2);
    net->outputs = (uint16_t)egg_get16(p + 4);
    net->ticks = p[6];
    net->readout = p[7];
    net->gain = p[8];
    net->input_segments = p[INPUT_SEGMENTS];
    es->estimator = p[9];
    es->rank = p[10];
    es->segments = p[11];
    es->fitness = p[12];
    /* Estimators without pairs have learn_above in their place. */
    bool pairs = egg_has_pairs(es->estimator);
    es->pairs = pairs ? (uint16_t)egg_get16(p + PAIRS) : 1u;
    es->learn_above = pairs ? 0 : (uint16_t)egg_get16(p + PAIRS);
    es->penalty = (uint16_t)egg_get16(p + 18);
    for (uint32_t l = 0; l < net->layers; l++) {
        const uint8_t *q = p + FIXED + LAYER * l;
        net->layer[l].size = (uint16_t)egg_get16(q);
        net->layer[l].threshold = (uint16_t)egg_get16(q + 2);
        net->layer[l].leak_shift = q[4];
        net->layer[l].refractory = q[5];
    }
    egg_status status = parse_tail(p + end, n - end, net, es);
    if (status == EGG_OK) status = egg_net_check(net);
    if (status != EGG_OK) return status;
    if (p[MODE] > EGG_MODE_ONLINE || p[STD] > EGG_STD_MAX || p[STD + 1] > EGG_STD_MAX) return EGG_E_RANGE;
    if (p[MODE] == EGG_MODE_INFER) return EGG_OK;
    if (es->estimator > EGG_ESTIMATOR_EPROP || !egg_session_has(es->estimator)) return EGG_E_ESTIMATOR;
    if (p[MODE] == EGG_MODE_ONLINE && es->estimator == EGG_ESTIMATOR_BATCH) return EGG_E_ESTIMATOR;
    return egg_estimator_check(net, es);
}

/* Lays out the arena for a payload of CONFIG. The weights keep the values that the memory holds. */
static egg_status lay_out(egg_session *s, const uint8_t *payload, size_t n, size_t *needed) {
    egg_net_config net;
    egg_estimator_config es;
    *needed = 0;
    s->configured = s->generation_begun = s->receiving = false;
    egg_status status = parse(payload, n, &net, &es);
    if (status != EGG_OK) return status;
    s->mode = payload[MODE];
    bool trains = s->mode != EGG_MODE_INFER;
    parts p = parts_of(&net, &es, s->mode, egg_get32(payload + STREAM));
    *needed = total(&p);
    if (*needed > s->bytes) return EGG_E_MEMORY;
    uint8_t *at = s->memory;
    status = egg_workspace_init(&s->ws, &net, trains ? &es : NULL, at, p.workspace);
    if (status != EGG_OK) return status;
    at += p.workspace;
    s->fitness_diff = (int32_t *)(void *)at, at += p.fitness_diff;
    s->sum = (int32_t *)(void *)at, at += p.sum;
    egg_net_init(&s->net, &net, (int8_t *)at, p.weights), at += p.weights;
    s->fitness_bytes = (int8_t *)at, at += p.fitness_bytes;
    s->active = at, at += p.active;
    s->stream = at, at += p.stream;
    s->stream_max = (uint32_t)p.stream;
    s->ws.shifted = at;
    s->gen.es = es;
    s->gen.seed = egg_get32(payload + SEED);
    s->used = *needed;
    s->config_bytes = (uint8_t)n;
    egg_copy(s->config, payload, n);
    egg_zero(s->fitness_bytes, p.fitness_bytes);
    s->configured = true;
    return EGG_OK;
}

egg_status egg_session_configure(egg_session *s, const uint8_t *payload, size_t n, size_t *needed) {
    egg_status status = lay_out(s, payload, n, needed);
    if (status == EGG_OK) egg_net_randomize(&s->net, s->gen.seed, payload[STD], payload[STD + 1]);
    if (status == EGG_OK) s->generations_done = 0;
    return status;
}

uint32_t egg_session_digest(const egg_session *s) {
    return s->configured ? egg_net_digest(&s->net) : 0;
}

egg_status egg_session_begin(egg_session *s, uint32_t generation, egg_sigma sigma, egg_learning_rate hidden,
                             egg_learning_rate readout) {
    if (!s->configured || s->mode == EGG_MODE_INFER) return EGG_E_ORDER;
    s->generation_begun = false;
    s->gen.generation = generation;
    s->gen.sigma = sigma;
    s->gen.learning_rate_hidden = hidden;
    s->gen.learning_rate_readout = readout;
    egg_status status = egg_generation_check(&s->gen);
    if (status != EGG_OK) return status;
    if (egg_session_uses(s, EGG_ESTIMATOR_BATCH)) {
        egg_zero(s->fitness_diff, s->gen.es.pairs * sizeof *s->fitness_diff);
        egg_zero(s->active, (s->net.config.inputs + 8u) / 8u);
    } else if (s->mode == EGG_MODE_GENERATIONS) {
        egg_zero(s->sum, egg_net_bytes(&s->net.config) * sizeof *s->sum);
    }
    s->generations_done = generation;
    s->recordings = 0;
    s->generation_begun = true;
    return EGG_OK;
}

/* Evaluates the estimator on a recording. All but `batch` leave the credit of the recording in the workspace. Each is
 * asked for, also the last one, so that a build without it does not keep its code. */
static egg_result evaluate(egg_session *s, const uint8_t *stream, uint32_t label, uint32_t position) {
    egg_result result = {0};
    if (egg_session_uses(s, EGG_ESTIMATOR_SWEEP)) {
        result = egg_sweep_evaluate(&s->gen, &s->ws, stream, label);
    } else if (egg_session_uses(s, EGG_ESTIMATOR_EPROP)) {
        result = egg_eprop_evaluate(&s->gen, &s->ws, stream, label);
    } else if (egg_session_uses(s, EGG_ESTIMATOR_SAMPLE)) {
        result = egg_sample_evaluate(&s->gen, &s->ws, position, stream, label, s->fitness_bytes, &s->exponent);
        egg_sample_credit(&s->gen, &s->ws, position, s->fitness_bytes, s->exponent);
    } else if (egg_session_uses(s, EGG_ESTIMATOR_BATCH)) {
        egg_batch_mark(&s->net.config, stream, s->active);
        result = egg_batch_evaluate(&s->gen, &s->ws, stream, label, s->fitness_diff);
    }
    return result;
}

egg_status egg_session_train(egg_session *s, const uint8_t *stream, size_t n, uint32_t label, uint32_t position,
                             egg_result *result) {
    const egg_net_config *c = &s->net.config;
    if (!s->generation_begun) return EGG_E_ORDER;
    if (label >= c->outputs) return EGG_E_LABEL;
    bool online = s->mode == EGG_MODE_ONLINE;
    if (position >= (online ? 1u : EGG_RECORDINGS_MAX) || s->recordings >= EGG_RECORDINGS_MAX) return EGG_E_RANGE;
    if (s->gen.es.shift > 0 && n > s->stream_max) return EGG_E_RANGE; /* it might not fit into ws.shifted */
    egg_status status = egg_stream_check(stream, n, c->ticks, c->inputs);
    if (status != EGG_OK) return status;
    stream = egg_shifted(&s->gen, &s->ws, position, stream);
    *result = evaluate(s, stream, label, position);
    if (!egg_session_uses(s, EGG_ESTIMATOR_BATCH))
        egg_sample_accumulate(&s->gen, &s->ws, stream, online ? NULL : s->sum);
    s->stats.recordings++;
    if (online) {
        s->generations_done = ++s->gen.generation;
        s->stats.updates++;
    } else {
        s->recordings++;
    }
    return EGG_OK;
}

egg_status egg_session_infer(egg_session *s, const uint8_t *stream, size_t n, uint32_t label, egg_result *result) {
    const egg_net_config *c = &s->net.config;
    if (!s->configured) return EGG_E_ORDER;
    if (label >= c->outputs) return EGG_E_LABEL;
    egg_status status = egg_stream_check(stream, n, c->ticks, c->inputs);
    if (status == EGG_OK) *result = egg_forward_result(&s->net, &s->ws, egg_run(&s->net, &s->ws, stream), label);
    return status;
}

egg_status egg_session_update(egg_session *s, bool from_host) {
    if (!s->generation_begun || s->mode != EGG_MODE_GENERATIONS) return EGG_E_ORDER;
    const egg_net_config *c = &s->net.config;
    if (egg_session_uses(s, EGG_ESTIMATOR_BATCH)) {
        if (!from_host) egg_shape_fitness(s->fitness_diff, s->gen.es.pairs, s->fitness_bytes);
        egg_batch_update(&s->gen, &s->ws, s->fitness_bytes, s->active);
    } else {
        if (from_host) return EGG_E_ESTIMATOR;
        for (uint32_t m = 0; m < egg_net_matrices(c); m++)
            egg_sample_finish(&s->gen, &s->ws, m, 0, egg_net_rows(c, m), s->sum);
    }
    s->generations_done = s->gen.generation + 1u;
    s->generation_begun = false;
    s->stats.updates++;
    return EGG_OK;
}

egg_status egg_session_save(egg_session *s) {
    if (s->io.store == NULL) return EGG_E_ABSENT;
    if (!s->configured) return EGG_E_ORDER;
    return egg_checkpoint_save(s->io.store, s->generations_done, s->config, s->config_bytes, s->net.weights[0],
                               (uint32_t)egg_net_bytes(&s->net.config));
}

egg_status egg_session_load(egg_session *s) {
    const egg_checkpoint_io *store = s->io.store;
    uint8_t config[EGG_CONFIG_MAX];
    egg_checkpoint found;
    size_t needed;
    if (store == NULL) return EGG_E_ABSENT;
    egg_status status = egg_checkpoint_find(store, &found);
    if (status != EGG_OK) return status;
    if (found.config_bytes > EGG_CONFIG_MAX) return EGG_E_EMPTY; /* it is from other firmware */
    status = egg_checkpoint_read_config(store, &found, config);
    if (status == EGG_OK) status = lay_out(s, config, found.config_bytes, &needed);
    if (status == EGG_OK && found.weight_bytes != egg_net_bytes(&s->net.config)) status = EGG_E_EMPTY;
    if (status == EGG_OK) status = egg_checkpoint_read_weights(store, &found, s->net.weights[0]);
    s->configured = status == EGG_OK;
    if (status == EGG_OK) s->generations_done = found.generation;
    return status;
}

egg_status egg_session_resume(egg_session *s, const uint8_t *payload, size_t n, size_t *needed) {
    if (egg_session_load(s) == EGG_OK && s->config_bytes == n) {
        uint32_t differ = 0;
        for (size_t i = 0; i < n; i++) differ |= (uint32_t)(s->config[i] ^ payload[i]);
        *needed = s->used;
        if (differ == 0) return EGG_OK;
    }
    return egg_session_configure(s, payload, n, needed);
}
