"""How many instructions a generation takes on a microcontroller's core: a model fitted to counts.

A count is a sum of loops, so it is linear in how often each loop runs: `terms` says how often, and
instruction_costs.json has the cost of each turn on each core, fitted by bench.cost_fit.fit() to
exact counts in emulators. Instructions, not cycles: seconds need a clock and a CPI, and are an
estimate.

The model is of what microcontrollers mostly train: one LIF layer with leak shift 1, an even
threshold and no refractory time, readout integrate. Other nets take slower paths.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from eggroll_edge.core.config import EsConfig, NetConfig

FILE = "instruction_costs.json"
EVENT_RATE = 0.11
"""Events an input and tick: N-MNIST, 2 x 2 pooled, 15 ticks."""
LIVE = 0.56
"""Share of the neurons whose spikes perturbations move: 578-64-10 trained by `batch`, measured."""


@dataclass(frozen=True)
class Load:
    """A generation, and of its recordings what instructions depend on (means over them)."""

    net: NetConfig
    es: EsConfig
    samples: int
    """Recordings a generation; online: 1."""
    events: float
    """Of a recording."""
    live: float
    """Share of neurons whose spikes perturbations move."""
    rows: float
    """Inputs with an event: batch, in the generation; online, in a recording."""
    spans: float
    """Pairs of input and segment with an event, in a recording (sample)."""

    @property
    def members(self) -> int:
        """Member evaluations of a generation: one member on one recording."""
        return 2 * self.es.pairs * self.samples


def typical_load(
    net: NetConfig,
    es: EsConfig,
    samples: int,
    events: float | None = None,
    live: float = LIVE,
) -> Load:
    """A load whose events fall on all inputs alike; by default as many as N-MNIST has."""
    cells = net.inputs * net.ticks
    events = EVENT_RATE * cells if events is None else events
    silent = max(0.0, 1 - events / cells)
    recordings = samples if es.estimator == "batch" else 1
    rows = net.inputs * (1 - silent ** (net.ticks * recordings))
    spans = net.inputs * es.segments * (1 - silent ** (net.ticks / es.segments))
    return Load(net, es, samples, events, live, rows, spans)


def modelled(net: NetConfig, es: EsConfig) -> bool:
    """Whether the model is of this net and estimator."""
    layer = net.layers[0]
    plain = layer.leak_shift == 1 and layer.threshold % 2 == 0 and layer.refractory == 0
    return len(net.layers) == 1 and plain and net.readout == "integrate" and es.estimator != "full"


def terms(load: Load) -> dict[str, dict[str, float]]:
    """How often each kind of loop runs in a generation, for its `evaluation` and its `update`."""
    net, es, n = load.net, load.es, load.samples
    hidden, out, ticks, pairs = net.layers[0].size, net.outputs, net.ticks, es.pairs
    words, batch = -(-pairs // 32), es.estimator == "batch"
    rank = es.rank if batch else 1
    live, whole = load.live * hidden, hidden % 4 == 0
    evaluation = {
        "recording": 1.0,
        "event": load.events,
        "event x neuron, by fours": load.events * hidden * whole,
        "event x neuron": load.events * hidden * (not whole),
        "tick x neuron": float(ticks * hidden),
        "sign": float(words * rank * (hidden + out)),
        "tick x pair": float(pairs * ticks * rank),
        "pair": float(pairs),
        "pair x output": float(pairs * out),
        "pair x live neuron": pairs * live,
        "pair x live neuron x output": pairs * live * out,
        "pair x live neuron x tick": pairs * live * ticks,
        "pair x live neuron x tick, ranks": pairs * live * ticks * (rank > 1),
        "pair x live neuron x tick x rank": pairs * live * ticks * rank * (rank > 1),
        "projected event": load.events * words * rank * batch,
        "projected tick": float(ticks * words * rank * batch),
    }
    cells = load.rows * hidden + (hidden + 1) * out
    if batch:
        lines = load.rows + hidden
        update = {
            "generation": 1.0,
            "event": n * load.events,
            "input": float(net.inputs),
            "row": lines,
            "row x word": lines * words * rank,
            "weight": cells,
            "weight x word": cells * words * rank,
            "redrawn sign": lines * words * rank * (hidden + out) * (words > 1),
        }
    else:
        update = {
            "recording": 1.0,
            "event": load.events,
            "input": float(net.inputs),
            "row": load.rows,
            "weight": cells,
            "span x neuron": load.spans * hidden,
            "credit": float(es.segments * hidden * words),
            "segment": float(es.segments * words),
        }
        update = {name: n * value for name, value in update.items()}
    return {
        "evaluation": {name: n * value for name, value in evaluation.items()},
        "update": update,
    }


@cache
def _costs() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        files("eggroll_edge.planning").joinpath(FILE).read_text("utf-8")
    )
    return found


def cores() -> list[str]:
    """The cores that the model knows."""
    return list(_costs()["cores"])


@dataclass(frozen=True)
class Cost:
    """Instructions of a generation, by the model."""

    core: str
    evaluation: float
    """All member evaluations, and the unperturbed runs."""
    update: float
    """Fitness to weights."""
    members: int
    """Member evaluations."""

    @property
    def generation(self) -> float:
        return self.evaluation + self.update

    def seconds(self, clock_mhz: float, cpi: float) -> float:
        """An estimate: no emulator tells cycles, and memory has wait states."""
        return self.generation * cpi / (clock_mhz * 1e6)

    def to_dict(self) -> dict[str, float]:
        """Ready for JSON."""
        return {
            "instructions_per_generation": round(self.generation),
            "instructions_per_member_eval": round(self.evaluation / self.members, 1),
            "instructions_update": round(self.update),
        }


def cost(core: str, load: Load) -> Cost:
    """What a generation takes on a core; the net must be modelled()."""
    found = predict(core, load)
    return Cost(core, found["evaluation"], found["update"], load.members)


def predict(core: str, load: Load) -> dict[str, float]:
    """Instructions of a generation on a core: `evaluation`, `update`."""
    kind = "batch" if load.es.estimator == "batch" else "online"
    costs = _costs()["cores"][core][kind]
    return {
        part: sum(costs[part].get(name, 0.0) * value for name, value in values.items())
        for part, values in terms(load).items()
    }
