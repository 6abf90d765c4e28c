"""`eggroll-edge bench mcu`: instructions of a generation on each core, counted in emulators.

A neuron whose spikes no perturbation can change costs almost nothing, so a count depends on the
share of the other neurons. Each row gives that share as `live`; here it is about 0.3. In a net at
the start of its training it is 0.2, and after training with `batch` on N-MNIST it is 0.56. The
option `eggroll-edge plan --live` shows its effect. A member evaluation of `sweep` is one of the two
runs for each segment in which all neurons are perturbed. A recording whose loss is below
`learn_above` has none: `sweep-below` counts recordings of this kind.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eggroll_edge.bench.mcu_counter import TARGETS, Counted, Target, count
from eggroll_edge.bench.mcu_work import Work, make_work
from eggroll_edge.bench.report import Notify
from eggroll_edge.core.config import LEARN_ABOVE_MAX, EsConfig, LifConfig, NetConfig


def measure(quick: bool, notify: Notify) -> dict[str, Any]:
    """Count the work unit on every target.

    quick: 2 recordings a generation instead of 12, for a first look. The Pico's count of full-rank
    ES is then the Cortex-M0's, which it equals; rp2040js would take a minute for it.
    The result has rows, one for each target and estimator, and a summary: instructions of a member
    evaluation, those of a whole recording of online training, and how many times as many
    instructions a generation of full-rank ES takes.
    """
    recordings = 2 if quick else 12
    rows: list[dict[str, Any]] = []
    summary: dict[str, dict[str, float]] = {}
    of_m0: Counted | None = None
    units = works(recordings)
    of = {work.name: work for work in units}
    for target in TARGETS:
        notify(
            f"{target.name} ({target.core}): {recordings} recordings in {target.board}'s emulator"
        )
        as_m0 = of_m0 if quick and target.core == "Cortex-M0+" else None
        run = [work for work in units if not (as_m0 and work.name == "full")]
        counted = dict(zip((work.name for work in run), count(target, run), strict=True))
        rows += [_row(target, work, counted[work.name]) for work in run]
        if as_m0:
            counted["full"] = as_m0
        of_m0 = counted["full"] if target.core == "Cortex-M0" else of_m0
        ratio = counted["full"].generation / counted["batch"].generation
        summary[target.name] = {
            "instructions_per_member_eval": _per_evaluation(of["batch"], counted["batch"]),
            "online_instructions_per_member_eval": _per_evaluation(of["online"], counted["online"]),
            "online_instructions_per_recording": counted["online"].generation // recordings,
            "sweep_instructions_per_recording": counted["sweep"].generation // recordings,
            "sweep_instructions_per_recording_below_learn_above": (
                counted["sweep-below"].generation // recordings
            ),
            "full_rank_over_batch": round(ratio, 2),
        }
        notify(f"  {summary[target.name]}")
    return {"rows": rows, "summary": summary}


def works(recordings: int) -> list[Work]:
    """The work to count, a net 578-64-10 with 15 ticks: batch, full rank, and online sample with 32
    pairs each, and online sweep with 3 segments, which learns from all recordings or from none."""
    batch = NetConfig(578, 10, 15, (LifConfig(64, 900),), gain=4)
    online = NetConfig(578, 10, 15, (LifConfig(64, 2000),), gain=5)
    below = EsConfig("sweep", 1, segments=3, learn_above=LEARN_ABOVE_MAX)
    return [
        make_work("batch", batch, EsConfig("batch", 32), recordings),
        make_work("full", batch, EsConfig("full", 32), recordings),
        make_work("online", online, EsConfig("sample", 32, segments=5), recordings, std=64),
        make_work("sweep", online, EsConfig("sweep", 1, segments=3), recordings, std=64),
        make_work("sweep-below", replace(online, gain=0), below, recordings, std=64),
    ]


def _per_evaluation(work: Work, counted: Counted) -> float:
    return round(counted.evaluation / work.members, 1)


def _row(target: Target, work: Work, counted: Counted) -> dict[str, Any]:
    generations = work.generations
    return {
        "board": target.name,
        "core": target.core,
        "emulated": target.board,
        "note": target.note,
        "estimator": work.name,
        "net": "578-64-10",
        "ticks": work.net.ticks,
        "pairs": work.es.pairs,
        "samples": len(work.recordings) // generations,
        "generations": generations,
        "events": round(work.events, 1),
        "live": round(counted.live, 3) if work.name != "full" else None,
        "instructions_per_member_eval": (
            None if work.es.learn_above else _per_evaluation(work, counted)
        ),
        "instructions_update": counted.update // generations,
        "instructions_per_generation": counted.generation // generations,
        "digest": f"{counted.digest:08x}",
    }
