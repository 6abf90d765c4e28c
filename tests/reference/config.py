"""SPEC.md sections 1 and 4: the limits, and the configurations of a network and an estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from tests.reference.shape import Shape, convolved, pooled

MAX_INPUTS = 32766
MAX_INPUTS_CONVOLUTION = 65535  # if the first layer is a convolution
MAX_INPUTS_FULL = 8190  # section 7.3
MAX_LAYERS = 4
MAX_NEURONS = 1024  # of a dense layer; of a convolution, those that see one neuron below
MAX_CHANNELS = 256  # of a convolution
MAX_INPUT_CHANNELS = 255  # of the inputs' shape
MAX_UNITS = 32766  # neurons of a convolution; its rows of weights besides the bias
MAX_SIDE = 4096  # rows and columns of the inputs' shape
MAX_KERNEL = 15
MAX_STRIDE = 8
MAX_POOL = 16  # side of the squares of the readout
MAX_OUTPUTS = 64
MAX_TICKS = 32
MAX_PAIRS = 8192  # of batch and full
MAX_PAIRS_SAMPLE = 256
MAX_RANK = 16
MAX_PAIRS_X_RANK = 65536
MAX_SEGMENTS = 8
MAX_RECORDINGS = 8192  # of one generation
MAX_SHIFT = 3


class LayerConfig(NamedTuple):
    """A LIF layer. The page calls the three values after its size th, k and q; of a convolution,
    the last three are F, d and a."""

    size: int  # neurons; of a convolution, channels
    threshold: int
    leak_shift: int
    refractory: int
    kernel: int = 0  # 0: dense
    stride: int = 1
    padding: int = 0

    @property
    def i_max(self) -> int:
        """The largest current of a neuron (section 5)."""
        return (32767 >> self.leak_shift) - 1

    @property
    def l_pert(self) -> int:
        """The part of i_max that a perturbation may use (section 5)."""
        return self.i_max // 4

    @property
    def l_base(self) -> int:
        """The part of i_max that the unperturbed current may use (section 5)."""
        return self.i_max - self.l_pert


@dataclass(frozen=True)
class NetConfig:
    """A network."""

    n_in: int
    ticks: int
    layers: tuple[LayerConfig, ...]
    readout: Literal["integrate", "spikes"]
    n_out: int
    gain: int
    input_segments: int = 1  # S', only without a LIF layer
    input_shape: Shape | None = None  # of a convolution and of a shift
    readout_pool: int = 1  # p, only behind a convolution

    def __post_init__(self) -> None:
        convolution = bool(self.layers) and self.layers[0].kernel > 0
        assert 1 <= self.n_in <= (MAX_INPUTS_CONVOLUTION if convolution else MAX_INPUTS)
        assert 1 <= self.ticks <= MAX_TICKS
        assert len(self.layers) <= MAX_LAYERS
        assert 2 <= self.n_out <= MAX_OUTPUTS
        if not self.layers:
            assert self.readout == "integrate"
            assert 1 <= self.input_segments <= min(MAX_SEGMENTS, self.ticks)
        assert 0 <= self.gain <= (12 if self.readout == "spikes" else 8)
        if self.input_shape is not None:
            assert 1 <= self.input_shape.channels <= MAX_INPUT_CHANNELS
            assert 1 <= min(self.input_shape[1:]) <= max(self.input_shape[1:]) <= MAX_SIDE
            assert self.input_shape.units == self.n_in
        for m, layer in enumerate(self.layers):
            assert 1 <= layer.size <= (MAX_CHANNELS if layer.kernel else MAX_NEURONS)
            assert 1 <= layer.threshold <= 16383
            assert 1 <= layer.leak_shift <= 8
            assert 0 <= layer.refractory <= 15
            if layer.kernel:
                assert 1 <= layer.kernel <= MAX_KERNEL
                assert 1 <= layer.stride <= MAX_STRIDE
                assert 0 <= layer.padding < layer.kernel
                assert layer.size * (-(-layer.kernel // layer.stride)) ** 2 <= MAX_NEURONS
                assert self.layer_shapes[m].units <= MAX_UNITS
                assert self.shapes[m][0] - 1 <= MAX_UNITS
        assert self.readout in ("integrate", "spikes")
        if self.readout == "spikes":
            assert self.layers[-1].size == self.n_out
            assert not self.ends_in_convolution
        assert 1 <= self.readout_pool <= (MAX_POOL if self.ends_in_convolution else 1)

    @property
    def ends_in_convolution(self) -> bool:
        """Whether the last LIF layer is a convolution."""
        return bool(self.layers) and self.layers[-1].kernel > 0

    @property
    def layer_shapes(self) -> list[Shape]:
        """The shape of every LIF layer."""
        found: list[Shape] = []
        for layer in self.layers:
            if layer.kernel == 0:
                found.append(Shape(layer.size, 1, 1))
                continue
            below = found[-1] if found else self.input_shape
            assert below is not None
            sides = (
                convolved(n, layer.kernel, layer.stride, layer.padding)
                for n in (below.rows, below.columns)
            )
            found.append(Shape(layer.size, *sides))
        return found

    @property
    def pooled_shape(self) -> Shape:
        """The last LIF layer as the readout matrix counts it."""
        return pooled(self.layer_shapes[-1], self.readout_pool)

    def shape_below(self, m: int) -> Shape:
        """The shape that the convolution m lies over."""
        below = self.input_shape if m == 0 else self.layer_shapes[m - 1]
        assert below is not None
        return below

    def n_pre(self, m: int) -> int:
        """The inputs, or the neurons of layer m - 1."""
        return self.n_in if m == 0 else self.layer_shapes[m - 1].units

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(rows, columns) of every matrix. The last row is the bias."""
        found = []
        for m, layer in enumerate(self.layers):
            window = layer.kernel**2
            rows = self.shape_below(m).channels * window if window else self.n_pre(m)
            found.append((rows + 1, layer.size))
        if self.readout == "integrate":
            linear = self.n_in * self.input_segments
            rows = self.pooled_shape.units if self.layers else linear
            found.append((rows + 1, self.n_out))
        return found

    @property
    def readout_matrix(self) -> int | None:
        """The number of the readout matrix, m = L. None if the readout is `spikes`."""
        return len(self.layers) if self.readout == "integrate" else None


@dataclass(frozen=True)
class EsConfig:
    """An estimator, and the sigmas of a generation."""

    estimator: Literal["batch", "sample", "full", "sweep", "eprop"]
    pairs: int  # P; sweep and eprop do not use it
    rank: int = 1  # R, only for batch
    segments: int = 1  # S, only for sample and sweep; eprop: T
    sigma_h: int = 0
    sigma_o: int = 0
    fitness: Literal["xent", "accuracy"] = "xent"
    penalty: int = 0  # in 1/4096 bit for each spike
    learn_above: int = 0  # in 1/4096 bit, only for sweep
    shift: int = 0  # N of section 3.1

    def __post_init__(self) -> None:
        assert self.estimator in ("batch", "sample", "full", "sweep", "eprop")
        assert 1 <= self.pairs <= (MAX_PAIRS_SAMPLE if self.estimator == "sample" else MAX_PAIRS)
        assert 1 <= self.rank <= MAX_RANK
        assert self.pairs * self.rank <= MAX_PAIRS_X_RANK or self.estimator != "batch"
        assert 1 <= self.segments <= (MAX_TICKS if self.estimator == "eprop" else MAX_SEGMENTS)
        full = self.estimator == "full"
        assert 0 <= self.sigma_h <= (16383 if full else 32767)
        assert 0 <= self.sigma_o <= (16367 if full else 32767)
        assert self.fitness in ("xent", "accuracy")
        assert 0 <= self.penalty <= 4095
        assert 0 <= self.learn_above <= 16383
        assert 0 <= self.shift <= MAX_SHIFT

    def check(self, net: NetConfig) -> None:
        """Assert the limits that depend on the network."""
        if self.estimator in ("sample", "sweep"):
            assert self.segments <= net.ticks
            assert all(self.sigma_h <= layer.l_pert for layer in net.layers)
        if self.estimator == "eprop":
            assert self.segments == net.ticks
        assert net.layers or self.estimator == "sweep"
        if self.estimator in ("sample", "full"):
            assert not any(layer.kernel for layer in net.layers)
        assert self.shift == 0 or net.input_shape is not None
        if self.estimator == "full":
            assert net.n_in <= MAX_INPUTS_FULL
