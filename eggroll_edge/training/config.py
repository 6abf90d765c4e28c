"""TrainConfig: everything that a training run depends on, in units that people use.

A run is a function of this config and of the data. `hyperparameters_at` turns sigma and lr into the
core's integers, which the journal logs.
"""

# ruff: noqa: RUF009  # setting() makes a dataclass field, as field() does

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from eggroll_edge._core import lib
from eggroll_edge.core.config import (
    GAIN_MAX,
    GAIN_SPIKES_MAX,
    LEAK_SHIFT_MAX,
    PENALTY_MAX,
    REFRACTORY_MAX,
    STD_MAX,
    THRESHOLD_MAX,
    EsConfig,
    EstimatorName,
    Fitness,
    Hyperparameters,
    LifConfig,
    NetConfig,
    Readout,
)
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.sources import adapt_binning, help_text
from eggroll_edge.errors import ConfigError, unknown
from eggroll_edge.training.settings import (
    DATA,
    ESTIMATOR,
    NET,
    SCHEDULE,
    UINT32_MAX,
    ByEstimator,
    layer_sizes,
    setting,
    settings_of,
)
from eggroll_edge.training.units import BIT, Units

Polarity = Literal["split", "merged", "on", "off"]

ONLINE_CHUNK = 250
"""Online training: recordings between two lines of the journal, and between two changes of the
learning rates."""

_DEEP_SHARE = 5  # deep_threshold is threshold // this


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The configuration of a training run.

    The page "Settings of a run" (docs/reference/configuration.md) explains each field. A field that
    is None takes the default of its estimator. The defaults are the best values of a random search
    on simulated N-MNIST with 60,000 recordings and a net 2312-128-10 (inputs, hidden neurons,
    classes); the estimator `full` shares most of them with `batch`.

    Raises:
        ConfigError: A value is out of range, or values do not fit together.
    """

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
    # --- net
    hidden: tuple[int, ...] = setting(
        (128,), NET, metavar="N[,N...]",
        help="Neurons of each hidden LIF layer, such as 128 or 128,64.",
    )
    threshold: int = setting(
        ByEstimator(1400, 1400, 900, 900, deep={"sample": 1500, "online": 1500}),
        NET, low=1, high=THRESHOLD_MAX,
        help="Membrane at which a neuron of the first LIF layer spikes, in weight units (a weight "
        "is an int8).",
    )
    deep_threshold: int = setting(
        None, NET, low=1, high=THRESHOLD_MAX, default_text="a fifth of threshold",
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
    gain: int = setting(
        ByEstimator(5, 5, 4, 4, 6, 6, deep={"sweep": 4, "sweep-online": 4}, spikes=11),
        NET, low=0, high=GAIN_SPIKES_MAX,
        help=f"Logit = readout << N, in 1/{BIT} bit; at most {GAIN_MAX} with readout integrate.",
    )
    init_std: int = setting(
        28, NET, low=0, high=STD_MAX,
        help="Standard deviation of the initial weights of LIF layers, in weight units.",
    )
    readout_std: int = setting(
        24, NET, low=0, high=STD_MAX,
        help="Standard deviation of the initial weights of the readout matrix, in weight units.",
    )
    start_from: str | None = setting(
        None, NET, metavar="RUN", default_text="random weights",
        help="Begin with the weights of this run directory or weights file, to adapt a trained "
        "net.",
    )
    # --- estimator
    estimator: EstimatorName = setting(
        "sample", ESTIMATOR, metavar="NAME", short="e",
        help="batch (EGGROLL as published), sample (each recording credits its events), full "
        "(full-rank baseline) or sweep (each neuron is perturbed alone).",
    )
    online: bool = setting(
        False, ESTIMATOR, off="mini-batch",
        help="Update the weights after every recording, as a device does (sample and sweep).",
    )
    pairs: int = setting(
        ByEstimator(256, 128, 8192, 64, 1, 1, deep={"sample": 48, "online": 16}),
        ESTIMATOR, low=1, high=lib.EGG_PAIRS_MAX, metavar="P", short="p",
        help="Antithetic pairs; the population has twice as many members. At most 256 with "
        "estimator sample; sweep has none.",
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
        help="Parts of a recording, perturbed separately (sample, sweep); no more than ticks.",
    )
    fitness: Fitness = setting(
        "xent", ESTIMATOR, metavar="NAME",
        help="xent (minus cross-entropy) or accuracy (one bit for a right answer).",
    )
    penalty_bits: float = setting(
        ByEstimator(0.0015, 0.0015, 0.00025, 0.00025, 0.001, 0.0005), ESTIMATOR,
        low=0, high=PENALTY_MAX / BIT, metavar="X",
        help="Fitness that a spike costs, in bits; more makes neurons fire less.",
    )
    # The units of sigma and lr depend on the estimator. In a deep net the few and rare inputs of
    # the later layers need smaller values.
    sigma: float = setting(
        ByEstimator(500.0, 500.0, 6.0, 6.0, 1200.0, 1000.0, deep={
            "sample": 200.0, "online": 200.0}),
        ESTIMATOR, low=0, high=8192, metavar="X",
        help="Size of the perturbation of LIF layers. Estimator sample: of a current, in weight "
        "units; sweep: the same for the first layer, for others in proportion to their thresholds; "
        "batch and full: standard deviation of the change of a weight, in weight units.",
    )
    sigma_readout: float = setting(
        ByEstimator(1.95, 1.22, 2.0, 2.0), ESTIMATOR, low=0, high=127, metavar="X",
        help="Size of the perturbation of the readout. Estimators sample, and sweep with fitness "
        "accuracy: of a logit, in bits (sweep with xent has none); batch and full: as sigma.",
    )
    sigma_final: float = setting(
        1.0, ESTIMATOR, low=0, high=1, metavar="SHARE",
        help="Share of both sigmas that is left at the end of the run; they fall linearly.",
    )
    # --- schedule
    generations: int = setting(
        ByEstimator(16000, 600000, 600, 200), SCHEDULE, low=1, high=UINT32_MAX, metavar="G",
        short="g", help="Generations of the whole run; with online: recordings.",
    )
    seed: int = setting(
        1, SCHEDULE, low=0, high=UINT32_MAX, metavar="S", short="s",
        help="Seed of all random numbers.",
    )
    lr: float = setting(
        ByEstimator(20.0, 0.6, 3.5, 3.5, 100.0, 1.5, deep={
            "sample": 8.0, "online": 0.15, "sweep": 60.0, "sweep-online": 2.0}),
        SCHEDULE, low=0, high=1_000_000, metavar="X",
        help="Learning rate of LIF layers. Estimators sample and sweep: weight units per bit of "
        "fitness difference, averaged over pairs and recordings; batch and full: weight units that "
        "a typical weight moves in a generation.",
    )
    lr_readout: float = setting(
        ByEstimator(6.0, 0.1, 1.25, 1.25, 20.0, 0.4, deep={"sweep": 10.0, "sweep-online": 0.15}),
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

    def __post_init__(self) -> None:
        known = settings_of(TrainConfig)
        for one in known.values():
            if one.choices or one.type is bool:
                one.check(getattr(self, one.name))
        if self.online and not self.credits_recordings:
            raise ConfigError(
                f"online is set with estimator {self.estimator}: only sample and sweep can update "
                "after each recording; use one of them, or leave online out"
            )
        object.__setattr__(self, "hidden", layer_sizes(self.hidden, self.readout))
        self._fill_in_defaults()
        for one in known.values():
            object.__setattr__(self, one.name, one.check(getattr(self, one.name)))
        self._check_together()

    def _fill_in_defaults(self) -> None:
        spikes = self.readout == "spikes"
        deep = len(self.hidden) + spikes > 1
        for name, one in settings_of(TrainConfig).items():
            if getattr(self, name) is None and isinstance(one.default, ByEstimator):
                object.__setattr__(self, name, one.default.of(self.kind, deep, spikes))
        if self.deep_threshold is None and isinstance(self.threshold, int):
            object.__setattr__(self, "deep_threshold", max(1, self.threshold // _DEEP_SHARE))

    def _check_together(self) -> None:
        self.es_config()
        if self.readout == "integrate" and self.gain > GAIN_MAX:
            raise ConfigError(f"gain is {self.gain}: use 0..{GAIN_MAX} with readout = integrate")
        if self.online and self.batch != 1:
            raise ConfigError(f"batch is {self.batch} with online: a generation is one recording")
        if self.credits_recordings and self.segments > self.ticks:
            raise ConfigError(
                f"segments is {self.segments}, but a recording has {self.ticks} ticks: use at most "
                "as many segments as ticks"
            )
        if self.estimator == "batch" and self.pairs * self.rank > lib.EGG_PAIRS_RANK_MAX:
            raise ConfigError(
                f"pairs * rank is {self.pairs * self.rank}: use at most {lib.EGG_PAIRS_RANK_MAX}, "
                "a smaller rank"
            )
        self._units.check_lr("lr", self.lr)
        self._units.check_lr("lr_readout", self.lr_readout)
        self._units.check_sigmas(("sigma", "sigma_readout"), (self.sigma, self.sigma_readout))

    @property
    def kind(self) -> str:
        """The kind of training, one of settings.KINDS."""
        if self.online:
            return "online" if self.estimator == "sample" else f"{self.estimator}-online"
        return self.estimator

    @property
    def credits_recordings(self) -> bool:
        """Whether each recording credits its events: then a replay needs the recordings."""
        return self.estimator in ("sample", "sweep")

    @property
    def penalty(self) -> int:
        """penalty_bits in the core's unit, 1/4096 bit."""
        return round(BIT * self.penalty_bits)

    @property
    def evaluate_every(self) -> int:
        """Generations between two evaluations: eval_every, or a twentieth of the run if it is 0."""
        return self.eval_every or max(1, self.generations // 20)

    def binning(self) -> Binning:
        """How recordings become ticks, with the sensor and the time window of `data`."""
        asked = Binning(
            ticks=self.ticks,
            pool=self.pool,
            polarity=self.polarity,
            first_saccade_only=self.first_saccade_only,
            stabilize=self.stabilize,
        )
        return adapt_binning(self.data, asked)

    def net_config(self, inputs: int, outputs: int) -> NetConfig:
        """The net for data with these inputs and classes.

        Args:
            inputs: Inputs of the data, 1..32766.
            outputs: Classes of the data, 2..64.

        Returns:
            The topology of the net.

        Raises:
            ConfigError: The core or the estimator refuses such a net.
        """
        sizes = (*self.hidden, outputs) if self.readout == "spikes" else self.hidden
        layers = tuple(
            LifConfig(
                size,
                self.deep_threshold if i > 0 else self.threshold,
                self.leak_shift,
                self.refractory,
            )
            for i, size in enumerate(sizes)
        )
        net = NetConfig(inputs, outputs, self.ticks, layers, self.readout, self.gain)
        self.es_config().check(net)
        return net

    def es_config(self) -> EsConfig:
        """The estimator's configuration."""
        return EsConfig(
            self.estimator, self.pairs, self.rank, self.segments, self.fitness, self.penalty
        )

    def hyperparameters_at(self, generation: int) -> Hyperparameters:
        """Sigmas and learning rates of one generation, as integers in the units of the core.

        Args:
            generation: Number of the generation, 0..generations - 1.
        """
        x = generation / self.generations
        return self._units.hyperparameters(
            (self.sigma, self.sigma_readout),
            (self.lr, self.lr_readout),
            sigma_share=self.sigma_final + (1 - self.sigma_final) * (1 - x),
            lr_share=self.lr_final + (1 - self.lr_final) * 0.5 * (1 + math.cos(math.pi * x)),
        )

    @property
    def _units(self) -> Units:
        return Units(self.estimator, self.pairs, self.batch, self.rank, self.leak_shift)

    def to_dict(self) -> dict[str, Any]:
        """All fields for JSON, but a validation of 0. Only test_data and start_from can be None."""
        values = {**asdict(self), "hidden": list(self.hidden)}
        return values if self.validation else {k: v for k, v in values.items() if k != "validation"}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> TrainConfig:
        """The inverse of to_dict().

        Args:
            values: Fields of TrainConfig. Fields that are left out take their defaults.

        Returns:
            The config.

        Raises:
            ConfigError: A field is unknown, a value is out of range, or values do not fit together.
        """
        known = settings_of(TrainConfig)
        for name in values:
            if name not in known:
                raise ConfigError(unknown("field of the training config", name, known))
        return TrainConfig(**values)
