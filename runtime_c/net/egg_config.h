/* All settings of a net and of its training, and the functions that check them. A caller fills these structs; every
 * other function of the core trusts that they have passed their check. */
#ifndef EGG_CONFIG_H
#define EGG_CONFIG_H

#include "base/egg_types.h"

/* --- the net (SPEC.md sections 4 and 5) --- */

/* How the spikes of the last layer become logits, one for each output. */
enum {
    EGG_READOUT_INTEGRATE = 0, /* a matrix that does not spike: logits are linear in the last layer's spike counts */
    EGG_READOUT_SPIKES = 1     /* the last LIF layer has one neuron for each output: logits are its spike counts */
};

/* A layer of leaky integrate-and-fire neurons: dense, or a convolution (SPEC.md section 4.1). */
typedef struct {
    uint16_t size;      /* neurons, 1..EGG_NEURONS_MAX; of a convolution channels, 1..EGG_CHANNELS_MAX */
    uint16_t threshold; /* a membrane that reaches this spikes, and is reduced by it; 1..EGG_THRESHOLD_MAX */
    uint8_t leak_shift; /* k: in each tick membrane >> k leaks; time constant about 2^k ticks; 1..EGG_LEAK_SHIFT_MAX */
    uint8_t refractory; /* ticks after a spike in which a neuron takes no input; 0..EGG_REFRACTORY_MAX */
    uint8_t kernel;     /* 0: dense. Else the side of a convolution's kernel, 1..EGG_KERNEL_MAX */
    uint8_t stride;     /* of a convolution, in places of the layer below, 1..EGG_STRIDE_MAX; dense: not used */
    uint8_t padding;    /* of a convolution, places around the layer below, 0..kernel - 1; dense: not used */
} egg_lif_config;

/* The topology of a net. */
typedef struct {
    uint16_t inputs;                      /* 1..EGG_INPUTS_MAX */
    uint16_t outputs;                     /* classes, 2..EGG_OUTPUTS_MAX; EGG_READOUT_SPIKES: the last layer's size */
    uint8_t ticks;                        /* simulation steps of a recording, 1..EGG_TICKS_MAX */
    uint8_t layers;                       /* LIF layers, 0..EGG_LAYERS_MAX; 0: a linear readout of the inputs */
    uint8_t readout;                      /* EGG_READOUT_* */
    uint8_t gain;                         /* logit = readout << gain, in 1/4096 bit; 0..EGG_GAIN_MAX
                                             (EGG_READOUT_SPIKES: 0..EGG_GAIN_SPIKES_MAX) */
    egg_lif_config layer[EGG_LAYERS_MAX]; /* the first `layers` entries are used */
    uint8_t input_segments;               /* without a LIF layer: parts of a recording in which the events of an input
                                             are counted, 1..EGG_SEGMENTS_MAX and at most the ticks; else not used */
    uint8_t input_channels;               /* shape of the inputs: input (channel * rows + y) * cols + x is pixel (x, y)
                                             of a channel. All three 0: unknown; a convolution and a shift need them */
    uint16_t input_rows, input_cols;      /* 1..EGG_SIDE_MAX */
    uint8_t readout_pool;                 /* behind a convolution: side of the squares whose counts the readout sums,
                                             1..EGG_READOUT_POOL_MAX; else 0 or 1 */
} egg_net_config;

/* Returns EGG_OK, or the status of the first field that is out of range. */
egg_status egg_net_check(const egg_net_config *config);

/* --- the estimator (SPEC.md sections 7 and 8) --- */

/* How the members of the population differ from the net, and what their fitness is used for. */
enum {
    EGG_ESTIMATOR_BATCH = 0,  /* EGGROLL as published (arXiv 2511.16652): low-rank perturbations of the weights, and one
                                 fitness for each pair, summed over the mini-batch */
    EGG_ESTIMATOR_SAMPLE = 1, /* perturbed currents; each recording credits its events. With mini-batches of one
                                 recording: online learning */
    EGG_ESTIMATOR_FULL = 2,   /* one noise value for each weight: the full-rank baseline, in runtime_c/host only */
    EGG_ESTIMATOR_SWEEP = 3,  /* each neuron perturbed alone, without noise (estimators/egg_sweep.h) */
    EGG_ESTIMATOR_EPROP = 4   /* a baseline: the local surrogate gradient (estimators/egg_eprop.h) */
};

/* Whether an estimator has pairs, and so fitness bytes. With the others the recordings determine the update. */
static inline bool egg_has_pairs(uint32_t estimator) {
    return estimator != EGG_ESTIMATOR_SWEEP && estimator != EGG_ESTIMATOR_EPROP;
}

/* What counts as good. */
enum {
    EGG_FITNESS_XENT = 0,    /* minus the softmax cross-entropy */
    EGG_FITNESS_ACCURACY = 1 /* one bit for a right answer, else nothing */
};

/* Estimator settings that stay fixed for a whole run. (ES stands for evolution strategy.) */
typedef struct {
    uint16_t pairs;       /* antithetic pairs of members: 1..EGG_PAIRS_MAX (sample: 1..EGG_SAMPLE_PAIRS_MAX); sweep and
                             eprop have none, and do not use the number */
    uint16_t penalty;     /* fitness that each spike of a LIF layer costs, in 1/4096 bit, 0..EGG_PENALTY_MAX */
    uint8_t estimator;    /* EGG_ESTIMATOR_* */
    uint8_t rank;         /* rank of a perturbation, 1..EGG_RANK_MAX; pairs * rank <= EGG_PAIRS_RANK_MAX (batch only) */
    uint8_t segments;     /* parts of a recording, each perturbed separately: 1..EGG_SEGMENTS_MAX, and at most the ticks
                             (sample and sweep only); eprop: the ticks */
    uint8_t fitness;      /* EGG_FITNESS_* */
    uint16_t learn_above; /* a recording whose unperturbed loss is below this leaves no credit; in 1/4096 bit,
                             0..EGG_LEARN_ABOVE_MAX; 0: all leave some (sweep and eprop only) */
    uint8_t shift;        /* training moves each recording by up to this many pixels, 0..EGG_SHIFT_MAX (SPEC.md section
                             3.1); see egg_shifted() */
} egg_estimator_config;

/* Checks both configurations together. Returns EGG_OK, or the status of the first field that is out of range. */
egg_status egg_estimator_check(const egg_net_config *net, const egg_estimator_config *es);

/* --- hyperparameters of a generation (SPEC.md sections 7 and 9) --- */

/* Size of the perturbations; 0 switches them off.
 * batch: 1/256 weight unit, divided by sqrt(rank): see egg_sigma_of_rank(). full: 1/256 weight unit, divided by
 * sqrt(2). sample, sweep: `hidden` in units of a neuron's current, at most egg_forward_perturbation_limit() of every
 * layer (sweep: that of the first layer; deeper ones in proportion to their thresholds); `readout` in 1/4096 bit of a
 * logit. eprop: `hidden` is the width of the surrogate, in units of the first layer's membrane (deeper layers as in
 * sweep); `readout` as in sweep. */
typedef struct {
    uint16_t hidden;  /* of the LIF matrices, 0..EGG_SIGMA_MAX (full: 0..EGG_SIGMA_FULL_MAX) */
    uint16_t readout; /* of the readout matrix, 0..EGG_SIGMA_MAX (full: 0..EGG_SIGMA_FULL_READOUT_MAX) */
} egg_sigma;

/* The learning rate m * 2^-n, in 1/4096 weight unit for each unit of the sum that an estimator forms. */
typedef struct {
    uint8_t m; /* 0..EGG_LEARNING_RATE_M_MAX */
    uint8_t n; /* 0..EGG_LEARNING_RATE_N_MAX (sample: from EGG_LEARNING_RATE_N_SAMPLE_MIN on) */
} egg_learning_rate;

#endif
