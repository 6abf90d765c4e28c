/* Status codes, the ceilings of every size, and two constants of the memory layout.
 *
 * The core is C99. It computes with integers only, allocates no memory and calls no library. Its arithmetic is written
 * down bit by bit in SPEC.md. */
#ifndef EGG_TYPES_H
#define EGG_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every function that can fail returns one of these. The numbers are part of the link (PROTOCOL.md, "Status"): never
 * renumber them. */
typedef enum {
    EGG_OK = 0,
    EGG_E_INPUTS,    /* inputs outside 1..EGG_INPUTS_MAX (a convolution: EGG_CONVOLUTION_INPUTS_MAX; estimator full:
                        EGG_FULL_INPUTS_MAX), or unequal to their channels * rows * columns; a shift that is
                        above EGG_SHIFT_MAX, or of inputs without a shape */
    EGG_E_LAYERS,    /* LIF layers above EGG_LAYERS_MAX */
    EGG_E_SIZE,      /* neurons of a layer outside 1..EGG_NEURONS_MAX */
    EGG_E_OUTPUTS,   /* outputs outside 2..EGG_OUTPUTS_MAX, or unequal to the last layer's size (EGG_READOUT_SPIKES) */
    EGG_E_TICKS,     /* ticks outside 1..EGG_TICKS_MAX */
    EGG_E_LIF,       /* threshold, leak shift or refractory ticks out of range */
    EGG_E_READOUT,   /* unknown readout, or a gain above its ceiling */
    EGG_E_ESTIMATOR, /* unknown estimator, or one that does not support the request */
    EGG_E_PAIRS,     /* antithetic pairs out of range for the estimator */
    EGG_E_RANK,      /* rank outside 1..EGG_RANK_MAX, or pairs * rank above EGG_PAIRS_RANK_MAX */
    EGG_E_SEGMENTS,  /* segments outside 1..EGG_SEGMENTS_MAX, or more segments than ticks; eprop: not the ticks */
    EGG_E_FITNESS,   /* unknown fitness, a penalty above EGG_PENALTY_MAX, or learn_above over EGG_LEARN_ABOVE_MAX */
    EGG_E_SIGMA,     /* sigma above its limit */
    EGG_E_RATE,      /* a learning rate out of range */
    EGG_E_MEMORY,    /* the buffer is smaller than the matching *_bytes() says, or not aligned to 4 bytes */
    EGG_E_STREAM,    /* a recording's stream is truncated, too long, or names an input that the net does not have */
    EGG_E_LABEL,     /* the label is not below the number of outputs */
    /* The following belong to the link (link/egg_session.h). */
    EGG_E_COMMAND,     /* unknown command */
    EGG_E_LENGTH,      /* wrong payload length for this command */
    EGG_E_CEILING,     /* the frame is longer than this device accepts */
    EGG_E_PROTOCOL,    /* the device speaks another version of the protocol */
    EGG_E_SESSION,     /* no HELLO has arrived since the device started */
    EGG_E_SEQUENCE,    /* an earlier frame is missing */
    EGG_E_ORDER,       /* the command does not fit the state of the device */
    EGG_E_RANGE,       /* an offset, count, position, weight or baud rate is out of range */
    EGG_E_ABSENT,      /* this device has no checkpoint store, button or selftest, or its baud rate is fixed */
    EGG_E_EMPTY,       /* the checkpoint store holds no complete checkpoint */
    EGG_E_STORE,       /* the checkpoint store cannot be read or written, or a checkpoint does not fit into it */
    EGG_E_CONVOLUTION, /* a convolution, the shape of the inputs or the readout pool is out of range, or does not fit */
    EGG_STATUS_COUNT
} egg_status;

/* Returns one line of English for a status, without a full stop. Never NULL: unknown codes give "unknown status". */
const char *egg_status_text(egg_status status);

/* Ceilings. From these SPEC.md proves that no accumulator overflows. Lower limits are 1 unless stated. */
#define EGG_INPUTS_MAX 32766u
#define EGG_FULL_INPUTS_MAX 8190u /* inputs with estimator full: sums of its noise values then fit 16 bits */
#define EGG_LAYERS_MAX 4u         /* LIF layers; 0 is allowed */
#define EGG_NEURONS_MAX 1024u     /* neurons of a dense layer; of a convolution, those above that see one below */
#define EGG_CHANNELS_MAX 256u     /* channels of a convolution */
#define EGG_UNITS_MAX 32766u      /* neurons of a convolution; also its rows of weights besides the bias */
#define EGG_CONVOLUTION_INPUTS_MAX 65535u /* inputs, if the first layer is a convolution */
#define EGG_SIDE_MAX 4096u                /* rows and columns of the inputs */
#define EGG_KERNEL_MAX 15u                /* side of a kernel, in places */
#define EGG_STRIDE_MAX 8u
#define EGG_READOUT_POOL_MAX 16u /* side of the squares whose counts a readout sums */
#define EGG_OUTPUTS_MAX 64u      /* at least 2 */
#define EGG_TICKS_MAX 32u        /* simulation steps of a recording */
#define EGG_THRESHOLD_MAX 16383u
#define EGG_LEAK_SHIFT_MAX 8u
#define EGG_REFRACTORY_MAX 15u  /* ticks; 0 is allowed */
#define EGG_GAIN_MAX 8u         /* EGG_READOUT_INTEGRATE; 0 is allowed */
#define EGG_GAIN_SPIKES_MAX 12u /* EGG_READOUT_SPIKES; 0 is allowed */
#define EGG_STD_MAX 64u         /* standard deviation of initial weights, weight units; 0 is allowed */
#define EGG_WEIGHT_MAX 127      /* magnitude of a weight */

#define EGG_PAIRS_MAX 8192u               /* antithetic pairs, estimators batch and full */
#define EGG_SAMPLE_PAIRS_MAX 256u         /* antithetic pairs, estimator sample */
#define EGG_RANK_MAX 16u                  /* rank of a perturbation, estimator batch */
#define EGG_PAIRS_RANK_MAX 65536u         /* pairs * rank, estimator batch */
#define EGG_SEGMENTS_MAX 8u               /* parts of a recording, estimator sample; at most the ticks */
#define EGG_PENALTY_MAX 4095u             /* fitness that a spike costs, 1/4096 bit; 0 is allowed */
#define EGG_LEARN_ABOVE_MAX 16383u        /* loss below which a recording leaves no credit, 1/4096 bit; 0 is allowed */
#define EGG_SHIFT_MAX 3u                  /* pixels that training moves a recording; 0 is allowed */
#define EGG_RECORDINGS_MAX 8192u          /* recordings of a generation */
#define EGG_SIGMA_MAX 32767u              /* 0 is allowed */
#define EGG_SIGMA_FULL_MAX 16383u         /* LIF matrices, estimator full */
#define EGG_SIGMA_FULL_READOUT_MAX 16367u /* readout matrix, estimator full */
#define EGG_LEARNING_RATE_M_MAX 127u      /* 0 is allowed */
#define EGG_LEARNING_RATE_N_MAX 30u       /* 0 is allowed, except with estimator sample: */
#define EGG_LEARNING_RATE_N_SAMPLE_MIN 4u

/* Whether the program has convolutions. Leaving them out makes firmware smaller; egg_net_check() then refuses them. */
#ifndef EGG_CONVOLUTIONS
#define EGG_CONVOLUTIONS 1
#endif

/* Memory layout of a workspace. Neither constant changes any result. A host sets both to suit its vector units
 * (32 and 16); a microcontroller keeps 1. */
#ifndef EGG_ROW_ALIGN
#define EGG_ROW_ALIGN 1u /* each row of neurons is padded to a multiple of this many entries; a power of two */
#endif
#ifndef EGG_SIGN_WORDS
#define EGG_SIGN_WORDS 1u /* sign words (of 32 pairs each) whose projections are computed together */
#endif

#endif
