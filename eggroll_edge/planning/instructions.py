"""How many instructions a generation takes on a microcontroller's core: a model fitted to counts.

A program spends its instructions in loops, so their number is linear in how often each loop runs.
`terms` computes how often that is. instruction_costs.json holds the instructions of one turn of
each loop on each core; bench.cost_fit fits them to exact counts in emulators. Instructions are not
clock cycles. Seconds follow from the clock and the cycles of an instruction (CPI), and are only an
estimate.

The model covers the nets that microcontrollers mostly train: one LIF layer with leak shift 1, an
even threshold and no refractory time, or none, and readout integrate. Other nets take slower paths.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from eggroll_edge.core.config import WITHOUT_PAIRS
from eggroll_edge.planning.load import Load

FILE = "instruction_costs.json"


def terms(load: Load) -> dict[str, dict[str, float]]:
    """How often each loop runs in a generation: part -> loop -> turns.

    The parts are `evaluation`, and `update` or, if updates are summed up, `sums`.
    """
    update = "sums" if load.mini_batch else "update"
    if load.kind == "linear":
        return {"evaluation": _linear_terms(load), update: _linear_update(load)}
    if load.kind == "batch":
        return {"evaluation": _member_terms(load), update: _batch_update(load)}
    evaluation = {"sample": _member_terms, "sweep": _sweep_terms, "eprop": _eprop_terms}
    return {"evaluation": evaluation[load.kind](load), update: _credit_update(load)}


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
    """The loops of the evaluations of `sweep`."""
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
    return _of_recordings(load, inference, measured)


def _eprop_terms(load: Load) -> dict[str, float]:
    """The loops of the evaluations of `eprop`."""
    hidden, ticks, live = load.net.layers[0].size, load.net.ticks, load.live
    inference = _inference_terms(load)
    inference["tick x neuron, not by fours"] = float(ticks * hidden * (hidden % 4 != 0))
    credited = {
        "learned recording": 1.0,
        "credit": float(ticks * hidden),
        "credit of a live neuron": live * ticks * hidden,
        "output": float(load.net.outputs),
        "live neuron x output": live * hidden * load.net.outputs,
    }
    return _of_recordings(load, inference, credited)


def _linear_terms(load: Load) -> dict[str, float]:
    """The loops of the evaluations without a hidden layer."""
    inference = {
        "recording": 1.0,
        "tick": float(load.net.ticks),
        "event": load.events,
        "input": float(load.net.inputs * load.net.input_segments),
        "row": load.rows,
        "row x output": load.rows * load.net.outputs,
    }
    learned = {"learned recording": 1.0, "output": float(load.net.outputs)}
    return _of_recordings(load, inference, learned)


def _of_recordings(
    load: Load, each: dict[str, float], learned: dict[str, float]
) -> dict[str, float]:
    """Turns in a generation. each: those of every recording. learned: those of a recording that
    leaves credit; without it, it takes the unperturbed run and little else."""
    found = each | {name: load.learned * value for name, value in learned.items()}
    return {name: load.samples * value for name, value in found.items()}


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


def _credit_update(load: Load) -> dict[str, float]:
    """The loops of an update by the credit that each recording left, which visit the neurons with
    credit."""
    net, es, without_pairs = load.net, load.es, load.es.estimator in WITHOUT_PAIRS
    hidden, out, words = net.layers[0].size, net.outputs, -(-es.pairs // 32)
    touched = load.live * hidden if without_pairs else hidden
    learned = {
        "learned recording": float(without_pairs),
        "tick": float(net.ticks),
        "event": load.events,
        "input": float(net.inputs),
        "row": load.rows,
        "row x segment": load.rows * es.segments,
        "weight": load.rows * touched,
        "moved weight": load.moved * (not load.mini_batch),
        "readout weight": float((hidden + 1) * out),
        "span x neuron": (load.spans - load.rows) * touched,
        "credit": float(es.segments * hidden * (1 if without_pairs else words)),
        "credit of a live neuron": es.segments * touched * without_pairs,
        "segment": float(es.segments * words) * (not without_pairs),
    }
    return _of_recordings(load, {"recording": 1.0}, learned) | _finish(load)


def _linear_update(load: Load) -> dict[str, float]:
    """The loops of the update without a hidden layer."""
    net = load.net
    learned = {
        "learned recording": 1.0,
        "output": float(net.outputs),
        "input": float(net.inputs * net.input_segments),
        "row": load.rows,
        "weight": load.rows * load.live * net.outputs,
        "moved weight": load.moved * (not load.mini_batch),
    }
    return _of_recordings(load, {"recording": 1.0}, learned) | _finish(load)


def _finish(load: Load) -> dict[str, float]:
    """The loops that end a generation whose updates were summed up."""
    shapes = load.net.shapes if load.mini_batch else ()
    return {
        "summed row": float(sum(rows for rows, _ in shapes)),
        "summed weight": float(sum(rows * cols for rows, cols in shapes)),
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

    def to_dict(self) -> dict[str, float | None]:
        """Ready for JSON."""
        return {
            "instructions_per_generation": round(self.generation),
            "instructions_per_member_eval": (
                round(self.evaluation / self.members, 1) if self.members else None
            ),
            "instructions_update": round(self.update),
        }


def cost(core: str, load: Load) -> Cost:
    """The instructions of a generation on one of cores(); the net must be modelled()."""
    evaluation, update = predict(core, load).values()
    return Cost(core, evaluation, update, load.members)


def per_recording(core: str, load: Load) -> tuple[float, float]:
    """Instructions of a recording that leaves credit, and of one that leaves none."""
    both = (cost(core, replace(load, learned=share)).generation for share in (1.0, 0.0))
    with_credit, without = (found / load.samples for found in both)
    return with_credit, without


def predict(core: str, load: Load) -> dict[str, float]:
    """Part of terms() -> its instructions in a generation on a core."""
    costs = _costs()["cores"][core][load.kind]
    return {
        part: sum(costs[part].get(name, 0.0) * value for name, value in values.items())
        for part, values in terms(load).items()
    }
