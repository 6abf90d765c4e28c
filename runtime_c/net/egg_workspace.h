/* The workspace: all memory that running and training need beside the weights. Each thread needs a separate one. */
#ifndef EGG_WORKSPACE_H
#define EGG_WORKSPACE_H

#include "net/egg_config.h"

/* Callers may use six fields: they may read logits and count after a run, and no_credit after an evaluation, and set
 * unit_spikes, shifted and, in tests, kernels.
 * All other fields are private; a name in brackets is the length, [padded] a row of neurons (EGG_ROW_ALIGN). Letters
 * are those of SPEC.md section 7. */
typedef struct {
    const struct egg_kernels *kernels; /* the hot loops for this machine */
    int32_t *logits;                   /* [outputs] of the last run, in 1/4096 bit */
    int16_t *count;                    /* [padded] spikes of each neuron of the last LIF layer in the last run; behind
                                          a convolution of each square of neurons; without a LIF layer [segments]
                                          [inputs]: events of each input */
    uint32_t *unit_spikes; /* NULL, or [neurons of all LIF layers]: unperturbed runs add each neuron's spikes here */
    uint8_t *shifted;      /* NULL without a shift, or [egg_shifted_bytes()]: the recording that egg_shifted() moved */

    const uint8_t *stream;      /* the recording that runs */
    int16_t *base;              /* [ticks][padded] currents of layer 0, or of a band of it, which all members share */
    union egg_scratch *scratch; /* of updates; shares memory with `base`, which the next recording writes anew */
    int16_t *current;           /* [ticks][padded] currents of a deeper layer */
    uint8_t *spikes;            /* [ticks][neurons] of a layer that a deeper one follows */
    uint8_t *layer_streams[EGG_LAYERS_MAX]; /* the spikes of such a layer as a stream (base/egg_stream.h) */
    int16_t *readout; /* [outputs][padded] transposed readout weights; hosts with a dense last layer only, else NULL */
    int16_t *unit_count; /* [padded] spikes of each neuron of a band; NULL without a convolution */
    int32_t *wide;       /* [neurons of a band] sums of one tick; NULL unless a kernel has over 256 rows of weights */

    /* Signs of the perturbations. Words hold 32 pairs, bit p that of slot p: set = +1. */
    uint32_t *a_words[EGG_LAYERS_MAX + 1u]; /* [rank][cols]; estimators batch, sample, full */
    uint32_t *b_words[EGG_LAYERS_MAX + 1u]; /* [rank][rows]; estimator batch, matrices from 1 on */
    uint32_t *z_words[EGG_LAYERS_MAX];      /* [segments]; estimator sample */
    int16_t *a[EGG_LAYERS_MAX + 1u];        /* [rank][padded cols] of one pair, as +1 or -1 */
    int16_t *b[EGG_LAYERS_MAX + 1u];        /* [rank][padded rows] likewise */
    int16_t *s;                             /* [rank][ticks] what the perturbation adds to a neuron of sign + */
    int16_t *projection;                    /* [rank][ticks][32 * EGG_SIGN_WORDS]; estimator batch, matrix 0 */

    int8_t *row_signs;   /* [rows] of a convolution and one rank, as +1 or -1; estimator batch, as are the next two */
    int16_t *place_sums; /* [places of a band] projections of one tick */
    int16_t *perturbed;  /* [ticks][padded] currents of a member */

    int16_t *credit[EGG_LAYERS_MAX + 1u]; /* [segments][padded, an even number] (readout: one segment); sample, sweep */
    int32_t *gradient[EGG_LAYERS_MAX];    /* [rows][cols] of a convolution: credit times events; sweep, eprop */
    int32_t *fitness_diff;                /* [pairs]; estimator sample */
    bool no_credit; /* the latest recording left none, and `credit` is not valid: an update does nothing */

    /* With EGG_ROW_ALIGN 1 the next four, and `pair`, share memory with a, b and s (estimator sweep: with base): never
     * in use at the same time. */
    int32_t *sum;          /* [cols] of an update */
    int16_t *step;         /* [padded] change of a row of weights, in 1/4096 weight unit */
    uint16_t *column_bits; /* [padded] rounding bits of the columns */
    uint16_t *touched;     /* [cols] with EGG_ROW_ALIGN 1: the columns with credit, which alone an update visits */

    union {                    /* what one estimator needs, and the others do not */
        struct {               /* of estimators/egg_pair.c, with EGG_ROW_ALIGN 1 only */
            int32_t *logits;   /* [outputs] of the unperturbed run, before the gain */
            uint32_t *drive;   /* [2][ticks] what the perturbation adds in each tick, for both members of a pair */
            uint32_t *project; /* [rank] spikes of the neurons whose sign in the readout is + */
            uint32_t *counts;  /* [changed] spikes of each, both members; in the memory of sum */
            uint16_t *neurons; /* [neurons] first the movable ones; from `fixed` on those with fixed spikes; in step */
            uint16_t *changed; /* [neurons] those that spike unlike the unperturbed net; in column_bits */
            uint32_t movable;  /* neurons whose spikes a perturbation can change */
            uint32_t fixed;    /* see `neurons` */
            uint32_t fixed_spikes;   /* spikes of all neurons that spike and that no perturbation can change */
            uint32_t spike_bit;      /* the bit of a half that says "spike": 2^14 or 2^15 */
            int32_t largest_current; /* largest magnitude of a base current of the recording */
        } pair;

        struct {                     /* of estimators/egg_sweep.c; the letters are those of SPEC.md section 7.4 */
            int32_t *logit_credit;   /* [outputs] e */
            int16_t *per_current[2]; /* [segments][padded] q of this layer and the one above; NULL if not needed */
            int16_t *response;       /* [segments][padded]; NULL with a single layer */
            uint32_t *drive;   /* [ticks] what the perturbation adds in each tick (kernels/egg_packed16_private.h) */
            int16_t *membrane; /* [padded] of the unperturbed run */
            int16_t *blocked;  /* [padded] its refractory ticks that remain; NULL if no layer has any */
        } sweep;

        struct {                     /* of estimators/egg_eprop.c; the letters are those of SPEC.md section 7.5 */
            int32_t *logit_credit;   /* [outputs] e */
            int16_t *per_current[2]; /* [ticks][padded] q of a layer from 1 on, and of the one above it */
        } eprop;
    } part;
} egg_workspace;

/* Bytes of a workspace. es = NULL if the net only runs and never trains. Both configurations must have passed their
 * checks. */
size_t egg_workspace_bytes(const egg_net_config *net, const egg_estimator_config *es);

/* Checks both configurations and lays the workspace into `memory`, which is aligned to 4 bytes, has
 * egg_workspace_bytes() bytes, and must stay valid as long as the workspace. es = NULL as above.
 * Returns EGG_OK, a status of egg_estimator_check(), or EGG_E_MEMORY. */
egg_status egg_workspace_init(egg_workspace *ws, const egg_net_config *net, const egg_estimator_config *es,
                              void *memory, size_t bytes);

#endif
