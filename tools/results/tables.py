"""The tables of measured results, as Markdown, from results/*.json."""

from __future__ import annotations

import json
import statistics
from typing import Any

from eggroll_edge.bench.accuracy import comparisons
from eggroll_edge.bench.intervals import half_width
from tools.lib.paths import RESULTS
from tools.lib.tables import paragraph, peer_command, table
from tools.results.rows import CYCLES_PER_INSTRUCTION, MEASUREMENTS, SESSIONS

PUBLISHED = [
    ["EGGROLL with LIF neurons, arXiv 2605.30361, published", "N-MNIST", "79.21 %", "no"],
    ["CR-FM-NES, 2312-512-10, Spyx's notebook, published", "N-MNIST", "89.4 %", "no"],
    ["surrogate gradient, the same net, Spyx's notebook, published", "N-MNIST", "91.2 %", "yes"],
]
"""What the authors give; it was not measured here."""

BOARD_NET = "a board's net, 578-64-10, simulated events, then adapted online on the 700 real ones"
OF_LOGITS = "of the loss by logits only"
"""How `sweep` and the readout without a hidden layer use gradients."""
SIDE_BY_SIDE = [
    ("`sweep` online, 2312-128-10, int8", "N-MNIST, simulated", "online sweep", OF_LOGITS),
    ("`sweep`, the same net, mini-batches", "the same", "sweep", OF_LOGITS),
    ("`sweep`, two layers, 2312-128-64-10, int8", "the same", "deep sweep", OF_LOGITS),
    ("`sample`, 2312-128-10, int8", "N-MNIST, simulated", "sample", "no"),
    ("baseline `eprop`, the same net, int8", "the same", "eprop", "surrogate"),
    ("`sweep`, a convolution, 9,914 weights", "the same", "conv", OF_LOGITS),
    ("`sweep`, a convolution, 4,896 weights", "the same", "conv-small", OF_LOGITS),
    ("baseline `eprop`, the same net", "the same", "conv-small eprop", "surrogate"),
    ("`sweep` online as on a Pico, a convolution", "the same", "pico-conv", OF_LOGITS),
    ("baseline `eprop`, the same net", "the same", "pico-conv eprop", "surrogate"),
    (
        "`sweep` online as on a micro:bit (16 KB of RAM), a convolution of 2,418 weights",
        "the same", "microbit-conv", OF_LOGITS,
    ),
    ("baseline `eprop`, the same net", "the same", "microbit-conv eprop", "surrogate"),
    ("baseline without a hidden layer, int8", "the same", "linear", OF_LOGITS),
    ("surrogate gradient of ours, the same net, float", "the same", "surrogate", "yes"),
    ("`batch`, 2312-128-10, int8", "the same", "batch", "no"),
    (
        "`sweep`, trained on simulated events alone", "800 real recordings", "sim_to_real sweep",
        OF_LOGITS,
    ),
    ("`sweep`, a convolution, simulated events alone", "the same", "sim_to_real conv", OF_LOGITS),
    ("`sample`, trained on simulated events alone", "800 real recordings", "sim_to_real", "no"),
    ("baseline `eprop`, simulated events alone", "the same", "sim_to_real eprop", "surrogate"),
    (
        "baseline without a hidden layer, simulated events alone", "the same",
        "sim_to_real linear", OF_LOGITS,
    ),
    ("surrogate gradient of ours, simulated events alone", "the same", "surrogate real", "yes"),
    ("`sweep`, 700 real recordings to train", "100 real recordings", "small sweep", OF_LOGITS),
    ("`sweep`, a convolution, on the same", "the same", "real-conv", OF_LOGITS),
    ("`sample`, 700 real recordings to train", "100 real recordings", "small", "no"),
    ("baseline `eprop`, on the same", "the same", "small eprop", "surrogate"),
    ("baseline without a hidden layer, on the same", "the same", "small linear", OF_LOGITS),
    ("surrogate gradient of ours, on the same", "the same", "surrogate small", "yes"),
    (BOARD_NET, "100 real recordings", "adapted", "no"),
]  # fmt: skip
"""What was trained, what it was tested on, the row of bench-accuracy, whether it uses gradients."""
SHORT = (
    "online sweep", "deep sweep", "conv", "microbit-conv", "sample", "eprop", "linear", "surrogate",
    "batch", "sim_to_real sweep", "sim_to_real", "adapted",
)  # fmt: skip
"""The rows that the README has."""


INSTRUCTIONS = paragraph(
    "RAM on a device is without the buffer of a recording. Instructions are those of a recording, "
    "the mean over a whole run: recordings below `learn_above` take less. They are by the model of "
    "`plan`, with the events of the recordings and the share of them that the runs learned from. "
    "The model does not cover two LIF layers and a slow leak: of such nets, the instructions were "
    "counted in stretches of the run of seed 1 (`tools/results/stretches.py`)."
)


def short_table() -> str:
    """The README's table."""
    head = ["", "tested on", "accuracy", "gradients?"]
    return table(head, _side_by_side(SHORT))


def long_tables() -> str:
    """The tables of the results page."""
    machine = _read("bench-accuracy")["machine"]
    head = ["", "tested on", "accuracy", "gradients?"]
    everything = tuple(row for _, _, row, _ in SIDE_BY_SIDE)
    return "\n\n".join(
        [
            table(head, PUBLISHED + _side_by_side(everything)),
            *speed_tables(),
            f"Measured on: {machine}. Files: `results/*.json`.",
            *accuracy_tables(),
            INSTRUCTIONS,
            *stretch_table(),
            *comparison_table(),
            board_table(),
            other_table(),
        ]
    )


def _side_by_side(rows: tuple[str, ...]) -> list[list[str]]:
    """Of SIDE_BY_SIDE, the rows that bench-accuracy has measured."""
    report = _read("bench-accuracy")
    found = {row["name"]: row for row in report["rows"] + report["baselines"]}
    return [
        [who, where, scores(found[name]["accuracy"]), how]
        for who, where, name, how in SIDE_BY_SIDE
        if name in rows and "accuracy" in found.get(name, {})
    ]


def accuracy_tables() -> list[str]:
    """The results of `eggroll-edge bench accuracy`: our runs, and the baselines."""
    report = _read("bench-accuracy")
    ours = [
        [
            row["what"],
            f"`{_shown(row['command'])}`",
            scores(row["accuracy"]),
            f"{100 * row['firing_rate']:.1f} %" if row["firing_rate"] else "-",
            f"{row['member_evaluations'] / 1e6:,.1f} M" if row["member_evaluations"] else "none",
            f"{row['exchanged_bytes'] / 1e6:.2f} MB" if row["exchanged_bytes"] else "none",
            _ram(row),
            _instructions(row),
            f"{row['seconds']:.1f}",
        ]
        for row in report["rows"]
        if not row["name"].startswith("curve")
    ]
    return [
        table(
            [
                "N-MNIST",
                "command",
                "test accuracy, final weights",
                "firing",
                "member evaluations",
                "bytes exchanged",
                "RAM on a device: to train (to run)",
                "instructions of a recording, Cortex-M0, M4",
                "seconds",
            ],
            ours,
        ),
        table(
            [
                "baselines, on the same recordings",
                "command",
                "test accuracy, final weights",
                "firing",
                "member evaluations",
                "seconds",
            ],
            [_baseline(row) for row in report["baselines"]],
        ),
    ]


def _ram(row: dict[str, Any]) -> str:
    """RAM of a device without the buffer of a recording. "-": not measured."""
    if "training_bytes" not in row:
        return "-"
    if not row["training_bytes"]:
        return "hosts only"
    train = f"{row['training_bytes'] / 1000:,.0f} KB"
    return f"{train} ({row['inference_bytes'] / 1000:,.0f})" if "inference_bytes" in row else train


def _instructions(row: dict[str, Any]) -> str:
    found = row.get("instructions")
    return ", ".join(f"{value / 1e6:.2f} M" for value in found.values()) if found else "-"


def stretch_table() -> list[str]:
    """Counts of real stretches of sessions, and what the model says."""
    if not (RESULTS / "stretches.json").exists():
        return []
    keys = (
        "instructions", "instructions_by_model", "instructions_with_credit",
        "instructions_without_credit", "of_session", "of_session_by_model",
    )  # fmt: skip
    rows = [
        [row["name"], core, *(f"{found[key]:,}" if found[key] else "-" for key in keys)]
        for row in _read("stretches")["rows"]
        for core, found in row.items()
        if isinstance(found, dict)
    ]
    head = [
        "stretches of a session", "core", "instructions of a recording, counted", "by the model",
        "counted, with credit", "counted, without", "of the whole session, by these counts",
        "by the model, as in the tables",
    ]  # fmt: skip
    return [table(head, rows)]


def comparison_table() -> list[str]:
    """The paired tests of bench-accuracy; nothing if no two rows can be compared."""
    report = _read("bench-accuracy")
    rows = [
        [
            one["first"],
            one["second"],
            f"{one['difference']:+.2f} ± {one['half_width']:.2f}",
            chance(one["p"]),
            str(one["seeds"]),
        ]
        for one in comparisons([*report["rows"], *report["baselines"]])
    ]
    if not rows:
        return []
    note = paragraph(
        "± is the 95 % confidence interval of a mean over seeds, by Student's t distribution. p is "
        "that of the two-sided paired t test over seeds: how often chance alone would give a "
        "difference of this size, if there were none. Neither covers the choice of the test "
        "recordings. The tests are not corrected for their number."
    )
    head = ["compared", "with", "difference, points", "p", "seeds"]
    return [table(head, rows, "llrrr"), note]


def _baseline(row: dict[str, Any]) -> list[str]:
    shown = f"`{peer_command(_shown(row['command']))}`"
    if "why" in row:
        return [row["what"], shown, f"not measured: {row['why']}", "-", "-", "-"]
    members = row.get("member_evaluations")
    return [
        row["what"],
        shown,
        scores(row["accuracy"]),
        f"{100 * row['firing_rate']:.0f} %" if "firing_rate" in row else "-",
        f"{members / 1e6:,.1f} M" if members else "-",
        f"{row['seconds']:.0f}",
    ]


def speed_tables() -> list[str]:
    """The summaries of `eggroll-edge bench host`, `peers` and `mcu`."""
    host, peers, mcu = (_read(f"bench-{kind}") for kind in ("host", "peers", "mcu"))
    speed = {
        row["name"]: row["member_evals_per_s"]["median"]
        for row in peers["rows"]
        if "member_evals_per_s" in row
    }
    over_published = speed["ours, batch"] / speed["JAX EGGROLL, float32"]
    of_host, of_peers = host["summary"], peers["summary"]
    figures = [
        [
            "`batch`, 2312-128-10, 15 ticks, 512 pairs x 128, 2 threads",
            f"{of_host['member_evals_per_s'] / 1e6:.1f} M member evaluations/s",
        ],
        [
            "the same: full-rank ES of ours over `batch`, time of a generation",
            f"{of_host['full_rank_over_batch']:.1f}",
        ],
        ["`batch` over EGGROLL in JAX, float32 as published", f"{over_published:.1f}"],
        ["over EGGROLL in JAX with our int16 neuron", f"{of_peers['ours_over_jax']:.1f}"],
        [
            "over torch with snnTorch's neurons or an EGGROLL library, the fastest form",
            f"{of_peers['ours_over_torch']:,.0f}",
        ],
        [
            "over torch with a layer that we wrote for torch.compile",
            f"{of_peers['ours_over_torch_compiled']:.1f}",
        ],
    ]
    seconds = [
        [name, f"{value:.2f}"]
        for name, value in of_peers["seconds_to_90"].items()
        if value is not None
    ]
    instructions = [
        [
            board,
            f"{found['instructions_per_member_eval']:,.0f}",
            f"{found['full_rank_over_batch']:.1f}",
        ]
        for board, found in mcu["summary"].items()
    ]
    return [
        table(["speed", ""], figures),
        table(["to 90 % on simulated N-MNIST", "seconds of training"], seconds),
        table(
            [
                "`batch` on a microcontroller, 578-64-10, 15 ticks",
                "instructions of a member evaluation",
                "full-rank ES over `batch`, instructions",
            ],
            instructions,
        ),
    ]


def board_table() -> str:
    """The sessions on emulated boards."""
    rows = []
    for session in SESSIONS:
        if not (RESULTS / f"{session.name}.json").exists():
            continue
        report = _read(session.name)
        for run in report["runs"]:
            there, back = run["bytes_to_board_per_sample"], run["bytes_from_board_per_sample"]
            instructions = duration = "-"  # the model covers no convolutions
            if seconds := run.get("estimated_seconds_per_sample"):
                minutes = seconds * run["samples"] / 60
                instructions = f"{run['instructions_per_sample_by_model'] / 1e6:.2f} M"
                duration = f"{seconds:.3f} each, {minutes:.0f} min in all"
            rows.append(
                [
                    report["what"].removesuffix(", emulated"),
                    f"`{_shown(report['command']).replace(' --seed 1', '')}`",
                    f"{run['test_accuracy']:.1f} %",
                    f"yes, `{run['digest_on_board']}`" if run["same_digest"] else "NO",
                    f"{run['samples']:,}",
                    f"{there:.0f}, {back:.0f}",
                    instructions,
                    duration,
                ]
            )
    head = [
        "board, emulated",
        "command",
        "test accuracy",
        "digest as on the host",
        "recordings",
        "bytes to, from the board",
        "instructions of a recording",
        "seconds, estimated",
    ]
    note = paragraph(
        "Accuracy is the host's test of the weights that the board ended with. Instructions are "
        "by the model of `plan`. Seconds are an estimate from them, at the clock of the board and "
        f"{CYCLES_PER_INSTRUCTION:g} cycles for each instruction, without the link."
    )
    return f"{table(head, rows)}\n\n{note}"


def other_table() -> str:
    """The rows of MEASUREMENTS that have been measured."""
    rows = []
    for row in MEASUREMENTS:
        if not (RESULTS / f"{row.name}.json").exists():
            continue
        report = _read(row.name)
        runs = report["runs"]
        rows.append(
            [
                row.what,
                f"`{_shown(report['command'])}`",
                scores([run["test_accuracy"] for run in runs]),
                f"{statistics.mean(run['seconds'] for run in runs):.0f}",
                f"{statistics.mean(run['member_evals_per_s'] for run in runs) / 1e6:.2f} M",
                _ram(report),
                _instructions(report),
            ]
        )
    head = [
        "other data",
        "command",
        "test accuracy, final weights",
        "seconds of training",
        "member evaluations/s",
        "RAM on a device: to train (to run)",
        "instructions of a recording, Cortex-M0, M4",
    ]
    return table(head, rows)


def scores(percent: list[float]) -> str:
    """The mean of some accuracies; of several seeds, also its 95 % confidence interval."""
    mean = statistics.mean(percent)
    if len(percent) == 1:
        return f"{mean:.1f} % (one seed)"
    return f"{mean:.2f} ± {half_width(percent):.2f} % ({len(percent)} seeds)"


def chance(p: float) -> str:
    """A p value as the tables show it."""
    return f"{p:.2g}" if p >= 0.001 else "< 0.001"


def _shown(command: str) -> str:
    """A command as the tables show it."""
    return command.removeprefix("eggroll-edge ").removesuffix(" --seed SEED")


def _read(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text())
