"""Configuration of a net and of an estimator: the C core's structs as frozen dataclasses.

Every range is checked when an object is made. The C core then checks the whole configuration, and
if it refuses, the ConfigError quotes its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, get_args

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.checks import check_choice, check_int
from eggroll_edge.core.shapes import Convolution, Layer, Shape, layer_shapes
from eggroll_edge.errors import ConfigError

Readout = Literal["integrate", "spikes"]
EstimatorName = Literal["batch", "sample", "full", "sweep", "eprop"]
Fitness = Literal["xent", "accuracy"]

READOUTS: tuple[Readout, ...] = get_args(Readout)
ESTIMATORS: tuple[EstimatorName, ...] = get_args(EstimatorName)
FITNESSES: tuple[Fitness, ...] = get_args(Fitness)

WITHOUT_PAIRS: frozenset[str] = frozenset({"sweep", "eprop"})
"""Estimators without pairs and fitness bytes. They alone can leave out recordings (learn_above)."""
WITH_CREDIT: frozenset[str] = WITHOUT_PAIRS | {"sample"}
"""Estimators with which each recording leaves credit for the neurons that saw its events."""
FOR_CONVOLUTIONS: frozenset[str] = WITHOUT_PAIRS | {"batch"}
"""Estimators that can train a net with a convolution."""

# Largest values that the C core accepts. The bounds proved in SPEC.md rest on them.
THRESHOLD_MAX: int = lib.EGG_THRESHOLD_MAX
LEAK_SHIFT_MAX: int = lib.EGG_LEAK_SHIFT_MAX
REFRACTORY_MAX: int = lib.EGG_REFRACTORY_MAX
PENALTY_MAX: int = lib.EGG_PENALTY_MAX
LEARN_ABOVE_MAX: int = lib.EGG_LEARN_ABOVE_MAX
SHIFT_MAX: int = lib.EGG_SHIFT_MAX
GAIN_MAX: int = lib.EGG_GAIN_MAX
GAIN_SPIKES_MAX: int = lib.EGG_GAIN_SPIKES_MAX
STD_MAX: int = lib.EGG_STD_MAX
READOUT_POOL_MAX: int = lib.EGG_READOUT_POOL_MAX


def status_text(status: int) -> str:
    """The core's description of a status code, one line of English."""
    return str(ffi.string(lib.egg_status_text(status)).decode())


@dataclass(frozen=True)
class LifConfig:
    """One layer of leaky integrate-and-fire (LIF) neurons, dense or a convolution.

    Raises:
        ConfigError: A value is out of range.
    """

    size: int
    """Neurons, 1..1024; of a convolution channels, 1..256."""
    threshold: int = 1024
    """Membrane potential at which a neuron spikes, 1..16383, in weight units (a weight is an
    int8)."""
    leak_shift: int = 1
    """In each tick the membrane potential v loses v >> leak_shift, 1..8. The time constant is about
    2^leak_shift ticks."""
    refractory: int = 0
    """Ticks after a spike in which a neuron takes no input and cannot spike, 0..15."""
    kernel: int = 0
    """0: dense. Otherwise the side of a convolution's kernel, 1..15."""
    stride: int = 1
    """Places of the layer below between two neighbours of a convolution, 1..8; dense: 1."""
    padding: int = 0
    """Empty places around the layer below a convolution, 0..kernel - 1; dense: 0."""

    def __post_init__(self) -> None:
        if self.kernel != 0:
            Convolution(self.size, self.kernel, self.stride, self.padding)
        else:
            check_int("layer size", self.size, 1, lib.EGG_NEURONS_MAX)
            check_int("stride of a dense layer", self.stride, 1, 1)
            check_int("padding of a dense layer", self.padding, 0, 0)
        check_int("threshold", self.threshold, 1, THRESHOLD_MAX)
        check_int("leak_shift", self.leak_shift, 1, LEAK_SHIFT_MAX)
        check_int("refractory", self.refractory, 0, REFRACTORY_MAX)

    @property
    def form(self) -> Layer:
        """The number of neurons of a dense layer, or the form of a convolution."""
        if self.kernel == 0:
            return self.size
        return Convolution(self.size, self.kernel, self.stride, self.padding)

    def to_dict(self) -> dict[str, int]:
        """All fields, ready for JSON; of a dense layer without those of a convolution."""
        values = asdict(self)
        if self.kernel == 0:
            del values["kernel"], values["stride"], values["padding"]
        return values


def lif_config(form: Layer, threshold: int, leak_shift: int, refractory: int) -> LifConfig:
    """The LIF layer of a form."""
    if isinstance(form, int):
        return LifConfig(form, threshold, leak_shift, refractory)
    convolution = (form.kernel, form.stride, form.padding)
    return LifConfig(form.channels, threshold, leak_shift, refractory, *convolution)


@dataclass(frozen=True)
class NetConfig:
    """Topology of a net (runtime_c/SPEC.md, section 4).

    Raises:
        ConfigError: A value is out of range, or the core refuses the net.
    """

    inputs: int
    """Inputs, 1..32766; below a convolution up to 65535."""
    outputs: int
    """Classes, 2..64."""
    ticks: int
    """Ticks of a recording, 1..32."""
    layers: tuple[LifConfig, ...]
    """LIF layers, 0..4. Without one the readout is linear in the events of the inputs."""
    readout: Readout = "integrate"
    """How logits are made. integrate: one more matrix sums up the spikes of the last LIF layer.
    spikes: the spikes of the last LIF layer are counted, so it has one neuron for each class."""
    gain: int = 6
    """A logit is the readout shifted left by gain, in 1/4096 bit; 0..8 (readout spikes: 0..12)."""
    input_segments: int = 1
    """Without a LIF layer: parts of a recording in each of which the events of an input are
    counted, 1..8 and at most as many as ticks."""
    input_shape: tuple[int, int, int] | None = None
    """Channels, rows and columns of the inputs, whose number is their product; None if nothing
    needs them. A convolution does, and a shift of the recordings."""
    readout_pool: int = 1
    """Behind a convolution: the readout sums spike counts over squares of this many by this many
    places, 1..16; else 1."""

    def __post_init__(self) -> None:
        if len(self.layers) > lib.EGG_LAYERS_MAX:
            raise ConfigError(
                f"the net has {len(self.layers)} LIF layers: use 0..{lib.EGG_LAYERS_MAX}"
            )
        convolves = bool(self.layers) and self.layers[0].kernel > 0
        most = lib.EGG_CONVOLUTION_INPUTS_MAX if convolves else lib.EGG_INPUTS_MAX
        check_int("inputs", self.inputs, 1, most)
        check_int("outputs", self.outputs, 2, lib.EGG_OUTPUTS_MAX)
        check_int("ticks", self.ticks, 1, lib.EGG_TICKS_MAX)
        check_choice("readout", self.readout, READOUTS)
        most = GAIN_SPIKES_MAX if self.readout == "spikes" else GAIN_MAX
        check_int("gain", self.gain, 0, most)
        segments = 1 if self.layers else min(lib.EGG_SEGMENTS_MAX, self.ticks)
        check_int("input_segments", self.input_segments, 1, segments)
        self._check_shapes()
        status = lib.egg_net_check(self.native())
        if status != lib.EGG_OK:
            raise ConfigError(f"the core refuses the net: {status_text(status)}")

    def _check_shapes(self) -> None:
        shape = Shape(*self.input_shape) if self.input_shape else None
        if shape is not None:
            check_int("channels of input_shape", shape.channels, 1, 255)
            check_int("rows of input_shape", shape.rows, 1, lib.EGG_SIDE_MAX)
            check_int("columns of input_shape", shape.cols, 1, lib.EGG_SIDE_MAX)
            if shape.units != self.inputs:
                raise ConfigError(
                    f"input_shape is {shape}, which is {shape.units} inputs, but the net has "
                    f"{self.inputs}: use a shape with this product"
                )
        layer_shapes(shape, [layer.form for layer in self.layers])
        last = self.layers[-1] if self.layers else None
        check_int("readout_pool", self.readout_pool, 1, READOUT_POOL_MAX)
        if self.readout_pool > 1 and (last is None or last.kernel == 0):
            raise ConfigError(
                f"readout_pool is {self.readout_pool}, but the last layer is no convolution: use 1"
            )
        if self.readout == "spikes" and last is not None and last.kernel > 0:
            raise ConfigError(
                f"readout is spikes behind {last.form}: use integrate, or a dense last layer"
            )

    def native(self) -> Any:
        """A new `egg_net_config *` of the C core."""
        c = ffi.new("egg_net_config *")
        c.inputs, c.outputs, c.ticks, c.gain = self.inputs, self.outputs, self.ticks, self.gain
        c.layers, c.readout = len(self.layers), READOUTS.index(self.readout)
        c.input_segments = self.input_segments
        c.input_channels, c.input_rows, c.input_cols = self.input_shape or (0, 0, 0)
        c.readout_pool = self.readout_pool
        for i, layer in enumerate(self.layers):
            c.layer[i] = asdict(layer)
        return c

    @property
    def layer_shapes(self) -> tuple[Shape, ...]:
        """The shape of each LIF layer: channels, rows and columns; of a dense one (neurons, 1,
        1)."""
        inputs = Shape(*self.input_shape) if self.input_shape else None
        return layer_shapes(inputs, [layer.form for layer in self.layers])

    @property
    def units(self) -> tuple[int, ...]:
        """Neurons of each LIF layer."""
        return tuple(shape.units for shape in self.layer_shapes)

    @property
    def neurons(self) -> int:
        """LIF neurons of all layers."""
        return sum(self.units)

    @property
    def has_convolution(self) -> bool:
        """Whether a layer is a convolution."""
        return any(layer.kernel > 0 for layer in self.layers)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(rows, columns) of each matrix; its last row is the bias."""
        found, below = [], self.inputs * self.input_segments
        channels = self.input_shape[0] if self.input_shape else 0
        for layer, shape in zip(self.layers, self.layer_shapes, strict=True):
            rows = channels * layer.kernel**2 if layer.kernel else below
            found.append((rows + 1, layer.size))
            channels, below = shape.channels, shape.units
        if self.readout == "integrate":
            if self.readout_pool > 1:
                below = self.layer_shapes[-1].pooled(self.readout_pool).units
            found.append((below + 1, self.outputs))
        return tuple(found)

    @property
    def parameters(self) -> int:
        """Number of weights of all matrices, biases included. A weight is one byte."""
        return sum(rows * cols for rows, cols in self.shapes)

    def __str__(self) -> str:
        """Inputs, layers and outputs, such as 578-64-10, or "2x34x34 - conv 16 k5 s2 - 10"."""
        parts = [str(self.inputs), *(str(layer.form) for layer in self.layers)]
        if self.has_convolution and self.input_shape:
            parts[0] = str(Shape(*self.input_shape))
        if self.readout_pool > 1:
            parts.append(f"pool {self.readout_pool}")
        if self.readout == "integrate":
            parts.append(str(self.outputs))
        return (" - " if self.has_convolution else "-").join(parts)

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON, but those that this net does not use: input_segments of a net
        with LIF layers, what only convolutions have, and an input_shape of None."""
        values = asdict(self) | {"layers": [layer.to_dict() for layer in self.layers]}
        unused = {
            "input_segments": bool(self.layers),
            "input_shape": self.input_shape is None,
            "readout_pool": self.readout_pool == 1,
        }
        return {name: value for name, value in values.items() if not unused.get(name)}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> NetConfig:
        """The inverse of to_dict(). ConfigError if `values` do not describe a net."""
        try:
            layers = tuple(LifConfig(**layer) for layer in values["layers"])
            shape = values.get("input_shape")
            shaped = {"input_shape": tuple(shape)} if shape else {}
            return NetConfig(**{**values, "layers": layers, **shaped})
        except (TypeError, KeyError) as error:
            raise ConfigError(f"not the description of a net: {error}") from error


@dataclass(frozen=True)
class EsConfig:
    """Estimator settings that stay fixed for a whole run (runtime_c/SPEC.md, sections 7 and 8).

    Raises:
        ConfigError: A value is out of range.
    """

    estimator: EstimatorName
    """batch: low-rank perturbations, EGGROLL as published. sample: perturbed neurons; each
    recording updates the weights of the inputs that had events. full: full-rank perturbations.
    sweep: each neuron is perturbed alone. eprop: a surrogate gradient, for comparison."""
    pairs: int
    """Antithetic pairs of members, 1..8192 (batch, full) or 1..256 (sample); sweep and eprop have
    none."""
    rank: int = 1
    """Rank of a perturbation, 1..16; used by batch."""
    segments: int = 1
    """Parts of a recording that are perturbed separately, 1..8 and at most as many as ticks; used
    by sample and sweep. eprop: the ticks."""
    fitness: Fitness = "xent"
    """xent: minus the cross-entropy. accuracy: one bit for a right answer."""
    penalty: int = 0
    """Fitness that a spike costs, 0..4095 in 1/4096 bit."""
    learn_above: int = 0
    """Loss below which a recording leaves no credit, 0..16383 in 1/4096 bit; 0 except with
    sweep."""
    shift: int = 0
    """Training moves each recording at random by up to this number of pixels, 0..3."""

    def __post_init__(self) -> None:
        check_choice("estimator", self.estimator, ESTIMATORS)
        sample = self.estimator == "sample"
        most = lib.EGG_SAMPLE_PAIRS_MAX if sample else lib.EGG_PAIRS_MAX
        check_int(f"pairs (estimator {self.estimator})", self.pairs, 1, most)
        check_int("rank", self.rank, 1, lib.EGG_RANK_MAX)
        eprop = self.estimator == "eprop"
        segments = lib.EGG_TICKS_MAX if eprop else lib.EGG_SEGMENTS_MAX
        check_int("segments", self.segments, 1, segments)
        check_choice("fitness", self.fitness, FITNESSES)
        check_int("penalty", self.penalty, 0, PENALTY_MAX)
        check_int("learn_above", self.learn_above, 0, LEARN_ABOVE_MAX)
        check_int("shift", self.shift, 0, SHIFT_MAX)
        if self.learn_above and self.estimator not in WITHOUT_PAIRS:
            raise ConfigError(
                f"learn_above is {self.learn_above} with estimator {self.estimator}: use 0, only "
                "sweep can leave out recordings"
            )

    def check(self, net: NetConfig) -> None:
        """Check that the estimator can train a net.

        Args:
            net: The topology of the net.

        Raises:
            ConfigError: It cannot.
        """
        status = lib.egg_estimator_check(net.native(), self.native())
        if status != lib.EGG_OK:
            if status == lib.EGG_E_INPUTS and self.shift and net.input_shape is None:
                raise ConfigError(
                    f"shift is {self.shift}, but the shape of the {net.inputs} inputs is unknown: "
                    "use data of a sensor with rows and columns, or shift 0"
                )
            if status == lib.EGG_E_INPUTS:
                raise ConfigError(
                    f"the net has {net.inputs} inputs, estimator full takes at most 8190: "
                    "set pool = 2 or polarity = merged, or use estimator batch"
                )
            if status == lib.EGG_E_ESTIMATOR and net.has_convolution:
                raise ConfigError(no_convolutions(self.estimator))
            if status == lib.EGG_E_ESTIMATOR:
                raise ConfigError(
                    f"estimator {self.estimator} needs a hidden layer: use sweep for a net without "
                    "one"
                )
            raise ConfigError(f"the core refuses the estimator: {status_text(status)}")

    def native(self) -> Any:
        """A new `egg_estimator_config *` of the C core."""
        return ffi.new(
            "egg_estimator_config *",
            {
                "pairs": self.pairs,
                "penalty": self.penalty,
                "estimator": ESTIMATORS.index(self.estimator),
                "rank": self.rank,
                "segments": self.segments,
                "fitness": FITNESSES.index(self.fitness),
                "learn_above": self.learn_above,
                "shift": self.shift,
            },
        )

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON, but learn_above and shift if they are 0: version 0.1.0 did
        not have them."""
        values = asdict(self)
        return {k: v for k, v in values.items() if v or k not in ("learn_above", "shift")}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> EsConfig:
        """The inverse of to_dict(). ConfigError if `values` do not describe an estimator."""
        try:
            return EsConfig(**values)
        except TypeError as error:
            raise ConfigError(f"not the description of an estimator: {error}") from error


def no_convolutions(estimator: str) -> str:
    """The message for an estimator that cannot train a convolution."""
    return f"estimator {estimator} cannot train a convolution: use sweep, eprop or batch"


LearningRate = tuple[int, int]
"""A learning rate (m, n): m * 2^-n."""


class Hyperparameters(NamedTuple):
    """Sigmas and learning rates of one generation, as the core's integers."""

    sigma: tuple[int, int]
    """Of the LIF matrices and of the readout matrix, in the units of SPEC.md, section 7."""
    rate: tuple[LearningRate, LearningRate]
    """Learning rates of the LIF matrices and of the readout matrix, each (m, n): m * 2^-n."""
