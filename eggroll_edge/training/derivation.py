"""Settings that a config leaves to the data: thresholds, sigma, and the size of initial weights.

    config = derive(TrainConfig(data="digits"), recordings)

They follow from how many events the first recordings have, so that a net of random weights spikes,
but not all the time, whatever the data are. Random weights of standard deviation s add up to a
current of about s * sqrt(A) if A events arrive in a tick. A threshold is a multiple of that. Where
events are few, it is limited to what N/2 events of weight s give, if a membrane holds N events; so
one event at a good weight is enough for a spike. A and N are means over all events: of the number
of events in the same tick, and of that number and the earlier ones, less what has leaked. For a
convolution only the events in the same window count, and the means are over the events of all
windows.

Only integers leave this module, and the journal's header holds them: resume() and replay() do not
derive anything again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from eggroll_edge.core.arrays import I64
from eggroll_edge.core.config import STD_MAX, THRESHOLD_MAX, NetConfig
from eggroll_edge.core.shapes import Convolution, Layer, Shape, layer_shapes
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.stream import unpack_stream
from eggroll_edge.journal import checkpoint
from eggroll_edge.training.config import FIRST_RECORDINGS, TrainConfig
from eggroll_edge.training.fields import INIT_STD
from eggroll_edge.training.run_dir import weights_file
from eggroll_edge.training.settings import ByEstimator
from eggroll_edge.training.units import most_current, most_sigma

# With these shares the values for N-MNIST are those of the search that TrainConfig speaks of.
# The same shares are good for chirps, with few events and a slow leak, and for three buttons.
DEEP_FIRING = 0.08
"""Share of neuron-ticks with a spike that is assumed of the layer below, for a deep threshold."""
CONVOLUTION_FIRING = 0.012
"""The same if the layer below is a convolution, most of whose windows are empty."""

SURROGATE_MAX = 8192
"""Largest sigma that derive() gives to `eprop`: no current depends on it."""

_SPREADS = ByEstimator(
    3.7, 3.7, 2.4, 2.4, eprop=3.0, eprop_online=3.0, deep={"sweep": 2.4, "sweep-online": 2.4}
)
"""A threshold is this many standard deviations of the current that random weights give."""
_CONVOLUTION_SPREADS = 1.8
"""The same for a convolution as the first layer: it has few random kernels, and with a higher
threshold all of them may be silent."""
_REACH = ByEstimator(
    0.63, 0.63, 0.63, 0.63, 1.4, 1.4, 1.2, 1.2, deep={"sample": 0.23, "online": 0.23}
)
"""A sigma moves the membrane, in a segment, by this many thresholds of the first layer. That of
`eprop` is itself on the scale of the membrane."""
_CURRENT_SPREADS = 4
"""Currents of random weights are not limited up to this many of their standard deviations."""


class Activity(NamedTuple):
    """What arrives at a layer: means over all events."""

    together: float
    """Events in the tick of an event, itself included."""
    held: float
    """Events that a membrane holds in that tick; earlier ones count less, as they have leaked."""


NMNIST = Activity(186.0, 317.0)
"""Activity of simulated N-MNIST with the default settings."""


def derive(config: TrainConfig, data: EventDataset) -> TrainConfig:
    """Fill in the settings that a config leaves to the data.

    A setting that has a value keeps it, and the others fit it: a larger init_std gives a larger
    threshold, and a larger threshold a larger sigma. With start_from, the thresholds are those of
    that net.

    Args:
        config: The config of a run.
        data: The recordings to train on, without those that the config sets aside.

    Returns:
        The config, with a value for each of its fields that the run needs. It depends on the first
        256 recordings, and not on the seed.

    Raises:
        ConfigError: A convolution does not fit the data.
        JournalError: The weights that start_from names cannot be read.
    """
    if not config.left_to_data:
        return config
    first = config.layers[0] if config.layers else 1
    inputs = activity(data, config.leak_shift, first)
    return _filled(config, inputs, Shape(*data.shape), _thresholds_of(config))


def derive_without_data(
    config: TrainConfig, inputs: tuple[int, int, int] | None = None
) -> TrainConfig:
    """As derive(), as if the data had the events of N-MNIST, for sizes and limits.

    No memory depends on the values, so `plan` needs no recordings. inputs: their channels, rows and
    columns; None takes those of the config's data.
    """
    shape, first, arriving = Shape(*(inputs or config.binning().shape)), config.layers[:1], NMNIST
    if first and isinstance(first[0], Convolution):
        share = min(1.0, first[0].kernel ** 2 / (shape.rows * shape.cols))
        arriving = Activity(*(max(1.0, share * mean) for mean in NMNIST))
    return _filled(config, arriving, shape, ())


def activity(data: EventDataset, leak_shift: int, layer: Layer = 1) -> Activity:
    """The Activity of the first recordings; if they have no event, that of single events.

    The sums are exact, because they are of integers: `held` is in 1/65536 of an event. A torn
    stream is found when the run checks its recordings.

    layer: the layer at which the events arrive.
    """
    first = data.subset(slice(0, FIRST_RECORDINGS))
    seen = _in_windows(first, layer) if isinstance(layer, Convolution) else _in_recordings(first)
    events, together_sum, held_sum = 0, 0, 0
    for counts in seen:
        held = np.zeros(counts.shape[1], np.int64)
        for now in counts:
            held += (now << 16) - (held >> leak_shift)
            together_sum += int(now @ now)
            held_sum += int(now @ held)
        events += int(counts.sum())
    if events == 0:
        return Activity(1.0, 1.0)
    return Activity(together_sum / events, held_sum / events / 65536)


def _in_recordings(data: EventDataset) -> Iterator[I64]:
    """The number of events in each tick of each recording, int64 [ticks, recordings]."""
    tick, _ = unpack_stream(data.streams)
    size = len(data) * data.ticks
    counts = np.bincount(tick, minlength=size)[:size].reshape(len(data), data.ticks)
    yield counts.astype(np.int64).T


def _in_windows(data: EventDataset, layer: Convolution) -> Iterator[I64]:
    """For each recording, the number of events in each tick and window, int64 [ticks, windows]."""
    side, sensor = layer.kernel, Shape(*data.shape)
    layer.over(sensor)  # raises ConfigError
    area, before = sensor.rows * sensor.cols, (layer.padding + 1, layer.padding)
    for stream in (data[i] for i in range(len(data))):
        tick, index = unpack_stream(stream)
        whole = (tick < data.ticks) & (index < data.n_in)
        at = tick[whole] * area + index[whole] % area
        places = np.bincount(at, minlength=data.ticks * area)
        picture = places.reshape(data.ticks, sensor.rows, sensor.cols)
        # corner[y, x] is the sum of the padded picture above and to the left of (y, x).
        corner = np.pad(picture, ((0, 0), before, before)).cumsum(1).cumsum(2)
        upper = corner[:, :-side, side:] - corner[:, :-side, :-side]
        sums = corner[:, side:, side:] - corner[:, side:, :-side] - upper
        yield sums[:, :: layer.stride, :: layer.stride].reshape(data.ticks, -1).astype(np.int64)


def _filled(
    config: TrainConfig, inputs: Activity, shape: Shape, trained: tuple[int, ...]
) -> TrainConfig:
    """shape: of the inputs. trained: the thresholds of the net to start from, if there is one."""
    values: dict[str, Any] = {}

    def fill(name: str, value: float) -> Any:
        if name in config.left_to_data:
            values[name] = value
        return values.get(name, getattr(config, name))

    std = fill("init_std", _initial_std(config, inputs)) or INIT_STD  # 0: weights will grow
    spreads = config.default(_SPREADS)
    convolves = isinstance((*config.layers, 1)[0], Convolution)
    first = _threshold(inputs, std, _CONVOLUTION_SPREADS if convolves else spreads)
    threshold = fill("threshold", trained[0] if trained else first)
    if config.lif_layers > 1:
        below = _fewest_spikes(config, shape)
        fill("deep_threshold", trained[1] if trained[1:] else _threshold(below, std, spreads))
    most = SURROGATE_MAX if config.estimator == "eprop" else most_sigma(config.leak_shift)
    fill("sigma", float(min(most, max(1, round(_reach(config) * (threshold or 0))))))
    return replace(config, **values)


def _initial_std(config: TrainConfig, inputs: Activity) -> int:
    """INIT_STD, or less if currents would often be larger than the core lets them be."""
    spread = _CURRENT_SPREADS * math.sqrt(inputs.together)
    return max(1, min(INIT_STD, STD_MAX, math.floor(most_current(config.leak_shift) / spread)))


def _threshold(inputs: Activity, std: int, spreads: float) -> int:
    """The threshold of a layer. It is even, which saves boards an instruction in each tick."""
    events = min(spreads * math.sqrt(inputs.together), inputs.held / 2)
    return min(THRESHOLD_MAX - 1, 2 * max(1, round(std * events / 2)))


def _fewest_spikes(config: TrainConfig, shape: Shape) -> Activity:
    """The input of a later LIF layer: the fewest spikes that a neuron of one may be expected to
    see."""
    above = (*config.layers, 1)[1:] if config.readout == "spikes" else config.layers[1:]
    shapes = layer_shapes(shape, config.layers)
    means = []
    for layer, form, below in zip(above, config.layers, shapes, strict=False):
        seen = below.units
        if isinstance(layer, Convolution):
            seen = below.channels * min(layer.kernel, below.rows) * min(layer.kernel, below.cols)
        means.append(seen * (CONVOLUTION_FIRING if isinstance(form, Convolution) else DEEP_FIRING))
    mean = min(means)
    return Activity(1 + mean, 1 + mean * 2**config.leak_shift)


def _reach(config: TrainConfig) -> float:
    """Sigma as a share of the threshold: a constant current adds up, less what leaks."""
    ticks = config.ticks // config.es_config().segments
    left = 1 - 2.0**-config.leak_shift
    return float(config.default(_REACH)) / sum(left**tick for tick in range(ticks))


def _thresholds_of(config: TrainConfig) -> tuple[int, ...]:
    """The thresholds of the net that start_from names; none without it."""
    if config.start_from is None:
        return ()
    net: NetConfig = checkpoint.read(weights_file(config.start_from)).net.config
    return tuple(layer.threshold for layer in net.layers)
