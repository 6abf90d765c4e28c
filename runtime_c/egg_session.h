/* A training session over a serial link: frames in, commands on a net, frames out (PROTOCOL.md). The same on host and
 * board.
 *
 *   egg_session_init(&s, &io, memory, sizeof memory);
 *   for (;;) egg_session_receive(&s, bytes, uart_take(bytes, sizeof bytes));
 *
 * A command is executed inside egg_session_receive(), so bytes that arrive meanwhile belong into a receive ring of
 * io.window bytes, filled by an interrupt. The host never has more bytes on the way, behind the request that is being
 * executed, than that. */
#ifndef EGG_SESSION_H
#define EGG_SESSION_H

#include "egg_es.h"
#include "egg_store.h"
#include "egg_wire.h"

#define EGG_PROTOCOL 2u

/* Replies that a session keeps for retransmission, and so requests that may be unanswered at once: a power of
 * two, 1..64. */
#ifndef EGG_REPLIES
#define EGG_REPLIES 2u
#endif
#define EGG_CONFIG_MAX 52u /* bytes of CONFIG's payload: 28, and 6 a layer */
#define EGG_BAUD 115200u   /* the line's rate at the start */
#define EGG_BAUD_S 2u      /* seconds without a good frame after which a device gives up another rate */

/* Type of a frame; a reply has EGG_REPLY set. */
enum {
    EGG_HELLO = 1,
    EGG_CONFIG,
    EGG_WEIGHTS_READ,
    EGG_WEIGHTS_WRITE,
    EGG_GENERATION,
    EGG_SAMPLE_IN,
    EGG_FITNESS_READ,
    EGG_SHAPED_WRITE,
    EGG_UPDATE,
    EGG_INFER,
    EGG_SAVE,
    EGG_LOAD,
    EGG_STATS,
    EGG_SELFTEST,
    EGG_RESET,
    EGG_DIGEST,
    EGG_BAUD_SET,
    EGG_COMMANDS_END,
    EGG_REPLY = 128
};

/* What a configured device does. */
enum {
    EGG_MODE_INFER = 0,       /* runs only: the least memory */
    EGG_MODE_GENERATIONS = 1, /* GENERATION, SAMPLE..., UPDATE */
    EGG_MODE_ONLINE = 2       /* estimator sample: each SAMPLE is a generation, learnt at once */
};

/* SAMPLE, INFER: flags, and the label that asks the board (INFER: no label). */
enum { EGG_FIRST = 1, EGG_LAST = 2, EGG_LABEL_ASK = 255 };

/* What a board gives to a session. */
typedef struct {
    egg_wire_write write;          /* sends n bytes; returns when it has taken them */
    void *user;                    /* handed to all callbacks */
    const char *board;             /* name that HELLO tells, at most 40 characters count; not NULL */
    const egg_store *store;        /* checkpoints; NULL: none */
    uint32_t (*ticks)(void *user); /* free-running, wraps at 2^32, for STATS; NULL: none */
    uint16_t window;               /* bytes of the receive ring: the host's credits; EGG_FRAME_MAX + 4 or more */
    uint32_t ticks_hz;             /* ticks a second; 0: unknown */
    int32_t (*label)(void *user);  /* label of the sample at hand (buttons, pins), or -1; NULL: none */
    uint32_t (*selftest)(void *user, void *memory, size_t bytes); /* faults found, may use the arena; NULL: none */
    /* Whether the line can have this rate; with `now`, it has it once all that was written has left. NULL: a fixed one.
     * Needs ticks_hz. */
    int32_t (*baud)(void *user, uint32_t rate, int32_t now);
} egg_session_io;

/* Counters since the start, modulo 2^32. */
typedef struct {
    uint32_t bytes_in, bytes_out; /* on the line */
    uint32_t frames;              /* good frames received */
    uint32_t repeated;            /* of them: executed before, the kept reply went out again */
    uint32_t early;               /* of them: refused, since one before was missing */
    uint32_t samples;             /* samples that trained */
    uint32_t updates;             /* generations that changed the weights; online: as samples */
    uint32_t busy_ticks;          /* in commands; STATS itself not included */
    uint32_t link_ticks;          /* waiting for the rest of a frame that had begun, and for the line to take a reply */
} egg_session_stats;

/* All fields are private but net, done, configured and stats, to be read. */
typedef struct {
    egg_net net;
    uint32_t done; /* generations that the weights have seen */
    uint8_t configured;
    egg_session_stats stats;

    egg_session_io io;
    uint8_t *memory; /* the arena, and what of it CONFIG carved */
    size_t bytes, used;
    egg_ws ws;
    egg_gen gen;
    int32_t *diff; /* [pairs], batch */
    int32_t *sum;  /* [weights], mini-batches of sample */
    int8_t *f;     /* [pairs] */
    uint8_t *active;
    uint8_t *stream; /* the recording at hand */
    uint32_t stream_max, stream_bytes;
    uint32_t samples; /* of this generation */
    uint8_t mode, begun, receiving, label, exponent, config_bytes;
    uint8_t config[EGG_CONFIG_MAX]; /* CONFIG's payload, as it goes into a checkpoint */

    egg_decoder decoder;
    uint32_t nonce; /* of the host's session; `greeted` once there is one */
    uint8_t greeted, expected;
    uint8_t fast, doubt;      /* another rate than EGG_BAUD; nothing good has come at it since `since` */
    uint32_t rate;            /* to be set behind the reply; 0: none */
    uint32_t since, returned; /* ticks: doubt began, egg_session_receive() returned */
    uint16_t reply_bytes[EGG_REPLIES];
    uint8_t reply[EGG_REPLIES][EGG_FRAME_MAX];
    uint8_t request[EGG_FRAME_MAX];
} egg_session;

/* Bytes of the arena that a net takes: workspace, weights, and the arrays of the estimator (es is not read with
 * EGG_MODE_INFER). stream_max: longest recording, bytes; 0: the longest possible. Both configs must have passed their
 * checks. */
size_t egg_session_bytes(const egg_net_config *net, const egg_es_config *es, uint32_t mode, uint32_t stream_max);

/* memory: the arena, aligned to 4; it stays the session's. `io` is copied, what it points to is not. The session must
 * not be moved. EGG_OK; EGG_E_MEMORY: not aligned; EGG_E_RANGE: window too small. */
egg_status egg_session_init(egg_session *s, const egg_session_io *io, void *memory, size_t bytes);

/* Takes received bytes, executes the commands that they complete, and writes the replies. */
void egg_session_receive(egg_session *s, const uint8_t *bytes, size_t n);

/* To be called when there is nothing to receive. Returns 1: soon again, bytes or not, so do not sleep: the line's rate
 * is in doubt, and may have to go back to EGG_BAUD; 0: not before the next bytes. */
uint32_t egg_session_idle(egg_session *s);

/* --- for firmware that trains by itself; the same as the commands --- */

/* payload: as of CONFIG. *needed: bytes of the arena that it takes, 0 if it is faulty. Leaves an unconfigured session
 * if it fails. */
egg_status egg_session_config(egg_session *s, const uint8_t *payload, size_t n, size_t *needed);

/* Newest checkpoint to arena and weights, or the weights to a checkpoint. Firmware loads once at its start. */
egg_status egg_session_load(egg_session *s);
egg_status egg_session_save(egg_session *s);

/* Goes on from the newest checkpoint if it was made with this very CONFIG payload, else configures anew; `done` says
 * which. Returns, and sets *needed, as egg_session_config(). */
egg_status egg_session_resume(egg_session *s, const uint8_t *payload, size_t n, size_t *needed);

/* Begins generation `generation` (EGG_MODE_ONLINE: sets the rates from here on). */
egg_status egg_session_begin(egg_session *s, uint32_t generation, egg_sigma sigma, egg_rate hidden, egg_rate readout);

/* Evaluates the population on a recording, and with EGG_MODE_ONLINE learns it. */
egg_status egg_session_sample(egg_session *s, const uint8_t *stream, size_t n, uint32_t label, uint32_t pos,
                              egg_result *result);

/* Runs the unperturbed net on a recording. */
egg_status egg_session_infer(egg_session *s, const uint8_t *stream, size_t n, uint32_t label, egg_result *result);

/* Ends a generation. given: f is as SHAPED wrote it, else made from the fitness differences. */
egg_status egg_session_update(egg_session *s, uint32_t given);

#endif
