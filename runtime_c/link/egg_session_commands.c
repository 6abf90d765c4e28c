/* The commands of a session: each takes a payload and writes the body of the reply. PROTOCOL.md describes the bytes. */
#include "link/egg_session_private.h"

/* Executes a command with payload p of n bytes, a length that the command accepts. *out takes the body of the reply. */
typedef egg_status (*command)(egg_session *s, const uint8_t *p, size_t n, uint8_t **out);

static void put8(uint8_t **out, uint32_t x) {
    *(*out)++ = (uint8_t)x;
}

static void put16(uint8_t **out, uint32_t x) {
    *out = egg_put16(*out, x);
}

static void put32(uint8_t **out, uint32_t x) {
    *out = egg_put32(*out, x);
}

static egg_status hello(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)n;
    put8(out, EGG_PROTOCOL_VERSION);
    put8(out, EGG_MAX_OUTSTANDING);
    put16(out, EGG_PAYLOAD_MAX);
    put16(out, s->io.receive_window);
    uint32_t has = s->io.store != NULL ? 1u : 0u;
    if (s->io.clock != NULL) has |= 2u;
    if (s->io.selftest != NULL) has |= 4u;
    if (s->io.label != NULL) has |= 8u;
    if (s->configured) has |= 16u;
    if (s->io.baud != NULL) has |= 32u;
    put8(out, has);
    put32(out, (uint32_t)s->bytes);
    put32(out, (uint32_t)(s->configured ? s->bytes - s->used : s->bytes));
    put32(out, s->generations_done);
    put32(out, egg_session_digest(s));
    const char *name = s->io.board;
    for (uint32_t i = 0; i < 40u && name[i] != 0; i++) put8(out, (uint8_t)name[i]);
    return p[4] == EGG_PROTOCOL_VERSION ? EGG_OK : EGG_E_PROTOCOL;
}

static egg_status config(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    size_t needed;
    egg_status status = egg_session_configure(s, p, n, &needed);
    put32(out, (uint32_t)needed);
    put32(out, (uint32_t)s->bytes);
    return status;
}

/* Checks that [offset, offset + n) lies within the weights. */
static egg_status weights_span(const egg_session *s, uint32_t offset, size_t n) {
    if (!s->configured) return EGG_E_ORDER;
    size_t all = egg_net_bytes(&s->net.config);
    return offset <= all && n <= all - offset ? EGG_OK : EGG_E_RANGE;
}

static egg_status weights_read(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    uint32_t offset = egg_get32(p);
    n = egg_get16(p + 4);
    egg_status status = weights_span(s, offset, n);
    if (status != EGG_OK) return status;
    if (n > EGG_PAYLOAD_MAX - 1u) return EGG_E_RANGE;
    egg_copy(*out, s->net.weights[0] + offset, n);
    *out += n;
    return EGG_OK;
}

static egg_status weights_write(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)out;
    egg_status status = weights_span(s, egg_get32(p), n - 4u);
    if (status != EGG_OK) return status;
    for (size_t i = 4; i < n; i++)
        if (p[i] == 0x80) return EGG_E_RANGE; /* -128 is not allowed: all bounds are proved for -127..127 */
    egg_copy(s->net.weights[0] + egg_get32(p), p + 4, n - 4u);
    return EGG_OK;
}

static egg_status generation(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)n, (void)out;
    egg_sigma sigma = {(uint16_t)egg_get16(p + 4), (uint16_t)egg_get16(p + 6)};
    egg_learning_rate hidden = {p[8], p[9]}, readout = {p[10], p[11]};
    return egg_session_begin(s, egg_get32(p), sigma, hidden, readout);
}

/* Collects the chunks of a recording. Afterwards s->receiving says whether more of them must come. */
static egg_status gather(egg_session *s, const uint8_t *p, size_t n) {
    uint32_t flags = p[0];
    if (!s->configured) return EGG_E_ORDER;
    if (flags & EGG_CHUNK_FIRST) s->stream_bytes = 0;
    if (!(flags & EGG_CHUNK_FIRST) && !s->receiving) return EGG_E_ORDER;
    s->receiving = false;
    if (n - 4u > s->stream_max - s->stream_bytes) return EGG_E_RANGE;
    egg_copy(s->stream + s->stream_bytes, p + 4, n - 4u);
    s->stream_bytes += (uint32_t)(n - 4u);
    s->receiving = (flags & EGG_CHUNK_LAST) == 0;
    return EGG_OK;
}

static void put_result(uint8_t **out, const egg_result *r, uint32_t label) {
    put8(out, r->predicted);
    put8(out, label);
    put32(out, (uint32_t)r->loss);
    put32(out, r->spikes);
}

static egg_status sample(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    uint32_t label = p[1];
    egg_result result;
    egg_status status = gather(s, p, n);
    if (status != EGG_OK || s->receiving) return status;
    if (label == EGG_LABEL_ASK) {
        if (s->io.label == NULL) return EGG_E_ABSENT;
        int32_t given = s->io.label(s->io.user);
        if (given < 0) return EGG_E_LABEL;
        label = (uint32_t)given;
    }
    status = egg_session_train(s, s->stream, s->stream_bytes, label, egg_get16(p + 2), &result);
    if (status != EGG_OK) return status;
    put_result(out, &result, label);
    if (!egg_session_uses(s, EGG_ESTIMATOR_SAMPLE)) return EGG_OK;
    put8(out, s->exponent);
    uint32_t room = EGG_PAYLOAD_MAX - 12u, pairs = s->gen.es.pairs < room ? s->gen.es.pairs : room;
    egg_copy(*out, s->fitness_bytes, pairs);
    *out += pairs;
    return EGG_OK;
}

static egg_status infer(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    uint32_t label = p[1];
    egg_result result;
    egg_status status = gather(s, p, n);
    if (status != EGG_OK || s->receiving) return status;
    status = egg_session_infer(s, s->stream, s->stream_bytes, label == EGG_LABEL_ASK ? 0 : label, &result);
    if (status != EGG_OK) return status;
    if (label == EGG_LABEL_ASK) result.loss = 0;
    put_result(out, &result, label);
    return EGG_OK;
}

/* Checks that the device trains, and that [first, first + n) are pairs. */
static egg_status pair_span(const egg_session *s, uint32_t first, uint32_t n) {
    if (!s->configured || s->mode == EGG_MODE_INFER) return EGG_E_ORDER;
    return first + n <= s->gen.es.pairs ? EGG_OK : EGG_E_RANGE;
}

static egg_status fitness_read(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)n;
    uint32_t first = egg_get16(p + 1), count = egg_get16(p + 3), width = p[0] == 0 ? 4u : 1u;
    egg_status status = pair_span(s, first, count);
    if (status != EGG_OK) return status;
    if (p[0] > 1 || count * width > EGG_PAYLOAD_MAX - 2u) return EGG_E_RANGE;
    bool has_kind = p[0] == 0 ? egg_session_uses(s, EGG_ESTIMATOR_BATCH) : egg_has_pairs(s->gen.es.estimator);
    if (!has_kind) return EGG_E_ESTIMATOR;
    put8(out, p[0] == 0 ? 0u : s->exponent);
    for (uint32_t i = first; i < first + count; i++)
        if (p[0] == 0)
            put32(out, (uint32_t)s->fitness_diff[i]);
        else
            put8(out, (uint8_t)s->fitness_bytes[i]);
    return EGG_OK;
}

static egg_status shaped_write(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)out;
    uint32_t first = egg_get16(p + 1), count = (uint32_t)n - 3u;
    if (!s->generation_begun) return EGG_E_ORDER;
    if (!egg_session_uses(s, EGG_ESTIMATOR_BATCH)) return EGG_E_ESTIMATOR;
    if (p[0] == 0) {
        egg_status status = pair_span(s, first, count);
        if (status == EGG_OK) egg_copy(s->fitness_bytes + first, p + 3, count);
        return status;
    }
    if (p[0] > 1 || first + count > (s->net.config.inputs + 8u) / 8u) return EGG_E_RANGE;
    for (uint32_t i = 0; i < count; i++) s->active[first + i] = (uint8_t)(s->active[first + i] | p[3u + i]);
    return EGG_OK;
}

static egg_status update(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)n;
    if (p[0] > 1) return EGG_E_RANGE;
    egg_status status = egg_session_update(s, p[0] != 0);
    if (status == EGG_OK) put32(out, s->generations_done);
    return status;
}

static egg_status save(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)p, (void)n;
    egg_status status = egg_session_save(s);
    if (status == EGG_OK) put32(out, s->generations_done);
    return status;
}

static egg_status load(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)p, (void)n;
    egg_status status = egg_session_load(s);
    if (status != EGG_OK) return status;
    put32(out, s->generations_done);
    put32(out, egg_session_digest(s));
    egg_copy(*out, s->config, s->config_bytes);
    *out += s->config_bytes;
    return EGG_OK;
}

static egg_status stats(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)p, (void)n;
    const egg_session_stats *t = &s->stats;
    put32(out, t->bytes_in);
    put32(out, t->bytes_out);
    put32(out, t->frames);
    put32(out, s->decoder.bad);
    put32(out, t->repeated);
    put32(out, t->out_of_order);
    put32(out, t->recordings);
    put32(out, t->updates);
    put32(out, t->busy_clock);
    put32(out, t->link_clock);
    put32(out, s->io.clock == NULL ? 0 : s->io.clock(s->io.user));
    put32(out, s->io.clock_hz);
    return EGG_OK;
}

static egg_status reset(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)p, (void)n, (void)out;
    s->configured = s->generation_begun = s->receiving = false;
    s->generations_done = 0;
    return EGG_OK;
}

static egg_status selftest(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    if (s->io.selftest == NULL) return EGG_E_ABSENT;
    reset(s, p, n, out); /* the selftest may overwrite the arena */
    put32(out, s->io.selftest(s->io.user, s->memory, s->bytes));
    return EGG_OK;
}

static egg_status digest(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)p, (void)n;
    if (!s->configured) return EGG_E_ORDER;
    put32(out, s->generations_done);
    put32(out, egg_session_digest(s));
    return EGG_OK;
}

/* The reply goes out at the old baud rate; egg_session.c sets the new one afterwards. */
static egg_status baud_set(egg_session *s, const uint8_t *p, size_t n, uint8_t **out) {
    (void)n, (void)out;
    if (s->io.baud == NULL || s->io.clock_hz == 0) return EGG_E_ABSENT;
    if (!s->io.baud(s->io.user, egg_get32(p), false)) return EGG_E_RANGE;
    s->new_baud = egg_get32(p);
    return EGG_OK;
}

egg_status egg_session_command(egg_session *s, uint32_t type, const uint8_t *payload, size_t n, uint8_t **out) {
    static const struct {
        command run;
        uint16_t least, most; /* limits of the payload's length */
    } table[EGG_CMD_END - 1] = {
        {hello, 5, 5},        {config, 1, EGG_CONFIG_MAX},
        {weights_read, 6, 6}, {weights_write, 4, EGG_PAYLOAD_MAX},
        {generation, 12, 12}, {sample, 4, EGG_PAYLOAD_MAX},
        {fitness_read, 5, 5}, {shaped_write, 3, EGG_PAYLOAD_MAX},
        {update, 1, 1},       {infer, 4, EGG_PAYLOAD_MAX},
        {save, 0, 0},         {load, 0, 0},
        {stats, 0, 0},        {selftest, 0, 0},
        {reset, 0, 0},        {digest, 0, 0},
        {baud_set, 4, 4},
    };
    if (type < EGG_CMD_HELLO || type >= EGG_CMD_END) return EGG_E_COMMAND;
    if (n < table[type - 1u].least || n > table[type - 1u].most) return EGG_E_LENGTH;
    return table[type - 1u].run(s, payload, n, out);
}
