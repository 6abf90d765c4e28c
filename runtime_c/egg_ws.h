/* Configuration of the estimators, and the workspace: all memory that running and training need beside the weights. */
#ifndef EGG_WS_H
#define EGG_WS_H

#include "egg_net.h"

enum {
    EGG_BATCH = 0,  /* EGGROLL as published: one fitness a pair for the whole batch (arXiv 2511.16652) */
    EGG_SAMPLE = 1, /* each sample credits its own events; with generations of one sample: online */
    EGG_FULL = 2    /* one noise value a weight: the baseline, in runtime_c/host only */
};

enum {
    EGG_FITNESS_XENT = 0,    /* minus softmax cross-entropy */
    EGG_FITNESS_ACCURACY = 1 /* one bit for a right answer */
};

/* What of an estimator fixes its memory and its meaning for a whole run. */
typedef struct {
    uint16_t pairs;    /* antithetic pairs: 1..8192 (batch, full), 1..256 (sample) */
    uint16_t penalty;  /* fitness that each hidden or output spike costs, 0..4095 in 1/4096 bit */
    uint8_t estimator; /* EGG_BATCH, EGG_SAMPLE, EGG_FULL */
    uint8_t rank;      /* of a perturbation, 1..16 (batch) */
    uint8_t segments;  /* parts of a recording with a perturbation of their own, 1..8 and <= ticks (sample) */
    uint8_t fitness;   /* EGG_FITNESS_* */
} egg_es_config;

/* EGG_OK, or which field is out of range. */
egg_status egg_es_check(const egg_net_config *net, const egg_es_config *es);

/* Scratch memory of one worker. The fields are private; three are results:
 * logits, count (spikes of the last LIF layer) and, if the caller set it, unit_spikes. */
typedef struct {
    const struct egg_kernels *kernels; /* the hot loops for this machine */
    int32_t *logits;                   /* [outputs] of the last run, 1/4096 bit */
    int16_t *count;                    /* [padded] spikes of each neuron of the last layer in the last run */
    uint32_t *unit_spikes; /* NULL, or [neurons of all LIF layers]: unperturbed runs add their spikes here */

    int16_t *base;                  /* [ticks][padded] currents of layer 0, shared by all members */
    union egg_scratch *scratch;     /* of updates; lies over `base`, which the next recording writes anew */
    int16_t *current;               /* [ticks][padded] of a deeper layer */
    uint8_t *spikes;                /* [ticks][neurons] of one layer, when a deeper one follows */
    uint8_t *train[EGG_LAYERS_MAX]; /* a layer's spikes as a stream, when a deeper one follows */
    int16_t *readout;               /* [outputs][padded] transposed readout weights, hosts only */

    uint32_t *a_words[EGG_LAYERS_MAX + 1u]; /* [rank][cols] signs of 32 pairs */
    uint32_t *b_words[EGG_LAYERS_MAX + 1u]; /* [rank][rows], batch, matrices >= 1 */
    int16_t *a[EGG_LAYERS_MAX + 1u];        /* [rank][padded cols] signs of one pair */
    int16_t *b[EGG_LAYERS_MAX + 1u];        /* [rank][padded rows], batch, matrices >= 1 */
    int16_t *s;                             /* [rank][ticks] */
    int16_t *projection;                    /* [rank][ticks][32 * EGG_WORDS], batch */
    uint32_t *z_words[EGG_LAYERS_MAX];      /* [segments], sample */
    int16_t *credit[EGG_LAYERS_MAX + 1u];   /* [segments][padded], sample; one segment for the readout */
    int32_t *diff;                          /* [pairs], sample */
    /* EGG_PAD 1: sum, step, kappa and pair lie over a, b, s, which are not needed at the same time (egg_ws.c) */
    int32_t *sum;    /* [cols], batch */
    int16_t *step;   /* [padded] */
    uint16_t *kappa; /* [padded] */

    struct {               /* of egg_pair.h, EGG_PAD 1 only; a word holds both members of a pair in two lanes */
        int32_t *logits;   /* [outputs] of the unperturbed run, before the gain */
        uint32_t *drive;   /* [2][ticks] perturbations of a pair */
        uint32_t *project; /* [rank] spikes of the neurons whose sign in the readout is + */
        uint32_t *counts;  /* [changed] spikes of each, in the memory of sum */
        uint16_t *neurons; /* [neurons] in the memory of step: `live`, and from `steady` on those of fixed spikes */
        uint16_t *changed; /* [neurons] in the memory of kappa: those whose spikes are not the unperturbed net's */
        uint32_t live, steady, steady_spikes, top; /* top: the bit of a lane that says "spike" */
        int32_t most;                              /* largest |current| of the recording */
    } pair;
} egg_ws;

/* Bytes of a workspace; es = NULL for inference alone. Both configs must have passed their checks. */
size_t egg_ws_bytes(const egg_net_config *net, const egg_es_config *es);

/* Checks both configs and carves the workspace from `memory` (egg_ws_bytes() long, aligned to 4). */
egg_status egg_ws_init(egg_ws *ws, const egg_net_config *net, const egg_es_config *es, void *memory, size_t bytes);

#endif
