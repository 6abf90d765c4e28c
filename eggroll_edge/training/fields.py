"""The fields of TrainConfig: default, range, unit and explanation of every setting of a run."""

# ruff: noqa: RUF009  # setting() makes a dataclass field, as field() does

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eggroll_edge._core import lib
from eggroll_edge.core.config import (
    GAIN_MAX,
    GAIN_SPIKES_MAX,
    LEAK_SHIFT_MAX,
    LEARN_ABOVE_MAX,
    PENALTY_MAX,
    READOUT_POOL_MAX,
    REFRACTORY_MAX,
    SHIFT_MAX,
    STD_MAX,
    THRESHOLD_MAX,
    EstimatorName,
    Fitness,
    Readout,
)
from eggroll_edge.data.sources import help_text
from eggroll_edge.training.settings import (
    DATA,
    DERIVED,
    ESTIMATOR,
    NET,
    SCHEDULE,
    UINT32_MAX,
    ByEstimator,
    setting,
)
from eggroll_edge.training.units import BIT

INIT_STD = 28
"""Standard deviation of the initial weights of LIF layers, unless their currents were too large."""

Polarity = Literal["split", "merged", "on", "off"]


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of TrainConfig, without its checks."""

    # fmt: off
    # --- data
    data: str = setting(
        "digits", DATA, metavar="SPEC", short="d",
        help=f"The recordings: {help_text()}.",
    )
    test_data: str | None = setting(
        None, DATA, metavar="SPEC", default_text="as data",
        help="Take the test split from these recordings instead.",
    )
    skip_first: int = setting(
        0, DATA, low=0, high=2**31 - 1, metavar="K",
        help="Leave out the first K recordings of the training split.",
    )
    validation: int = setting(
        0, DATA, low=0, high=2**31 - 1, help="Set N recordings of the training split aside, to "
        "choose settings on; the test split is then looked at only at the end.",
    )
    ticks: int = setting(
        15, DATA, low=1, high=lib.EGG_TICKS_MAX, metavar="T",
        help="Ticks that a recording is cut into. A tick is one simulation step.",
    )
    pool: int = setting(
        1, DATA, low=1, high=2, metavar="1|2",
        help="2 merges 2 x 2 pixels into one input, which leaves a fourth of the inputs.",
    )
    polarity: Polarity = setting(
        "split", DATA, metavar="NAME",
        help="Which events are inputs: split (on and off events in two channels), merged (both in "
        "one), on, or off.",
    )
    first_saccade_only: bool = setting(
        False, DATA, off="all-saccades",
        help="Take only the first 100 ms of a recording (N-MNIST).",
    )
    stabilize: bool = setting(
        False, DATA, off="no-stabilize", help="Undo the camera's motion (N-MNIST).",
    )
    shift: int = setting(
        0, DATA, low=0, high=SHIFT_MAX,
        help="Training moves each recording at random by up to N pixels, up or down and to a side; "
        "events that leave the sensor are dropped. With pool 2 these are pixels of the pooled "
        "sensor.",
    )
    # --- net
    hidden: tuple[int | str, ...] = setting(
        (128,), NET, metavar="LAYER[,LAYER...]",
        help="The hidden LIF layers, such as 128 or 128,64, which are numbers of neurons, or "
        "\"conv 16 k5 s2, 64\", which begins with a convolution: conv CHANNELS kKERNEL [sSTRIDE] "
        "[pPADDING], with stride 1 and padding 0 if they are left out. none is a linear readout of "
        "the inputs, for comparison (estimator sweep).",
    )
    input_segments: int = setting(
        5, NET, low=1, high=lib.EGG_SEGMENTS_MAX,
        help="With hidden none: parts of a recording, no more than ticks, in each of which the "
        "events of an input are counted.",
    )
    threshold: int = setting(
        DERIVED, NET, low=1, high=THRESHOLD_MAX,
        help="Membrane at which a neuron of the first LIF layer spikes, in weight units (a weight "
        "is an int8).",
    )
    deep_threshold: int = setting(
        DERIVED, NET, low=1, high=THRESHOLD_MAX,
        help="The same for the LIF layers after the first, whose inputs are few.",
    )
    leak_shift: int = setting(
        1, NET, low=1, high=LEAK_SHIFT_MAX, metavar="K",
        help="In each tick the membrane loses membrane >> K: a time constant of about 2^K ticks.",
    )
    refractory: int = setting(
        0, NET, low=0, high=REFRACTORY_MAX, metavar="T",
        help="Ticks after a spike in which a neuron takes no input and cannot spike.",
    )
    readout: Readout = setting(
        "integrate", NET, metavar="NAME",
        help="integrate (a matrix sums the last layer's spikes) or spikes (output neurons, whose "
        "spikes are counted).",
    )
    readout_pool: int = setting(
        1, NET, low=1, high=READOUT_POOL_MAX, metavar="P",
        help="Behind a convolution: the readout sums the spikes of squares of P x P places, which "
        "leaves it fewer weights.",
    )
    gain: int = setting(
        ByEstimator(5, 5, 4, 4, deep={"sweep": 4, "sweep-online": 4}, spikes=11,
            linear={"sweep": 6, "sweep-online": 6}),
        NET, low=0, high=GAIN_SPIKES_MAX,
        help=f"Logit = readout << N, in 1/{BIT} bit; at most {GAIN_MAX} with readout integrate.",
    )
    init_std: int = setting(
        None, NET, low=0, high=STD_MAX,
        default_text=f"{INIT_STD}, or less for inputs with many events",
        help="Standard deviation of the initial weights of LIF layers, in weight units.",
    )
    readout_std: int = setting(
        ByEstimator(24, 24, 24, 24, linear={"sweep": 0, "sweep-online": 0}),
        NET, low=0, high=STD_MAX,
        help="Standard deviation of the initial weights of the readout matrix, in weight units.",
    )
    start_from: str | None = setting(
        None, NET, metavar="RUN", default_text="random weights",
        help="Begin with the weights of this run directory or weights file, to adapt a trained "
        "net.",
    )
    # --- estimator
    estimator: EstimatorName = setting(
        "sweep", ESTIMATOR, metavar="NAME", short="e",
        help="batch (EGGROLL as published), sample (each recording credits its events), full "
        "(full-rank baseline), sweep (each neuron is perturbed alone) or eprop (local "
        "surrogate gradient, for comparison).",
    )
    online: bool = setting(
        False, ESTIMATOR, off="mini-batch",
        help="Update the weights after every recording, as a device does (sample, sweep, eprop).",
    )
    pairs: int = setting(
        ByEstimator(256, 128, 8192, 64, 1, 1, deep={"sample": 48, "online": 16}),
        ESTIMATOR, low=1, high=lib.EGG_PAIRS_MAX, metavar="P", short="p",
        help="Antithetic pairs; the population has twice as many members. At most 256 with "
        "estimator sample; sweep and eprop have none.",
    )
    batch: int = setting(
        ByEstimator(32, 1, 128, 128), ESTIMATOR, low=1, high=lib.EGG_RECORDINGS_MAX, metavar="B",
        short="b", help="Recordings of a generation, the mini-batch; 1 with online.",
    )
    rank: int = setting(
        1, ESTIMATOR, low=1, high=lib.EGG_RANK_MAX, metavar="R",
        help="Rank of a perturbation (estimator batch).",
    )
    segments: int = setting(
        5, ESTIMATOR, low=1, high=lib.EGG_SEGMENTS_MAX, metavar="S",
        help="Parts of a recording, perturbed separately (sample, sweep); no more than ticks. "
        "eprop takes one for each tick.",
    )
    fitness: Fitness = setting(
        "xent", ESTIMATOR, metavar="NAME",
        help="xent (minus cross-entropy) or accuracy (one bit for a right answer).",
    )
    penalty_bits: float = setting(
        ByEstimator(0.0015, 0.0015, 0.00025, 0.00025, 0.002, 0.003, 0.001, 0.0005, deep={
            "sweep": 0.0003, "sweep-online": 0.0008}),
        ESTIMATOR, low=0, high=PENALTY_MAX / BIT, metavar="X",
        help="Fitness that a spike costs, in bits; more makes neurons fire less.",
    )
    learn_above: float = setting(
        ByEstimator(0.0, 0.0, 0.0, 0.0, 0.07, 0.07, 0.0, 0.0), ESTIMATOR, low=0,
        high=LEARN_ABOVE_MAX / BIT, metavar="X",
        help="Learn from recordings whose loss is X bits or more; the others cost no more than an "
        "inference. 0 learns from all (sweep and eprop only; others need 0).",
    )
    # The units of sigma and lr depend on the estimator. In a deep net the few and rare inputs of
    # the later layers need smaller values.
    sigma: float = setting(
        ByEstimator(DERIVED, DERIVED, 6.0, 6.0), ESTIMATOR, low=0, high=8192, metavar="X",
        help="Size of the perturbation of LIF layers. Estimator sample: of a current, in weight "
        "units; sweep: the same for the first layer, for others in proportion to their thresholds; "
        "eprop: half the width of the surrogate, a triangle around the threshold, likewise; "
        "batch and full: standard deviation of the change of a weight, in weight units.",
    )
    sigma_readout: float = setting(
        ByEstimator(1.95, 1.22, 2.0, 2.0), ESTIMATOR, low=0, high=127, metavar="X",
        help="Size of the perturbation of the readout. Estimators sample, and sweep and eprop with "
        "fitness accuracy: of a logit, in bits (with xent they have none); batch and full: as "
        "sigma.",
    )
    sigma_final: float = setting(
        1.0, ESTIMATOR, low=0, high=1, metavar="SHARE",
        help="Share of both sigmas that is left at the end of the run; they fall linearly.",
    )
    # --- schedule
    generations: int = setting(
        ByEstimator(16000, 600000, 600, 200, sweep_online=1200000), SCHEDULE,
        low=1, high=UINT32_MAX, metavar="G", short="g",
        help="Generations of the whole run; with online: recordings.",
    )
    seed: int = setting(
        1, SCHEDULE, low=0, high=UINT32_MAX, metavar="S", short="s",
        help="Seed of all random numbers.",
    )
    lr: float = setting(
        ByEstimator(20.0, 0.6, 3.5, 3.5, 100.0, 2.5, 110.0, 1.8, deep={
            "sample": 8.0, "online": 0.15, "sweep": 58.0, "sweep-online": 2.5}),
        SCHEDULE, low=0, high=1_000_000, metavar="X",
        help="Learning rate of LIF layers. Estimators sample, sweep and eprop: weight units per "
        "bit of fitness difference, averaged over pairs and recordings; batch and full: weight "
        "units that a typical weight moves in a generation.",
    )
    lr_readout: float = setting(
        ByEstimator(6.0, 0.1, 1.25, 1.25, 20.0, 0.8, 9.0, 0.6, deep={
            "sweep": 17.0, "sweep-online": 0.6}, linear={"sweep": 30.0, "sweep-online": 1.0}),
        SCHEDULE, low=0, high=1_000_000, metavar="X",
        help="Learning rate of the readout matrix, in the units of lr.",
    )
    lr_final: float = setting(
        0.05, SCHEDULE, low=0, high=1, metavar="SHARE",
        help="Share of both learning rates that is left at the end of the run; they fall along a "
        "cosine.",
    )
    eval_every: int = setting(
        0, SCHEDULE, low=0, high=UINT32_MAX, metavar="G",
        help="Generations between evaluations; 0 makes about 20 in a run.",
    )
    early_stop: int = setting(
        0, SCHEDULE, low=0, high=UINT32_MAX,
        help="Stop after N evaluations without a better accuracy; 0 never stops early.",
    )
    # fmt: on
