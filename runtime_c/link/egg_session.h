/* A training session over a serial link: frames come in, commands work on a net, frames go out (PROTOCOL.md). Hosts and
 * boards run the same code.
 *
 *   egg_session_init(&s, &io, memory, sizeof memory);
 *   for (;;) egg_session_receive(&s, bytes, uart_take(bytes, sizeof bytes));
 *
 * egg_session_receive() executes commands before it returns. An interrupt puts the bytes that arrive during that time
 * into a receive ring of io.receive_window bytes. The host never has more unanswered bytes on the line than that, not
 * counting the request that is being executed. */
#ifndef EGG_SESSION_H
#define EGG_SESSION_H

#include "estimators/egg_eprop.h"
#include "estimators/egg_sweep.h"
#include "link/egg_checkpoint.h"
#include "link/egg_frame.h"

#define EGG_PROTOCOL_VERSION 2u

/* Requests that may be unanswered at once: a power of two, 1..64. The session keeps as many replies, to send them again
 * when the host repeats a request. */
#ifndef EGG_MAX_OUTSTANDING
#define EGG_MAX_OUTSTANDING 2u
#endif

/* The estimators that sessions of this build have, as a sum: batch 1, sample 2, sweep 8, eprop 16 (2 to the power of
 * EGG_ESTIMATOR_*). CONFIG refuses all others with EGG_E_ESTIMATOR. Leaving some out makes the program smaller, and
 * changes no number. */
#ifndef EGG_SESSION_ESTIMATORS
#define EGG_SESSION_ESTIMATORS 27u
#endif
/* Longest payload of CONFIG in bytes: 28, 6 for each layer, 6 for inputs and shift, and with convolutions 1 and 3 for
 * each layer. */
#define EGG_CONFIG_MAX 71u
#define EGG_BAUD_DEFAULT 115200u /* baud rate at the start */
#define EGG_BAUD_FALLBACK_S 2u   /* seconds without a valid frame after which a device returns to that baud rate */

/* Types of frames. A reply has the type of its request + EGG_CMD_REPLY. */
enum {
    EGG_CMD_HELLO = 1,
    EGG_CMD_CONFIG,
    EGG_CMD_WEIGHTS_READ,
    EGG_CMD_WEIGHTS_WRITE,
    EGG_CMD_GENERATION,
    EGG_CMD_SAMPLE,
    EGG_CMD_FITNESS_READ,
    EGG_CMD_SHAPED_WRITE,
    EGG_CMD_UPDATE,
    EGG_CMD_INFER,
    EGG_CMD_SAVE,
    EGG_CMD_LOAD,
    EGG_CMD_STATS,
    EGG_CMD_SELFTEST,
    EGG_CMD_RESET,
    EGG_CMD_DIGEST,
    EGG_CMD_BAUD,
    EGG_CMD_END, /* one above the last command */
    EGG_CMD_REPLY = 128
};

/* What a configured device does. */
enum {
    EGG_MODE_INFER = 0,       /* only runs the net: needs the least memory */
    EGG_MODE_GENERATIONS = 1, /* trains in mini-batches: GENERATION, then SAMPLE for each recording, then UPDATE */
    EGG_MODE_ONLINE = 2 /* all estimators but batch: each SAMPLE is a generation, and changes the weights at once */
};

/* Flags of the chunks of a recording in SAMPLE and INFER, and the label that stands for "ask the buttons of the board"
 * (in INFER: no label). */
enum { EGG_CHUNK_FIRST = 1, EGG_CHUNK_LAST = 2, EGG_LABEL_ASK = 255 };

/* What a board provides to a session. */
typedef struct {
    egg_frame_write write;          /* sends n bytes; returns when it has taken them */
    void *user;                     /* passed to all callbacks */
    const char *board;              /* name that HELLO reports, of at most 40 characters; not NULL */
    const egg_checkpoint_io *store; /* where checkpoints go; NULL: the board has no such memory */
    uint32_t (*clock)(void *user);  /* free-running clock, wraps at 2^32; NULL: none */
    uint16_t receive_window;        /* bytes of the receive ring; EGG_FRAME_MAX + 4 or more */
    uint32_t clock_hz;              /* frequency of `clock`; 0: unknown */
    int32_t (*label)(void *user);   /* label that buttons or pins give for the current recording, or -1; NULL: none */
    /* Tests the core; may overwrite the arena. Returns the number of faults. NULL: none. */
    uint32_t (*selftest)(void *user, void *memory, size_t bytes);
    /* Returns whether the line can run at this baud rate; needs clock_hz. With `apply` it takes the rate as soon as all
     * written bytes have left. NULL: the rate is fixed. */
    bool (*baud)(void *user, uint32_t baud, bool apply);
} egg_session_io;

/* Counters since the start, modulo 2^32. "clock" counts are cycles of io.clock. */
typedef struct {
    uint32_t bytes_in, bytes_out; /* on the line */
    uint32_t frames;              /* undamaged frames received */
    uint32_t repeated;            /* of these: requests already executed, whose kept reply was sent again */
    uint32_t out_of_order;        /* of these: refused because an earlier frame was missing */
    uint32_t recordings;          /* used for training */
    uint32_t updates;             /* changes of the weights: one for each generation */
    uint32_t busy_clock;          /* spent in commands, except STATS */
    uint32_t link_clock;          /* spent waiting for the rest of a frame, and for the line to take a reply */
} egg_session_stats;

/* A session. Callers may read net, generations_done, configured and stats. All other fields are private. */
typedef struct {
    egg_net net;
    uint32_t generations_done; /* generations that have changed the weights */
    egg_session_stats stats;

    egg_session_io io;
    uint8_t *memory;    /* the arena: RAM for a net's weights and working memory */
    size_t bytes, used; /* its length, and the bytes that CONFIG took */
    egg_workspace ws;
    egg_generation gen;
    int32_t *fitness_diff; /* [pairs], estimator batch */
    int32_t *sum;          /* [weights], mini-batches of all estimators but batch */
    int8_t *fitness_bytes; /* [pairs], estimators batch and sample */
    uint8_t *active;       /* [(inputs + 8) / 8] rows of matrix 0 that recordings touched, estimator batch */
    uint8_t *stream;       /* [stream_max] the current recording */
    uint32_t stream_max, stream_bytes;
    uint32_t recordings;            /* trained on in this generation */
    bool configured;                /* whether there is a net */
    uint8_t mode;                   /* EGG_MODE_* */
    bool generation_begun;          /* GENERATION has begun one */
    bool receiving;                 /* a recording has begun, and its last chunk is missing */
    uint8_t exponent;               /* of fitness_bytes, estimator sample */
    uint8_t config_bytes;           /* length of `config` */
    uint8_t config[EGG_CONFIG_MAX]; /* CONFIG's payload, as it goes into a checkpoint */

    egg_frame_decoder decoder;
    uint32_t nonce;             /* of the host's session */
    bool has_session;           /* a HELLO has arrived */
    uint8_t expected;           /* next sequence number */
    bool baud_changed;          /* the baud rate is not EGG_BAUD_DEFAULT */
    bool baud_unconfirmed;      /* no valid frame has arrived at that rate since unconfirmed_since */
    uint32_t new_baud;          /* to be set once the reply is out; 0: none */
    uint32_t unconfirmed_since; /* clock at that moment */
    uint32_t returned;          /* clock when egg_session_receive() returned */
    uint16_t reply_bytes[EGG_MAX_OUTSTANDING];
    uint8_t reply[EGG_MAX_OUTSTANDING][EGG_FRAME_MAX];
    uint8_t request[EGG_FRAME_MAX];
} egg_session;

/* Bytes of the arena that a net needs: workspace, weights and the arrays of the estimator. mode is EGG_MODE_*; es is
 * not read with EGG_MODE_INFER. stream_max is the longest recording in bytes; 0 stands for the longest that the net
 * could have. Both configurations must have passed their checks. */
size_t egg_session_bytes(const egg_net_config *net, const egg_estimator_config *es, uint32_t mode, uint32_t stream_max);

/* Starts a session. `memory` is the arena, aligned to 4 bytes, which the session keeps. `io` is copied; what it points
 * to must stay valid. The session must not move in memory afterwards.
 * Returns EGG_OK; EGG_E_MEMORY if the arena is not aligned; EGG_E_RANGE if receive_window is too small. */
egg_status egg_session_init(egg_session *s, const egg_session_io *io, void *memory, size_t bytes);

/* Takes n received bytes, executes the commands that they complete, and writes the replies. */
void egg_session_receive(egg_session *s, const uint8_t *bytes, size_t n);

/* Call it when nothing has arrived. Returns true if it must be called again soon even if no bytes arrive, so do not
 * sleep: the baud rate is unconfirmed, and may have to return to EGG_BAUD_DEFAULT. */
bool egg_session_idle(egg_session *s);

/* --- for firmware that trains by itself: each function does what the command of its name does --- */

/* Lays out the arena for a net and draws its weights. payload[n] is that of CONFIG. *needed becomes the bytes of the
 * arena that it takes, or 0 if the payload is faulty. If it fails the session has no net.
 * Returns EGG_OK, EGG_E_LENGTH, EGG_E_MEMORY if the arena is too small, or the status of a setting out of range. */
egg_status egg_session_configure(egg_session *s, const uint8_t *payload, size_t n, size_t *needed);

/* Loads the newest checkpoint (firmware does so once at its start), or saves one. Return EGG_OK, EGG_E_ABSENT without a
 * checkpoint store, EGG_E_STORE, and EGG_E_EMPTY (load) or EGG_E_ORDER without a net (save). */
egg_status egg_session_load(egg_session *s);
egg_status egg_session_save(egg_session *s);

/* Resumes from the newest checkpoint if that was made with the same payload; otherwise configures the session anew, and
 * generations_done is then 0. Returns, and sets *needed, as egg_session_configure(). */
egg_status egg_session_resume(egg_session *s, const uint8_t *payload, size_t n, size_t *needed);

/* Begins generation `generation`. In EGG_MODE_ONLINE it sets the hyperparameters from here on, and each recording
 * counts the generation up. Returns EGG_OK, EGG_E_ORDER, or a status of egg_generation_check(). */
egg_status egg_session_begin(egg_session *s, uint32_t generation, egg_sigma sigma, egg_learning_rate hidden,
                             egg_learning_rate readout);

/* Trains on a recording of n bytes: evaluates the estimator on it, and in EGG_MODE_ONLINE changes the weights at once.
 * `position` is that in the generation, 0..EGG_RECORDINGS_MAX - 1; online: 0. *result is that of the unperturbed net
 * before the change. Returns EGG_OK, EGG_E_ORDER, EGG_E_LABEL, EGG_E_STREAM, or EGG_E_RANGE: `position` is too large,
 * or with a shift the recording is longer than CONFIG says. */
egg_status egg_session_train(egg_session *s, const uint8_t *stream, size_t n, uint32_t label, uint32_t position,
                             egg_result *result);

/* Runs the unperturbed net on a recording of n bytes. Returns EGG_OK, EGG_E_ORDER, EGG_E_LABEL or EGG_E_STREAM. */
egg_status egg_session_infer(egg_session *s, const uint8_t *stream, size_t n, uint32_t label, egg_result *result);

/* Ends a generation and changes the weights. from_host: the fitness bytes are those that SHAPED_WRITE wrote; otherwise
 * they are made from this device's fitness differences. Returns EGG_OK, EGG_E_ORDER or EGG_E_ESTIMATOR. */
egg_status egg_session_update(egg_session *s, bool from_host);

#endif
