"""How many instructions a generation takes on a microcontroller's core: a model fitted to counts.

A program spends its instructions in loops, so their number is linear in how often each loop runs.
`terms` computes how often that is. instruction_costs.json holds the instructions of one turn of
each loop on each core; bench.cost_fit fits them to exact counts in emulators. Instructions are not
clock cycles. Seconds follow from the clock and the cycles of an instruction (CPI), and are only an
estimate.

The model covers the nets that microcontrollers mostly train: one LIF layer with leak shift 1, an
even threshold and no refractory time, and readout integrate. Other nets take slower paths.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from eggroll_edge.core.config import EsConfig, NetConfig

FILE = "instruction_costs.json"
EVENT_RATE = 0.11
"""Mean events of an input in a tick: N-MNIST with 2 x 2 pooling in 15 ticks."""
LIVE = 0.56
"""Share of the neurons whose spikes a perturbation can change, measured on 578-64-10 trained by
`batch`."""
LEARNED = 0.25
"""Share of the recordings that `sweep` learns from with learn_above = 0.15. It was 0.26 in online
runs of 578-64-10 over 40,000 recordings; longer runs and larger nets learn from fewer."""


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
    """Share of the neurons whose spikes a perturbation can change, 0..1."""
    rows: float
    """Inputs that have an event: in the whole generation (batch), or in a recording (online)."""
    spans: float
    """Combinations of input and segment that have an event in a recording (sample and sweep)."""
    learned: float = 1.0
    """Share of the recordings that leave credit, 0..1; below 1 only with sweep (`learn_above`)."""

    @property
    def members(self) -> int:
        """Member evaluations of a generation, or (sweep) perturbed runs; each on one recording."""
        return perturbed_runs(self.es) * self.samples


def perturbed_runs(es: EsConfig) -> int:
    """Runs on a recording in which something is perturbed: the members, or two for each segment."""
    return 2 * (es.segments if es.estimator == "sweep" else es.pairs)


def typical_load(
    net: NetConfig,
    es: EsConfig,
    samples: int,
    events: float | None = None,
    live: float = LIVE,
    learned: float = 1.0,
) -> Load:
    """A load whose events fall on all inputs equally.

    events: mean events of a recording; None takes those of N-MNIST.
    """
    cells = net.inputs * net.ticks
    events = EVENT_RATE * cells if events is None else events
    silent = max(0.0, 1 - events / cells)
    recordings = samples if es.estimator == "batch" else 1
    rows = net.inputs * (1 - silent ** (net.ticks * recordings))
    spans = net.inputs * es.segments * (1 - silent ** (net.ticks / es.segments))
    return Load(net, es, samples, events, live, rows, spans, learned)


def modelled(net: NetConfig, es: EsConfig) -> bool:
    """Whether the model covers this net and estimator."""
    layer = net.layers[0]
    plain = layer.leak_shift == 1 and layer.threshold % 2 == 0 and layer.refractory == 0
    return len(net.layers) == 1 and plain and net.readout == "integrate" and es.estimator != "full"


def terms(load: Load) -> dict[str, dict[str, float]]:
    """How often each loop runs in a generation: `evaluation` and `update` -> loop -> turns."""
    if load.es.estimator == "sweep":
        return _sweep_terms(load)
    net, es, n = load.net, load.es, load.samples
    hidden, out, ticks, pairs = net.layers[0].size, net.outputs, net.ticks, es.pairs
    words, batch = -(-pairs // 32), es.estimator == "batch"
    rank = es.rank if batch else 1
    live = load.live * hidden
    evaluation = {
        **_inference_terms(load),
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


def _inference_terms(load: Load) -> dict[str, float]:
    """What the unperturbed run of a recording takes."""
    hidden = load.net.layers[0].size
    whole = hidden % 4 == 0
    return {
        "recording": 1.0,
        "event": load.events,
        "event x neuron, by fours": load.events * hidden * whole,
        "event x neuron": load.events * hidden * (not whole),
        "tick x neuron": float(load.net.ticks * hidden),
    }


def _sweep_terms(load: Load) -> dict[str, dict[str, float]]:
    """terms() of `sweep`. A recording without credit takes the unperturbed run and little else."""
    net, n, parts = load.net, load.samples, load.es.segments
    hidden, out, ticks = net.layers[0].size, net.outputs, net.ticks
    live = load.live * hidden
    perturbed = sum(ticks - -(-part * ticks // parts) for part in range(parts))
    measured = {
        "learned recording": 1.0,
        "output": float(out),
        "perturbed tick x neuron": float(perturbed * hidden),
        "neuron x segment": float(hidden * parts),
        "live neuron": live,
        "live neuron x output": live * out,
    }
    update = {
        "learned recording": 1.0,
        "event": load.events,
        "input": float(net.inputs),
        "row": load.rows,
        "row x live neuron": load.rows * live,
        "span x live neuron": load.spans * live,
        "neuron x segment": float(hidden * parts),
        "readout weight": float((hidden + 1) * out),
    }
    always, share = _inference_terms(load), n * load.learned
    return {
        "evaluation": {name: n * value for name, value in always.items()}
        | {name: share * value for name, value in measured.items()},
        "update": {"recording": float(n)} | {name: share * x for name, x in update.items()},
    }


@cache
def _costs() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        files("eggroll_edge.planning").joinpath(FILE).read_text("utf-8")
    )
    return found


def cores() -> list[str]:
    """Names of the cores that the model knows."""
    return list(_costs()["cores"])


@dataclass(frozen=True)
class Cost:
    """Instructions of a generation, by the model."""

    core: str
    evaluation: float
    """Instructions of all member evaluations and of the unperturbed runs."""
    update: float
    """Instructions from the fitness to the new weights."""
    members: int
    """Member evaluations."""

    @property
    def generation(self) -> float:
        """All instructions of a generation."""
        return self.evaluation + self.update

    def seconds(self, clock_mhz: float, cpi: float) -> float:
        """Estimated seconds. They are not exact: emulators count no cycles, and memory has wait
        states.

        clock_mhz: clock of the core in MHz. cpi: mean clock cycles of an instruction.
        """
        return self.generation * cpi / (clock_mhz * 1e6)

    def to_dict(self) -> dict[str, float]:
        """Ready for JSON."""
        return {
            "instructions_per_generation": round(self.generation),
            "instructions_per_member_eval": round(self.evaluation / self.members, 1),
            "instructions_update": round(self.update),
        }


def cost(core: str, load: Load) -> Cost:
    """The instructions of a generation on one of cores(); the net must be modelled()."""
    found = predict(core, load)
    return Cost(core, found["evaluation"], found["update"], load.members)


def per_recording(core: str, load: Load) -> tuple[float, float]:
    """Instructions of a recording of `sweep` that leaves credit, and of one that leaves none."""
    both = (cost(core, replace(load, learned=share)).generation for share in (1.0, 0.0))
    with_credit, without = (found / load.samples for found in both)
    return with_credit, without


def predict(core: str, load: Load) -> dict[str, float]:
    """`evaluation` and `update` -> instructions of a generation on a core."""
    kind = load.es.estimator if load.es.estimator in ("batch", "sweep") else "online"
    costs = _costs()["cores"][core][kind]
    return {
        part: sum(costs[part].get(name, 0.0) * value for name, value in values.items())
        for part, values in terms(load).items()
    }
