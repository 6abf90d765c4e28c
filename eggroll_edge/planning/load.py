"""What determines the instructions of a generation: a net, an estimator, and its recordings.

`measured_load` takes the recordings from a dataset, `typical_load` takes typical ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eggroll_edge.core.config import WITH_CREDIT, WITHOUT_PAIRS, EsConfig, NetConfig
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.stream import unpack_stream

EVENT_RATE = 0.11
"""Mean events of an input in a tick: N-MNIST with 2 x 2 pooling in 15 ticks."""
LIVE = {"batch": 0.56, "sample": 0.56, "sweep": 0.42, "eprop": 0.47, "linear": 0.39}
"""Share of the neurons whose spikes a perturbation can change, measured on 578-64-10 trained by
`batch`; and (sweep, eprop, linear) of those that have a credit in a recording that leaves some."""
MOVED = {"batch": 0.0, "sample": 0.09, "sweep": 0.21, "eprop": 0.09, "linear": 0.25}
"""Share of the weights of inputs with events, to neurons with a credit, that an update changes.
The last three of both are means over the sessions of results/stretches.json."""
LEARNED = 0.28
"""Share of the recordings that the preset `pico` learns from (learn_above = 0.15) in such a
session; longer runs and larger nets learn from fewer."""
MEASURED = 2000
"""Recordings of a dataset that `measured_load` reads, at most. They are spread over all of it."""


@dataclass(frozen=True)
class Load:
    """A generation, with those means over its recordings that determine the instructions."""

    net: NetConfig
    es: EsConfig
    samples: int
    """Recordings of a generation; 1 in online training."""
    events: float
    """Events of a recording."""
    live: float
    """Share of the neurons whose spikes a perturbation can change, or (estimators without pairs)
    that have a credit, 0..1. Without a hidden layer: of the outputs."""
    rows: float
    """Inputs that have an event: in the whole generation (batch), or in a recording (others).
    Without a hidden layer: combinations of input and input segment."""
    spans: float
    """Combinations of input and segment that have an event in a recording."""
    moved: float
    """Weights that an update changes after a recording; without a meaning for `batch` and for
    mini-batches."""
    learned: float = 1.0
    """Share of the recordings that leave credit, 0..1; below 1 only without pairs
    (`learn_above`)."""
    mini_batch: bool = False
    """Whether the updates of a generation are summed up. `batch` never does."""

    @property
    def kind(self) -> str:
        """A key of LIVE: the estimator, or linear for a net without a hidden layer."""
        return kind_of(self.net, self.es)

    @property
    def members(self) -> int:
        """Member evaluations of a generation, or (sweep) perturbed runs; each on one recording."""
        return perturbed_runs(self.net, self.es) * self.samples


def kind_of(net: NetConfig, es: EsConfig) -> str:
    """A key of LIVE: the estimator, or linear for a net without a hidden layer."""
    return es.estimator if net.layers else "linear"


def perturbed_runs(net: NetConfig, es: EsConfig) -> int:
    """Runs on a recording in which something is perturbed: the members, or two for each segment."""
    if es.estimator in WITHOUT_PAIRS:
        return 2 * es.segments if net.layers and es.estimator == "sweep" else 0
    return 2 * es.pairs


def modelled(net: NetConfig, es: EsConfig) -> bool:
    """Whether the model covers this net and estimator."""
    if es.estimator == "full" or net.readout != "integrate":
        return False
    if len(net.layers) > 1 or net.has_convolution:
        return False
    return all(
        layer.leak_shift == 1 and layer.threshold % 2 == 0 and layer.refractory == 0
        for layer in net.layers
    )


def typical_load(
    net: NetConfig,
    es: EsConfig,
    samples: int,
    events: float | None = None,
    live: float | None = None,
    learned: float = 1.0,
    online: bool = True,
) -> Load:
    """A load whose events fall on all inputs equally.

    events: mean events of a recording; None takes those of N-MNIST. live: None takes LIVE.
    learned, online: as in measured_load().
    """
    cells = net.inputs * net.ticks
    events = EVENT_RATE * cells if events is None else events
    silent = max(0.0, 1 - events / cells)
    recordings = samples if es.estimator == "batch" else 1
    segments = es.segments if net.layers else net.input_segments
    rows = net.inputs * (1 - silent ** (net.ticks * recordings))
    spans = net.inputs * segments * (1 - silent ** (net.ticks / segments))
    return _load(net, es, samples, events, rows, spans, live, learned, online)


def measured_load(
    net: NetConfig,
    es: EsConfig,
    samples: int,
    data: EventDataset,
    learned: float = 1.0,
    online: bool = True,
) -> Load:
    """The load of a training run on `data`: real events, rows and spans; `live` is typical.

    data: recordings with the inputs and ticks of the net. learned: share of the recordings that the
    run learned from (RunResult.learned). online: as in TrainConfig.
    """
    segments = es.segments if net.layers else net.input_segments
    events, rows, spans, of_batch = 0, 0, 0, []
    found = np.zeros((segments, net.inputs), bool)
    chosen = np.unique(np.linspace(0, len(data) - 1, min(len(data), MEASURED)).astype(int))
    seen = np.zeros(net.inputs, bool)
    for at, recording in enumerate(chosen.tolist()):
        tick, index = unpack_stream(data[recording])
        found[:] = False
        found[tick * segments // net.ticks, index] = True
        events, spans = events + len(index), spans + int(found.sum())
        hit = found.any(0)
        rows += int(hit.sum())
        seen |= hit
        if (at + 1) % samples == 0:
            of_batch.append(int(seen.sum()))
            seen[:] = False
    n = len(chosen)
    mean = float(np.mean(of_batch or [seen.sum()])) if es.estimator == "batch" else rows / n
    return _load(net, es, samples, events / n, mean, spans / n, None, learned, online)


def _load(
    net: NetConfig, es: EsConfig, samples: int, events: float, rows: float, spans: float,
    live: float | None, learned: float, online: bool,
) -> Load:  # fmt: skip
    kind = kind_of(net, es)
    rows = rows if net.layers else spans
    live = LIVE[kind] if live is None else live
    columns = net.layers[0].size if net.layers else net.outputs
    touched = columns * (live if es.estimator in WITHOUT_PAIRS else 1)
    moved = MOVED[kind] * rows * touched
    sums = es.estimator in WITH_CREDIT and not online
    return Load(net, es, samples, events, live, rows, spans, moved, learned, sums)
