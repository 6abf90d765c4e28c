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
LIVE, LIVE_SWEEP = 0.56, 0.7
"""Share of the neurons whose spikes a perturbation can change, measured on 578-64-10 trained by
`batch`; and of those that have a credit, on 578-64-10 trained by `sweep` online, 3 segments."""
MOVED = 0.09
"""Share of the weights of inputs with events, to neurons with a credit, that an update changes;
measured on the same net."""
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
    """Share of the neurons whose spikes a perturbation can change, or (sweep) that have a credit,
    0..1."""
    rows: float
    """Inputs that have an event: in the whole generation (batch), or in a recording (online)."""
    spans: float
    """Combinations of input and segment that have an event in a recording (sample and sweep)."""
    moved: float
    """Weights that an update changes (sample and sweep)."""
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
    live: float | None = None,
    learned: float = 1.0,
) -> Load:
    """A load whose events fall on all inputs equally.

    events: mean events of a recording; None takes those of N-MNIST. live: None takes LIVE, or
    LIVE_SWEEP.
    """
    if live is None:
        live = LIVE_SWEEP if es.estimator == "sweep" else LIVE
    cells = net.inputs * net.ticks
    events = EVENT_RATE * cells if events is None else events
    silent = max(0.0, 1 - events / cells)
    recordings = samples if es.estimator == "batch" else 1
    rows = net.inputs * (1 - silent ** (net.ticks * recordings))
    spans = net.inputs * es.segments * (1 - silent ** (net.ticks / es.segments))
    touched = net.layers[0].size * (live if es.estimator == "sweep" else 1)
    return Load(net, es, samples, events, live, rows, spans, MOVED * rows * touched, learned)


def modelled(net: NetConfig, es: EsConfig) -> bool:
    """Whether the model covers this net and estimator."""
    if len(net.layers) != 1 or net.has_convolution or es.estimator in ("full", "eprop"):
        return False
    layer = net.layers[0]
    plain = layer.leak_shift == 1 and layer.threshold % 2 == 0 and layer.refractory == 0
    return plain and net.readout == "integrate"


def terms(load: Load) -> dict[str, dict[str, float]]:
    """How often each loop runs in a generation: `evaluation` and `update` -> loop -> turns."""
    evaluation = _sweep_terms(load) if load.es.estimator == "sweep" else _member_terms(load)
    update = _batch_update(load) if load.es.estimator == "batch" else _online_update(load)
    return {"evaluation": evaluation, "update": update}


def _inference_terms(load: Load) -> dict[str, float]:
    """The loops of the unperturbed run of a recording."""
    hidden = load.net.layers[0].size
    whole = hidden % 4 == 0
    return {
        "recording": 1.0,
        "event": load.events,
        "event x neuron, by fours": load.events * hidden * whole,
        "event x neuron": load.events * hidden * (not whole),
        "tick x neuron": float(load.net.ticks * hidden),
    }


def _sweep_terms(load: Load) -> dict[str, float]:
    """The loops of the evaluations of `sweep`. A recording without credit takes the unperturbed run
    and little else."""
    hidden, ticks, segments = load.net.layers[0].size, load.net.ticks, load.es.segments
    after = sum(ticks - -(-s * ticks // segments) for s in range(segments))  # from a segment on
    inference = _inference_terms(load)
    inference["tick x neuron, not by fours"] = float(ticks * hidden * (hidden % 4 != 0))
    measured = {
        "learned recording": 1.0,
        "response": float(segments * hidden),
        "response x tick": float(after * hidden),
        "output": float(load.net.outputs),
        "live neuron x output": load.live * hidden * load.net.outputs,
    }
    terms = inference | {name: load.learned * value for name, value in measured.items()}
    return {name: load.samples * value for name, value in terms.items()}


def _member_terms(load: Load) -> dict[str, float]:
    """The loops of the evaluations of all members."""
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
    return {name: n * value for name, value in evaluation.items()}


def _batch_update(load: Load) -> dict[str, float]:
    """The loops of the update of `batch`."""
    net, es = load.net, load.es
    hidden, out, words, rank = net.layers[0].size, net.outputs, -(-es.pairs // 32), es.rank
    cells, lines = load.rows * hidden + (hidden + 1) * out, load.rows + hidden
    return {
        "generation": 1.0,
        "event": load.samples * load.events,
        "input": float(net.inputs),
        "row": lines,
        "row x word": lines * words * rank,
        "weight": cells,
        "weight x word": cells * words * rank,
        "redrawn sign": lines * words * rank * (hidden + out) * (words > 1),
    }


def _online_update(load: Load) -> dict[str, float]:
    """The loops of the online updates of `sample` and `sweep`, which visit neurons with credit."""
    net, es, sweep = load.net, load.es, load.es.estimator == "sweep"
    hidden, out, words = net.layers[0].size, net.outputs, -(-es.pairs // 32)
    touched = load.live * hidden if sweep else hidden
    learned = {
        "learned recording": float(sweep),
        "tick": float(net.ticks),
        "event": load.events,
        "input": float(net.inputs),
        "row": load.rows,
        "weight": load.rows * touched,
        "moved weight": load.moved,
        "readout weight": float((hidden + 1) * out),
        "span x neuron": (load.spans - load.rows) * touched,
        "credit": float(es.segments * hidden * (1 if sweep else words)),
        "segment": float(es.segments * words) * (not sweep),
    }
    update = {"recording": 1.0} | {name: load.learned * x for name, x in learned.items()}
    return {name: load.samples * value for name, value in update.items()}


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
    kind = "online" if load.es.estimator == "sample" else load.es.estimator
    costs = _costs()["cores"][core][kind]
    return {
        part: sum(costs[part].get(name, 0.0) * value for name, value in values.items())
        for part, values in terms(load).items()
    }
