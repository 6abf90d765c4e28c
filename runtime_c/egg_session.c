/* The link: frames, sequence numbers, kept replies. What commands do is in egg_command.c and egg_learn.c. */
#include "egg_session.h"

#include "egg_fx.h"
#include "egg_session_private.h"

typedef char egg_session_needs_power_of_two[(EGG_REPLIES & (EGG_REPLIES - 1u)) == 0 && EGG_REPLIES <= 64u ? 1 : -1];
typedef char egg_session_needs_room[EGG_PAYLOAD_MAX >= 64u && EGG_PAYLOAD_MAX <= 4096u ? 1 : -1];

egg_status egg_session_init(egg_session *s, const egg_session_io *io, void *memory, size_t bytes) {
    egg_zero(s, sizeof *s);
    if (memory == NULL || ((uintptr_t)memory & 3u) != 0) return EGG_E_MEMORY;
    if (io->window < EGG_FRAME_MAX + 4u) return EGG_E_RANGE; /* COBS, its ends */
    s->io = *io;
    s->memory = (uint8_t *)memory;
    s->bytes = bytes;
    s->gen.net = &s->net;
    egg_decoder_init(&s->decoder, s->request, EGG_FRAME_MAX);
    return EGG_OK;
}

static uint32_t ticks(const egg_session *s) {
    return s->io.ticks == NULL ? 0 : s->io.ticks(s->io.user);
}

static void send(egg_session *s, const uint8_t *frame, size_t n) {
    uint32_t begun = ticks(s);
    s->stats.bytes_out += (uint32_t)egg_wire_send(s->io.write, s->io.user, frame, n);
    s->stats.link_ticks += ticks(s) - begun;
}

/* A reply that is not kept: the request was not executed, and keeps its sequence number. */
static void refuse(egg_session *s, egg_status status) {
    uint8_t frame[EGG_FRAME_HEAD + 2u + EGG_FRAME_TAIL];
    frame[0] = (uint8_t)(s->request[0] | EGG_REPLY);
    frame[1] = s->request[1];
    frame[2] = (uint8_t)status;
    frame[3] = s->expected;
    send(s, frame, egg_wire_seal(frame, EGG_FRAME_HEAD + 2u));
}

static void execute(egg_session *s, uint8_t *reply, uint16_t *reply_bytes, uint32_t fits) {
    uint32_t begun = ticks(s);
    uint8_t *out = reply + EGG_FRAME_HEAD + 1u;
    egg_status status = EGG_E_CEILING;
    if (fits)
        status = egg_session_command(s, s->request[0], s->request + EGG_FRAME_HEAD, s->decoder.length - EGG_FRAME_HEAD,
                                     &out);
    reply[0] = (uint8_t)(s->request[0] | EGG_REPLY);
    reply[1] = s->request[1];
    reply[2] = (uint8_t)status;
    *reply_bytes = (uint16_t)egg_wire_seal(reply, (size_t)(out - reply));
    if (s->request[0] != EGG_STATS) s->stats.busy_ticks += ticks(s) - begun;
}

/* A HELLO with another nonce begins a session, whatever went before. */
static void greet(egg_session *s, uint32_t fits) {
    if (!fits || s->request[0] != EGG_HELLO || s->decoder.length < EGG_FRAME_HEAD + 4u) return;
    uint32_t nonce = egg_get32(s->request + EGG_FRAME_HEAD);
    if (s->greeted && nonce == s->nonce) return;
    s->greeted = 1;
    s->nonce = nonce;
    s->expected = s->request[1];
    egg_zero(s->reply_bytes, sizeof s->reply_bytes);
}

/* At another rate than EGG_BAUD: a device that hears nothing good may be the only one there. */
static void doubt(egg_session *s) {
    if (!s->fast || s->doubt) return;
    s->doubt = 1;
    s->since = ticks(s);
}

static void set_rate(egg_session *s, uint32_t rate) {
    s->io.baud(s->io.user, rate, 1);
    s->rate = 0;
    s->doubt = 0;
    s->fast = rate != EGG_BAUD;
    doubt(s); /* until the host's HELLO has come at it */
}

uint32_t egg_session_idle(egg_session *s) {
    if (!s->doubt) return 0;
    if (ticks(s) - s->since < EGG_BAUD_S * s->io.ticks_hz) return 1;
    set_rate(s, EGG_BAUD);
    return 0;
}

static void handle(egg_session *s, uint32_t fits) {
    s->stats.frames++;
    s->doubt = 0;
    greet(s, fits);
    if (!s->greeted) {
        refuse(s, EGG_E_SESSION);
        return;
    }
    uint8_t sequence = s->request[1], age = (uint8_t)(s->expected - sequence); /* 0: the one to come */
    uint32_t slot = sequence & (EGG_REPLIES - 1u);
    if (age >= 128u) {
        s->stats.early++;
        refuse(s, EGG_E_SEQUENCE);
        return;
    }
    if (age > EGG_REPLIES) return; /* answered long ago: the host has seen that reply, or it would not be further */
    if (age == 0) {
        s->expected++;
        execute(s, s->reply[slot], &s->reply_bytes[slot], fits);
    } else {
        static const uint8_t end = 0;
        s->stats.repeated++;
        s->io.write(s->io.user, &end, 1); /* the reply before may have lost its end */
        s->stats.bytes_out++;
    }
    if (s->reply_bytes[slot] != 0) send(s, s->reply[slot], s->reply_bytes[slot]);
    if (s->rate != 0) set_rate(s, s->rate);
}

void egg_session_receive(egg_session *s, const uint8_t *bytes, size_t n) {
    s->stats.bytes_in += (uint32_t)n;
    if (s->decoder.code != 0) s->stats.link_ticks += ticks(s) - s->returned; /* in the middle of a frame */
    while (n-- > 0) {
        uint32_t bad = s->decoder.bad, event = egg_decoder_put(&s->decoder, *bytes++);
        if (s->decoder.bad != bad) doubt(s);
        if (event != EGG_WIRE_NOTHING) handle(s, event == EGG_WIRE_FRAME);
    }
    egg_session_idle(s);
    s->returned = ticks(s);
}
