/* The link of a session: frames, sequence numbers, kept replies, baud rate. The commands are in egg_session_commands.c
 * and egg_session_training.c. */
#include "link/egg_session.h"

#include "link/egg_session_private.h"

typedef char egg_session_needs_power_of_two
    [(EGG_MAX_OUTSTANDING & (EGG_MAX_OUTSTANDING - 1u)) == 0 && EGG_MAX_OUTSTANDING <= 64u ? 1 : -1];
typedef char egg_session_needs_room[EGG_PAYLOAD_MAX >= 80u && EGG_PAYLOAD_MAX <= 4096u ? 1 : -1];

egg_status egg_session_init(egg_session *s, const egg_session_io *io, void *memory, size_t bytes) {
    egg_zero(s, sizeof *s);
    if (memory == NULL || ((uintptr_t)memory & 3u) != 0) return EGG_E_MEMORY;
    if (io->receive_window < EGG_FRAME_MAX + 4u) return EGG_E_RANGE; /* COBS adds 2 bytes, the zeros at both ends 2 */
    s->io = *io;
    s->memory = (uint8_t *)memory;
    s->bytes = bytes;
    s->gen.net = &s->net;
    egg_frame_decoder_init(&s->decoder, s->request, EGG_FRAME_MAX);
    return EGG_OK;
}

/* The board's clock, or 0 without one. */
static uint32_t clock_now(const egg_session *s) {
    return s->io.clock == NULL ? 0 : s->io.clock(s->io.user);
}

static void send(egg_session *s, const uint8_t *frame, size_t n) {
    uint32_t begun = clock_now(s);
    s->stats.bytes_out += (uint32_t)egg_frame_send(s->io.write, s->io.user, frame, n);
    s->stats.link_clock += clock_now(s) - begun;
}

/* Refuses a request without executing it: the reply is not kept, and the expected sequence number stays. */
static void refuse(egg_session *s, egg_status status) {
    uint8_t frame[EGG_FRAME_HEAD + 2u + EGG_FRAME_TAIL];
    frame[0] = (uint8_t)(s->request[0] | EGG_CMD_REPLY);
    frame[1] = s->request[1];
    frame[2] = (uint8_t)status;
    frame[3] = s->expected;
    send(s, frame, egg_frame_seal(frame, EGG_FRAME_HEAD + 2u));
}

/* Executes the request, and keeps the reply. `fits` says that the request was not too long. */
static void execute(egg_session *s, uint8_t *reply, uint16_t *reply_bytes, bool fits) {
    uint32_t begun = clock_now(s);
    uint8_t *out = reply + EGG_FRAME_HEAD + 1u;
    egg_status status = EGG_E_CEILING;
    if (fits)
        status = egg_session_command(s, s->request[0], s->request + EGG_FRAME_HEAD, s->decoder.length - EGG_FRAME_HEAD,
                                     &out);
    reply[0] = (uint8_t)(s->request[0] | EGG_CMD_REPLY);
    reply[1] = s->request[1];
    reply[2] = (uint8_t)status;
    *reply_bytes = (uint16_t)egg_frame_seal(reply, (size_t)(out - reply));
    if (s->request[0] != EGG_CMD_STATS) s->stats.busy_clock += clock_now(s) - begun;
}

/* A HELLO with another nonce begins a new session, whatever happened before it. */
static void handshake(egg_session *s, bool fits) {
    if (!fits || s->request[0] != EGG_CMD_HELLO || s->decoder.length < EGG_FRAME_HEAD + 4u) return;
    uint32_t nonce = egg_get32(s->request + EGG_FRAME_HEAD);
    if (s->has_session && nonce == s->nonce) return;
    s->has_session = true;
    s->nonce = nonce;
    s->expected = s->request[1];
    egg_zero(s->reply_bytes, sizeof s->reply_bytes);
}

/* Marks the baud rate as unconfirmed, unless it is EGG_BAUD_DEFAULT: the host may be using another one. */
static void unconfirm_baud(egg_session *s) {
    if (!s->baud_changed || s->baud_unconfirmed) return;
    s->baud_unconfirmed = true;
    s->unconfirmed_since = clock_now(s);
}

static void set_baud(egg_session *s, uint32_t baud) {
    s->io.baud(s->io.user, baud, true);
    s->new_baud = 0;
    s->baud_unconfirmed = false;
    s->baud_changed = baud != EGG_BAUD_DEFAULT;
    unconfirm_baud(s); /* until a frame of the host arrives at this rate */
}

bool egg_session_idle(egg_session *s) {
    if (!s->baud_unconfirmed) return false;
    if (clock_now(s) - s->unconfirmed_since < EGG_BAUD_FALLBACK_S * s->io.clock_hz) return true;
    set_baud(s, EGG_BAUD_DEFAULT);
    return false;
}

/* Handles an undamaged frame, by the rules of PROTOCOL.md for sequence numbers. */
static void handle(egg_session *s, bool fits) {
    s->stats.frames++;
    s->baud_unconfirmed = false;
    handshake(s, fits);
    if (!s->has_session) {
        refuse(s, EGG_E_SESSION);
        return;
    }
    uint8_t sequence = s->request[1], age = (uint8_t)(s->expected - sequence); /* 0: it is the expected one */
    uint32_t slot = sequence & (EGG_MAX_OUTSTANDING - 1u);
    if (age >= 128u) {
        s->stats.out_of_order++;
        refuse(s, EGG_E_SEQUENCE);
        return;
    }
    if (age > EGG_MAX_OUTSTANDING)
        return; /* answered long ago: the host has seen that reply, or it would not have gone on */
    if (age == 0) {
        s->expected++;
        execute(s, s->reply[slot], &s->reply_bytes[slot], fits);
    } else {
        static const uint8_t end = 0;
        s->stats.repeated++;
        s->io.write(s->io.user, &end, 1); /* an earlier reply may have lost its end on the line */
        s->stats.bytes_out++;
    }
    if (s->reply_bytes[slot] != 0) send(s, s->reply[slot], s->reply_bytes[slot]);
    if (s->new_baud != 0) set_baud(s, s->new_baud);
}

void egg_session_receive(egg_session *s, const uint8_t *bytes, size_t n) {
    s->stats.bytes_in += (uint32_t)n;
    if (s->decoder.code != 0) s->stats.link_clock += clock_now(s) - s->returned; /* a frame has begun */
    while (n-- > 0) {
        uint32_t bad = s->decoder.bad, event = egg_frame_decoder_put(&s->decoder, *bytes++);
        if (s->decoder.bad != bad) unconfirm_baud(s);
        if (event != EGG_FRAME_NONE) handle(s, event == EGG_FRAME_WHOLE);
    }
    egg_session_idle(s);
    s->returned = clock_now(s);
}
