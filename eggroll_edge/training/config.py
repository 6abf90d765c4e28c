"""TrainConfig: everything a training run depends on, in units for people.

A run is a function of this config and of the data. `rate` and `steps_at` turn its float units into
the core's integers; the journal logs those integers, so a replay needs no float arithmetic.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from eggroll_edge._core import lib
from eggroll_edge.core.config import (
    ESTIMATORS,
    FITNESSES,
    READOUTS,
    EsConfig,
    EstimatorName,
    Fitness,
    Hyperparameters,
    LearningRate,
    LifConfig,
    NetConfig,
    Readout,
    check_choice,
    check_int,
)
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.sources import adapt_binning
from eggroll_edge.errors import ConfigError

Polarity = Literal["split", "merged", "on", "off"]
_AUTO: Any = None
_BIT = 4096  # fixed-point units in a bit of fitness, and in a weight unit of a step

# What a field left at None becomes: best values, and some units, depend on the estimator. Found by
# random search on simulated N-MNIST, 60,000 recordings, 2312-128-10; full takes batch's.
_SAMPLE: dict[str, Any] = {
    "sigma": 500.0, "threshold": 1400, "gain": 5, "penalty_bits": 0.0015,
}  # fmt: skip
_BATCH: dict[str, Any] = {
    "batch": 128, "sigma": 6.0, "sigma_readout": 2.0, "lr": 3.5, "lr_readout": 1.25,
    "threshold": 900, "gain": 4, "penalty_bits": 0.00025,
}  # fmt: skip
DEFAULTS: dict[str, dict[str, Any]] = {
    "sample": _SAMPLE | {
        "pairs": 256, "batch": 32, "generations": 16000,
        "sigma_readout": 1.95, "lr": 20.0, "lr_readout": 6.0,
    },
    "online": _SAMPLE | {
        "pairs": 128, "batch": 1, "generations": 600000,
        "sigma_readout": 1.22, "lr": 0.6, "lr_readout": 0.1,
    },
    "batch": _BATCH | {"pairs": 8192, "generations": 600},
    "full": _BATCH | {"pairs": 64, "generations": 200},
}  # fmt: skip
# ... and with LIF layers behind the first, whose few and rare inputs need a lower threshold. Each
# member then runs on its own, so pairs cost time.
_DEEP: dict[str, dict[str, Any]] = {
    "sample": {"threshold": 1500, "sigma": 200.0, "pairs": 48, "lr": 8.0},
    "online": {"threshold": 1500, "sigma": 200.0, "pairs": 16, "lr": 0.15},
}
_DEEP_SHARE = 5  # deep_threshold is threshold // this
_GAIN_OF_SPIKES = 11  # counts are small: at most 32, and a logit needs some bits

_CHOICES: dict[str, tuple[str, ...]] = {
    "estimator": ESTIMATORS,
    "readout": READOUTS,
    "fitness": FITNESSES,
    "polarity": get_args(Polarity),
}
_INTEGERS = {
    "skip_first": (0, 2**31 - 1),
    "ticks": (1, 32),
    "pool": (1, 2),
    "threshold": (1, 16383),
    "deep_threshold": (1, 16383),
    "leak_shift": (1, 8),
    "refractory": (0, 15),
    "gain": (0, 12),
    "init_std": (0, 64),
    "readout_std": (0, 64),
    "pairs": (1, 8192),
    "batch": (1, 8192),
    "rank": (1, 16),
    "segments": (1, 8),
    "generations": (1, 2**32 - 1),
    "seed": (0, 2**32 - 1),
    "eval_every": (0, 2**32 - 1),
    "early_stop": (0, 2**32 - 1),
}
_NUMBERS = {
    "penalty_bits": (0, 4095 / 4096),
    "sigma": (0, 8192),
    "sigma_readout": (0, 127),
    "lr": (0, 1e6),
    "lr_readout": (0, 1e6),
    "lr_final": (0, 1),
    "sigma_final": (0, 1),
}


def rate(value: float, least: int = 0) -> LearningRate:
    """The nearest (m, n) with m <= 127 and least <= n <= 30; m has 7 bits where n allows.

    ConfigError if `value` is too large; a value below 2^-31 becomes 0.
    """
    n = 30
    while n > least and value * 2.0**n > 127.5:
        n -= 1
    m = round(value * 2.0**n)
    if m > 127:
        raise ConfigError(f"learning rate {value:g}: use at most {127 / 2**least:g}")
    return m, n


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training run. A field that is None takes the estimator's default (DEFAULTS)."""

    # --- data
    data: str = "digits"
    """digits, nmnist, idx:DIR, chirps[:NAME=NUMBER,...], shd[:DIR], dvsgesture[:DIR], stmnist:DIR,
    or a folder of N-MNIST recordings."""
    test_data: str | None = None
    """Where the test split is; None = in `data`."""
    skip_first: int = 0
    """Leave out the first so many samples of the training split."""
    ticks: int = 15
    """Ticks a recording is cut into, 1..32."""
    pool: int = 1
    """2 merges 2 x 2 pixels into one input."""
    polarity: Polarity = "split"
    first_saccade_only: bool = False
    stabilize: bool = False
    # --- net
    hidden: tuple[int, ...] = (128,)
    """Neurons of the hidden LIF layers."""
    threshold: int = _AUTO
    """Membrane at which a neuron of the first LIF layer spikes, 1..16383, in weight units."""
    deep_threshold: int = _AUTO
    """The same of the LIF layers behind it; None = a fifth of threshold."""
    leak_shift: int = 1
    refractory: int = 0
    readout: Readout = "integrate"
    gain: int = _AUTO
    init_std: int = 28
    """Standard deviation of initial weights, 0..64 weight units (a weight is an int8)."""
    readout_std: int = 24
    start_from: str | None = None
    """Run directory or weights file whose weights the run begins with; None = random ones."""
    # --- estimator
    estimator: EstimatorName = "sample"
    online: bool = False
    """Estimator sample, one sample a generation, weights updated in place: what a device does."""
    pairs: int = _AUTO
    batch: int = _AUTO
    """Recordings a generation, 1..8192 (online: 1)."""
    rank: int = 1
    segments: int = 5
    fitness: Fitness = "xent"
    penalty_bits: float = _AUTO
    """Fitness that a spike costs, 0..0.99 bits."""
    # --- course
    generations: int = _AUTO
    """Generations in all; online: samples."""
    seed: int = 1
    """0..2^32 - 1."""
    sigma: float = _AUTO
    """Perturbation of LIF layers. sample: of a current, in current units (sums of weights);
    batch, full: standard deviation of a weight's, in weight units."""
    sigma_readout: float = _AUTO
    """Perturbation of the readout. sample: of a logit, in bits; batch, full: as sigma."""
    lr: float = _AUTO
    """Learning rate of LIF layers. sample: weight units per bit of fitness difference, averaged
    over pairs and batch; batch, full: weight units that a typical weight moves in a generation."""
    lr_readout: float = _AUTO
    """Learning rate of the readout matrix, units as lr."""
    lr_final: float = 0.05
    """Share of the learning rates left at the end, 0..1; they fall along a cosine."""
    sigma_final: float = 1.0
    """Share of the sigmas left at the end, 0..1; they fall linearly."""
    # --- evaluation
    eval_every: int = 0
    """Generations between evaluations on the test split; 0 = about 20 times a run."""
    early_stop: int = 0
    """Stop after so many evaluations without a better test accuracy; 0 = never."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            check_choice(name, getattr(self, name), choices)
        for name in ("online", "first_saccade_only", "stabilize"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} is {getattr(self, name)!r}: use true or false")
        if self.online and self.estimator != "sample":
            raise ConfigError(
                f"online is set with estimator {self.estimator}: only sample can update after "
                "each recording; use estimator = sample, or leave online out"
            )
        object.__setattr__(self, "hidden", _sizes(self.hidden, self.readout))
        for name, value in self._defaults().items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        if self.deep_threshold is None and isinstance(self.threshold, int):
            object.__setattr__(self, "deep_threshold", max(1, self.threshold // _DEEP_SHARE))
        for name, (low, high) in _INTEGERS.items():
            check_int(name, getattr(self, name), low, high)
        for name, (least, most) in _NUMBERS.items():
            object.__setattr__(self, name, _number(name, getattr(self, name), least, most))
        self._check_together()

    def _defaults(self) -> dict[str, Any]:
        values = dict(DEFAULTS[self.kind])
        if len(self.hidden) + (self.readout == "spikes") > 1:
            values |= _DEEP.get(self.kind, {})
        if self.readout == "spikes":
            values["gain"] = _GAIN_OF_SPIKES
        return values

    def _check_together(self) -> None:
        self.es_config()
        if self.readout == "integrate" and self.gain > 8:
            raise ConfigError(f"gain is {self.gain}: use 0..8 with readout = integrate")
        if self.online and self.batch != 1:
            raise ConfigError(f"batch is {self.batch} with online: a generation is one sample")
        if self.estimator == "sample" and self.segments > self.ticks:
            raise ConfigError(
                f"segments is {self.segments}, but a recording has {self.ticks} ticks: use at most "
                "as many segments as ticks"
            )
        if self.estimator == "batch" and self.pairs * self.rank > 65536:
            raise ConfigError(
                f"pairs * rank is {self.pairs * self.rank}: use at most 65536, a smaller rank"
            )
        scale, least = self._rate_scale()
        for name in ("lr", "lr_readout"):
            lr, most = getattr(self, name), 127 / 2**least / scale
            if lr > most:
                raise ConfigError(
                    f"{name} is {lr:g}: use at most {_floor3(most)} with {self.pairs} pairs and "
                    f"{self.batch} samples a generation"
                )
            if 0 < lr * scale < 2.0**-30:
                raise ConfigError(
                    f"{name} is {lr:g}: use at least {2.0**-29 / scale:.2g}, or 0 to freeze weights"
                )
        limits = self._most_sigma()
        for name, got, limit in zip(
            ("sigma", "sigma_readout"), self.steps_at(0).sigma, limits, strict=True
        ):
            if got > limit:
                raise ConfigError(
                    f"{name} is {getattr(self, name):g}: use at most "
                    f"{_floor3(getattr(self, name) * limit / got)} with estimator {self.estimator} "
                    f"and leak_shift {self.leak_shift}"
                )

    def _most_sigma(self) -> tuple[int, int]:
        if self.estimator == "sample":  # a perturbation takes at most a fourth of a current's range
            return ((32767 >> self.leak_shift) - 1) // 4, 32767
        return (16383, 16367) if self.estimator == "full" else (32767, 32767)

    @property
    def kind(self) -> str:
        """Key of DEFAULTS: the estimator, or online."""
        return "online" if self.online else self.estimator

    @property
    def penalty(self) -> int:
        """penalty_bits in the core's 1/4096 bit."""
        return round(_BIT * self.penalty_bits)

    @property
    def evaluate_every(self) -> int:
        """eval_every, with 0 resolved."""
        return self.eval_every or max(1, self.generations // 20)

    def binning(self) -> Binning:
        """How recordings become ticks, with the sensor and the window of `data`."""
        asked = Binning(
            ticks=self.ticks,
            pool=self.pool,
            polarity=self.polarity,
            first_saccade_only=self.first_saccade_only,
            stabilize=self.stabilize,
        )
        return adapt_binning(self.data, asked)

    def net_config(self, inputs: int, outputs: int) -> NetConfig:
        """The net for data of so many inputs and classes; ConfigError if it cannot be."""
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
        """The estimator."""
        return EsConfig(
            self.estimator, self.pairs, self.rank, self.segments, self.fitness, self.penalty
        )

    def steps_at(self, generation: int) -> Hyperparameters:
        """Sigmas and learning rates of a generation, 0..generations - 1, as the core's integers."""
        x = generation / self.generations
        fall = self.lr_final + (1 - self.lr_final) * 0.5 * (1 + math.cos(math.pi * x))
        return self._steps(fall, self.sigma_final + (1 - self.sigma_final) * (1 - x))

    def _steps(self, lr_share: float, sigma_share: float) -> Hyperparameters:
        if self.estimator == "sample":
            sigma = (
                round(self.sigma * sigma_share),
                round(_BIT * self.sigma_readout * sigma_share),
            )
        else:
            sigma = (
                self._weight_sigma(self.sigma * sigma_share),
                self._weight_sigma(self.sigma_readout * sigma_share),
            )
        scale, least = self._rate_scale()
        scale *= lr_share
        return Hyperparameters(
            sigma, (rate(self.lr * scale, least), rate(self.lr_readout * scale, least))
        )

    def _weight_sigma(self, sigma: float) -> int:
        """Weight units to the core's 1/256, less the standard deviation of the noise letters."""
        if self.estimator == "full":
            return round(256 * sigma / math.sqrt(2))
        return int(lib.egg_sigma_of_rank(min(round(256 * sigma), 65535), self.rank))

    def _rate_scale(self) -> tuple[float, int]:
        """What turns lr into the core's value, and the core's least n."""
        if self.estimator == "sample":
            return 1 / (self.pairs * self.batch), 4
        # bytes f have a mean |f| of 32, so 32 * sqrt(pairs * variance) is a typical sum of them
        variance = self.rank if self.estimator == "batch" else 2
        return _BIT / (32 * math.sqrt(self.pairs * variance)), 0

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON and TOML; None only in test_data."""
        return {**asdict(self), "hidden": list(self.hidden)}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> TrainConfig:
        """The inverse of to_dict; fields may be left out. ConfigError at an unknown one."""
        known = [f.name for f in fields(TrainConfig)]
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise ConfigError(f"{name!r} is no field of the training config: {hint}")
        return TrainConfig(**values)


def _number(name: str, value: object, least: float, most: float) -> float:
    """`value` as a float; ConfigError unless it is a number in least..most."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ConfigError(f"{name} is {value!r}: use a number {least:g}..{most:g}")
    return float(value)


def _floor3(x: float) -> str:
    """A positive number rounded down to three digits, so that it is a limit one may use."""
    unit = 10.0 ** (math.floor(math.log10(x)) - 2)
    return f"{math.floor(x / unit) * unit:.3g}"


def _sizes(hidden: object, readout: str) -> tuple[int, ...]:
    """`hidden` as a tuple; ConfigError unless it is a list of layer sizes that fits the readout."""
    if not isinstance(hidden, (tuple, list)):
        raise ConfigError(f"hidden is {hidden!r}: use a list of layer sizes, such as [128, 64]")
    low, high = (0, 3) if readout == "spikes" else (1, 4)
    if not low <= len(hidden) <= high:
        raise ConfigError(
            f"hidden has {len(hidden)} layers: use {low}..{high} with readout = {readout}"
        )
    for size in hidden:
        check_int("a size in hidden", size, 1, 1024)
    return tuple(hidden)


def merge(preset: Mapping[str, Any], overrides: Mapping[str, Any]) -> TrainConfig:
    """Defaults < preset < overrides.

    Where the overrides choose another estimator than the preset's, the preset's values of the
    fields that depend on the estimator (DEFAULTS) are dropped.
    """

    def kind(values: Mapping[str, Any]) -> tuple[Any, Any]:
        return values.get("estimator", "sample"), bool(values.get("online", False))

    base = dict(preset)
    if "estimator" in overrides and overrides["estimator"] != "sample":
        base.pop("online", None)
    both = {**base, **overrides}
    if kind(both) != kind(preset):
        both = {k: v for k, v in both.items() if k in overrides or k not in DEFAULTS["sample"]}
    return TrainConfig.from_dict(both)


ONLINE_CHUNK = 250
"""Recordings between two journal lines, and two settings of the learning rate, of `online`."""
