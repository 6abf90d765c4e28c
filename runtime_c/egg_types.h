/* Status codes, ceilings and layout constants of the EGGROLL-Edge core.
 * Arithmetic: DESIGN.md in this folder. C99, integers only, no malloc, no libc. */
#ifndef EGG_TYPES_H
#define EGG_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* Every function that can fail returns one of these. */
typedef enum {
    EGG_OK = 0,
    EGG_E_INPUTS,    /* inputs outside 1..EGG_INPUTS_MAX */
    EGG_E_LAYERS,    /* LIF layers outside 1..EGG_LAYERS_MAX */
    EGG_E_SIZE,      /* neurons of a layer outside 1..EGG_NEURONS_MAX */
    EGG_E_OUTPUTS,   /* outputs outside 2..EGG_OUTPUTS_MAX, or not the last layer's size with EGG_READOUT_SPIKES */
    EGG_E_TICKS,     /* ticks outside 1..EGG_TICKS_MAX */
    EGG_E_LIF,       /* threshold, leak shift or refractory ticks out of range */
    EGG_E_READOUT,   /* unknown readout, or gain over 8 (spikes: 12) */
    EGG_E_ESTIMATOR, /* unknown estimator */
    EGG_E_PAIRS,     /* antithetic pairs out of range for the estimator */
    EGG_E_RANK,      /* rank outside 1..EGG_RANK_MAX, or pairs * rank over EGG_PAIRS_RANK_MAX */
    EGG_E_SEGMENTS,  /* segments outside 1..EGG_SEGMENTS_MAX, or more than ticks */
    EGG_E_FITNESS,   /* unknown fitness, or penalty over 4095 */
    EGG_E_SIGMA,     /* sigma over its limit */
    EGG_E_RATE,      /* learning rate (lm, ln) out of range */
    EGG_E_MEMORY,    /* the buffer is smaller than *_bytes() says, or not aligned to 4 */
    EGG_E_STREAM,    /* a recording's byte stream is torn, or names an input that the net has not */
    EGG_E_LABEL,     /* label not below the number of outputs */
    /* of the link (egg_session.h) */
    EGG_E_COMMAND,  /* unknown command */
    EGG_E_LENGTH,   /* a payload has not the length that its command wants */
    EGG_E_CEILING,  /* a frame is longer than the device's ceiling */
    EGG_E_PROTOCOL, /* the device speaks another version of the protocol */
    EGG_E_SESSION,  /* no HELLO since the device started */
    EGG_E_SEQUENCE, /* a frame before this one is missing */
    EGG_E_ORDER,    /* the command does not fit the device's state */
    EGG_E_RANGE,    /* an offset, count, position, weight or rate of the line is out of range */
    EGG_E_ABSENT,   /* this device has no store, button or selftest, or a fixed rate of the line */
    EGG_E_EMPTY,    /* the store holds no whole checkpoint */
    EGG_E_STORE,    /* the store cannot be read or written, or a checkpoint does not fit in it */
    EGG_STATUS_COUNT
} egg_status;

/* Ceilings: DESIGN.md section 1 proves with them that no accumulator overflows. */
#define EGG_INPUTS_MAX 32766u
#define EGG_LAYERS_MAX 4u
#define EGG_NEURONS_MAX 1024u
#define EGG_OUTPUTS_MAX 64u
#define EGG_TICKS_MAX 32u
#define EGG_PAIRS_MAX 8192u
#define EGG_SAMPLE_PAIRS_MAX 256u
#define EGG_RANK_MAX 16u
#define EGG_PAIRS_RANK_MAX 65536u
#define EGG_SEGMENTS_MAX 8u
#define EGG_SAMPLES_MAX 8192u

/* Memory layout only; neither changes a number. A host sets both for its vector units, a microcontroller keeps 1. */
#ifndef EGG_PAD
#define EGG_PAD 1u /* neuron arrays of a workspace are padded to a multiple of this (a power of two) */
#endif
#ifndef EGG_WORDS
#define EGG_WORDS 1u /* sign words (32 pairs each) that are projected at once */
#endif

/* One line of English for a status; never NULL. */
const char *egg_status_text(egg_status status);

#endif
