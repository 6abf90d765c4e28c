"""TrainConfig: everything that a training run depends on, in units that people use.

A run is a function of this config and of the data. `hyperparameters_at` turns sigma and lr into the
core's integers, which the journal logs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from eggroll_edge._core import lib
from eggroll_edge.core.config import (
    FOR_CONVOLUTIONS,
    GAIN_MAX,
    WITH_CREDIT,
    WITHOUT_PAIRS,
    EsConfig,
    Hyperparameters,
    NetConfig,
    lif_config,
    no_convolutions,
)
from eggroll_edge.core.shapes import Convolution, Layer, parse_layer
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.sources import adapt_binning
from eggroll_edge.errors import ConfigError, unknown
from eggroll_edge.training.fields import Fields
from eggroll_edge.training.settings import DERIVED, ByEstimator, layer_entries, settings_of
from eggroll_edge.training.units import BIT, Units

FROM_DATA = ("init_std", "threshold", "deep_threshold", "sigma")
"""The settings that may be left to the data, in the order in which they are derived."""

FIRST_RECORDINGS = 256
"""They are derived from this number of training recordings, the first ones, or from all."""

ONLINE_CHUNK = 250
"""Online training: recordings between two lines of the journal, and between two changes of the
learning rates."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Fields):
    """The configuration of a training run.

    The page "Settings of a run" (docs/reference/configuration.md) explains each field. A field that
    is None takes the default of its estimator; `threshold`, `deep_threshold`, `sigma` and
    `init_std` may stay None, and train() then derives them from the first recordings. The other
    defaults are the best values of a random search on simulated N-MNIST with 60,000 recordings and
    a net 2312-128-10 (inputs, hidden neurons, classes); the estimator `full` shares most of them
    with `batch`.

    Raises:
        ConfigError: A value is out of range, or values do not fit together.
    """

    def __post_init__(self) -> None:
        known = settings_of(TrainConfig)
        for one in known.values():
            if one.choices or one.type is bool:
                one.check(getattr(self, one.name))
        if self.online and not self.credits_recordings:
            raise ConfigError(
                f"online is set with estimator {self.estimator}: only sample, sweep and eprop "
                "can update after each recording; use one of them, or leave online out"
            )
        object.__setattr__(self, "hidden", layer_entries(self.hidden, self.readout))
        self._fill_in_defaults()
        left = self._none_of(FROM_DATA)
        for one in known.values():
            if one.name not in left:
                object.__setattr__(self, one.name, one.check(getattr(self, one.name)))
        self._check_together()

    def _fill_in_defaults(self) -> None:
        for name, one in settings_of(TrainConfig).items():
            if getattr(self, name) is None and isinstance(one.default, ByEstimator):
                value = self.default(one.default)
                object.__setattr__(self, name, None if value is DERIVED else value)

    def default(self, table: ByEstimator) -> Any:
        """The value in a table of defaults that is for this estimator and this net."""
        return table.of(self.kind, self.lif_layers > 1, self.readout == "spikes", self.linear)

    def _check_together(self) -> None:
        if self.learn_above and not self.chooses_recordings:
            raise ConfigError(
                f"learn_above is {self.learn_above:g} with estimator {self.estimator}: only sweep "
                "can leave out recordings; use --estimator sweep, or leave learn_above out"
            )
        if self.chooses_recordings and self.pairs != 1:
            raise ConfigError(
                f"pairs is {self.pairs} with estimator {self.estimator}, which has none: leave "
                "pairs out, or use --estimator sample"
            )
        self.es_config()
        if self.linear and self.estimator != "sweep":
            raise ConfigError(
                f"hidden is none with estimator {self.estimator}: only sweep trains a net without "
                "a hidden layer; set estimator = sweep"
            )
        if self.has_convolution and self.estimator not in FOR_CONVOLUTIONS:
            raise ConfigError(no_convolutions(self.estimator))
        self._check_readout()
        if self.linear and self.input_segments > self.ticks:
            raise ConfigError(
                f"input_segments is {self.input_segments}, but a recording has {self.ticks} ticks: "
                "use at most as many"
            )
        if self.online and self.batch != 1:
            raise ConfigError(f"batch is {self.batch} with online: a generation is one recording")
        perturbed = self.estimator == "sample" or (self.estimator == "sweep" and not self.linear)
        if perturbed and self.segments > self.ticks:
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
        sigmas = 0.0 if self.sigma is None else self.sigma, self.sigma_readout
        self._units.check_sigmas(("sigma", "sigma_readout"), sigmas)

    def _check_readout(self) -> None:
        if self.readout == "integrate" and self.gain > GAIN_MAX:
            raise ConfigError(f"gain is {self.gain}: use 0..{GAIN_MAX} with readout = integrate")
        ends_in_convolution = bool(self.layers) and isinstance(self.layers[-1], Convolution)
        if self.readout_pool > 1 and (self.readout == "spikes" or not ends_in_convolution):
            raise ConfigError(
                f"readout_pool is {self.readout_pool}, but no readout matrix is behind a "
                "convolution: end hidden with one and use readout = integrate, or use readout_pool "
                "1"
            )

    @property
    def left_to_data(self) -> tuple[str, ...]:
        """The settings that are still to be derived from the data, as `derive` does."""
        unused = ("threshold", "deep_threshold")[self.lif_layers :]
        return tuple(name for name in self._none_of(FROM_DATA) if name not in unused)

    def _none_of(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if getattr(self, name) is None)

    def _check_derived(self, *names: str) -> None:
        left = [name for name in self.left_to_data if name in names]
        if left:
            raise ConfigError(
                f"{' and '.join(left)} would be derived from the data, which has not been done: "
                "set a value, or call derive(config, data) first"
            )

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The form of each hidden LIF layer."""
        return tuple(map(parse_layer, self.hidden))

    @property
    def hidden_text(self) -> str:
        """The hidden layers on a line: "128-64", or "conv 16 k5 s2, 64"."""
        return (", " if self.has_convolution else "-").join(map(str, self.hidden))

    @property
    def has_convolution(self) -> bool:
        """Whether a hidden layer is a convolution."""
        return any(isinstance(layer, Convolution) for layer in self.layers)

    @property
    def lif_layers(self) -> int:
        """Number of LIF layers, with that of the output neurons if there is one."""
        return len(self.hidden) + (self.readout == "spikes")

    @property
    def kind(self) -> str:
        """The kind of training, one of settings.KINDS."""
        if self.online:
            return "online" if self.estimator == "sample" else f"{self.estimator}-online"
        return self.estimator

    @property
    def perturbations(self) -> str:
        """What is perturbed for a gradient: "32 pairs", or with sweep "5 segments"."""
        if self.linear or self.estimator == "eprop":
            return "nothing perturbed"
        if self.estimator == "sweep":
            return f"{self.segments} segments"
        return f"{self.pairs} pairs"

    @property
    def chooses_recordings(self) -> bool:
        """Whether learn_above decides which recordings leave credit."""
        return self.estimator in WITHOUT_PAIRS

    @property
    def credits_recordings(self) -> bool:
        """Whether each recording credits its events: then a replay needs the recordings."""
        return self.estimator in WITH_CREDIT

    @property
    def linear(self) -> bool:
        """Whether the net has no LIF layer, only a linear readout of its inputs."""
        return not self.hidden and self.readout == "integrate"

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

    def net_config(
        self, inputs: int, outputs: int, shape: tuple[int, int, int] | None = None
    ) -> NetConfig:
        """The net for data with these inputs and classes.

        Args:
            inputs: Inputs of the data, 1..32766; below a convolution up to 65535.
            outputs: Classes of the data, 2..64.
            shape: Channels, rows and columns of the inputs, which a convolution and a shift need.

        Returns:
            The topology of the net.

        Raises:
            ConfigError: The core or the estimator refuses such a net, a threshold is left to the
                data, or a convolution or a shift does not fit the shape or has none.
        """
        self._check_derived("threshold", "deep_threshold")
        forms = (*self.layers, outputs) if self.readout == "spikes" else self.layers
        layers = tuple(
            lif_config(
                form,
                self.deep_threshold if i > 0 else self.threshold,
                self.leak_shift,
                self.refractory,
            )
            for i, form in enumerate(forms)
        )
        net = NetConfig(
            inputs, outputs, self.ticks, layers, self.readout, self.gain,
            self.input_segments if self.linear else 1,
            shape if self.shift or self.has_convolution else None, self.readout_pool,
        )  # fmt: skip
        self.es_config().check(net)
        return net

    def es_config(self) -> EsConfig:
        """The estimator's configuration."""
        segments = self.segments
        if self.estimator == "eprop":
            segments = self.ticks
        elif self.linear:
            segments = 1
        return EsConfig(
            self.estimator, self.pairs, self.rank, segments, self.fitness, self.penalty,
            round(BIT * self.learn_above), self.shift,
        )  # fmt: skip

    def hyperparameters_at(self, generation: int) -> Hyperparameters:
        """Sigmas and learning rates of one generation, as integers in the units of the core.

        Args:
            generation: Number of the generation, 0..generations - 1.

        Raises:
            ConfigError: `sigma` is left to the data.
        """
        self._check_derived("sigma")
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
        """All fields for JSON, but for those that cannot matter to this run and that version 0.1.0
        did not have. What is left to the data is None."""
        values = {**asdict(self), "hidden": list(self.hidden)}
        left_out = {
            "validation": not self.validation,
            "input_segments": not self.linear,
            "learn_above": not self.chooses_recordings,
            "readout_pool": self.readout_pool == 1,
            "shift": not self.shift,
        }
        return {name: value for name, value in values.items() if not left_out.get(name)}

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
