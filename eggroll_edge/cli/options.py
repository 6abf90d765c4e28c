"""Command-line options that several commands share, and how they become a TrainConfig.

An option is named as its field of TrainConfig; None means that the user did not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from eggroll_edge.data.sources import check_spec, split_spec
from eggroll_edge.training.config import TrainConfig, merge
from eggroll_edge.training.presets import load_preset

SMALL = 10000
"""Recordings below which a folder is trained on with the preset nmnist-small."""


def _option(panel: str, *flags: str, help: str, metavar: str | None = None) -> Any:
    return typer.Option(
        *flags, help=help, metavar=metavar, rich_help_panel=panel, show_default=False
    )


_DATA, _NET, _ES, _COURSE = "Data", "Net", "Estimator", "Course"
# fmt: off
Data = Annotated[str | None, _option(_DATA, "--data", "-d", metavar="SPEC",
    help="digits or chirps (no download), nmnist (1.2 GB through tonic), idx:DIR (images, "
    "simulated), shd, dvsgesture, stmnist:DIR, or a folder of N-MNIST recordings.")]
TestData = Annotated[str | None, _option(_DATA, "--test-data", metavar="SPEC",
    help="Take the test split from there.")]
SkipFirst = Annotated[int | None, _option(_DATA, "--skip-first", metavar="K",
    help="Leave out the first K training samples.")]
Ticks = Annotated[int | None, _option(_DATA, "--bins", "--ticks", metavar="T",
    help="Ticks a recording is cut into, 1..32 (15).")]
Pool = Annotated[int | None, _option(_DATA, "--pool", metavar="1|2",
    help="2 merges 2 x 2 pixels: a fourth of the inputs.")]
Polarity = Annotated[str | None, _option(_DATA, "--polarity", metavar="NAME",
    help="split (two channels), merged, on or off.")]
FirstSaccade = Annotated[bool | None, _option(_DATA, "--first-saccade-only/--all-saccades",
    help="Only the first 100 ms.")]
Stabilize = Annotated[bool | None, _option(_DATA, "--stabilize/--no-stabilize",
    help="Undo the camera's motion.")]

Hidden = Annotated[str | None, _option(_NET, "--hidden", metavar="N[,N...]",
    help="Neurons of each hidden LIF layer, such as 128 or 128,64.")]
Threshold = Annotated[int | None, _option(_NET, "--threshold", metavar="N",
    help="Membrane at which a neuron spikes (1024).")]
Leak = Annotated[int | None, _option(_NET, "--leak-shift", metavar="K",
    help="A tick leaks membrane >> K, 1..8 (1).")]
Refractory = Annotated[int | None, _option(_NET, "--refractory", metavar="T",
    help="Silent ticks after a spike, 0..15 (0).")]
Readout = Annotated[str | None, _option(_NET, "--readout", metavar="NAME",
    help="integrate (a matrix sums hidden spikes) or spikes (output neurons).")]
Gain = Annotated[int | None, _option(_NET, "--gain", metavar="N",
    help="Logit = readout << N, in 1/4096 bit, 0..8 (5; batch: 4).")]
InitStd = Annotated[int | None, _option(_NET, "--init-std", metavar="N",
    help="Standard deviation of initial weights, 0..64 (28).")]
ReadoutStd = Annotated[int | None, _option(_NET, "--readout-std", metavar="N",
    help="The same of the readout matrix.")]

StartFrom = Annotated[str | None, _option(_NET, "--start-from", metavar="RUN",
    help="Begin with the weights of a run or weights file, not with random ones: adapt a net.")]

Estimator = Annotated[str | None, _option(_ES, "--estimator", "-e", metavar="NAME",
    help="batch (EGGROLL as published), sample (each recording credits its own events) or full "
    "(full-rank baseline).")]
Online = Annotated[bool | None, _option(_ES, "--online/--mini-batch",
    help="sample: update after every recording, as a device does.")]
Pairs = Annotated[int | None, _option(_ES, "--pairs", "-p", metavar="P",
    help="Antithetic pairs; the population is twice as many.")]
Batch = Annotated[int | None, _option(_ES, "--batch", "-b", metavar="B",
    help="Recordings a generation.")]
Rank = Annotated[int | None, _option(_ES, "--rank", metavar="R",
    help="batch: rank of a perturbation, 1..16.")]
Segments = Annotated[int | None, _option(_ES, "--segments", metavar="S",
    help="sample: parts of a recording perturbed on their own, 1..8.")]
Fitness = Annotated[str | None, _option(_ES, "--fitness", metavar="NAME",
    help="xent (minus cross-entropy) or accuracy.")]
Penalty = Annotated[float | None, _option(_ES, "--penalty-bits", metavar="X",
    help="Fitness that a spike costs, bits: sparser firing.")]
Sigma = Annotated[float | None, _option(_ES, "--sigma", metavar="X",
    help="Size of perturbations: current units (sample), weight units (batch, full).")]
SigmaReadout = Annotated[float | None, _option(_ES, "--sigma-readout", metavar="X",
    help="The same of the readout: bits (sample), weight units (batch, full).")]
SigmaFinal = Annotated[float | None, _option(_ES, "--sigma-final", metavar="SHARE",
    help="Share of sigma left at the end, 0..1.")]

Generations = Annotated[int | None, _option(_COURSE, "--generations", "-g", metavar="G",
    help="Generations in all; with --online: samples.")]
Seed = Annotated[int | None, _option(_COURSE, "--seed", "-s", metavar="S",
    help="Everything random follows from it, 0..2^32-1 (1).")]
Lr = Annotated[float | None, _option(_COURSE, "--lr", metavar="X", help="Learning rate.")]
LrReadout = Annotated[float | None, _option(_COURSE, "--lr-readout", metavar="X",
    help="Learning rate of the readout.")]
LrFinal = Annotated[float | None, _option(_COURSE, "--lr-final", metavar="SHARE",
    help="Share of the learning rates left at the end (cosine).")]
EvalEvery = Annotated[int | None, _option(_COURSE, "--eval-every", metavar="G",
    help="Generations between test evaluations; 0 = about 20 a run.")]
EarlyStop = Annotated[int | None, _option(_COURSE, "--early-stop", metavar="N",
    help="Stop after N evaluations without improvement; 0 = never.")]

Preset = Annotated[str | None, typer.Option("--preset", metavar="NAME", show_default=False,
    help="Start from a preset; `eggroll-edge presets` lists them. Other flags override it.")]
Workers = Annotated[int | None, typer.Option("--workers", "-w", metavar="N", min=1,
    show_default=False, help="Threads (all cores). The result does not depend on it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON on stdout, last; all else "
    "goes to stderr.")]
Run = Annotated[Path, typer.Argument(metavar="RUN", show_default=False,
    help="Run directory, as `train` names it.")]
OtherData = Annotated[str | None, typer.Option("--data", "-d", metavar="SPEC", show_default=False,
    help="Take the recordings from there instead of where the run took them.")]
# fmt: on


def sizes(text: str) -> list[int]:
    """Layer sizes from "128,64"."""
    try:
        return [int(part) for part in text.replace("-", ",").split(",")]
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no list of layer sizes: write 128, or 128,64", param_hint="'--hidden'"
        ) from None


def config_of(params: Mapping[str, Any]) -> TrainConfig:
    """The config that a command's parameters ask for: defaults < preset < flags."""
    known = {field.name for field in fields(TrainConfig)}
    flags = {k: v for k, v in params.items() if k in known and v is not None}
    if "hidden" in flags:
        flags["hidden"] = sizes(flags["hidden"])
    for name in ("data", "test_data"):
        if name in flags:
            check_spec(flags[name])
    preset = params.get("preset") or _preset_for(flags.get("data", "digits"))
    return merge(load_preset(preset) if preset else {}, flags)


def _preset_for(data: str) -> str | None:
    """Small data are learnt in fewer generations; the defaults are for 60,000 recordings."""
    if split_spec(data)[0] in ("digits", "chirps"):
        return split_spec(data)[0]
    folder = Path(data)
    small = folder.is_dir() and len(list(islice(folder.glob("Train/*/*.bin"), SMALL))) < SMALL
    return "nmnist-small" if small else None


def _short(spec: str) -> str:
    """Of a dataset, for a folder's name."""
    name, rest = split_spec(spec)
    return Path(rest).name if name in ("", "idx") else name


def run_dir_for(config: TrainConfig, preset: str | None, data: str | None) -> Path:
    """runs/<preset or data>-<estimator>-s<seed>, with -2, -3, ... behind it if it is taken."""
    what = preset if preset and not data else _short(config.data)
    how = "online" if config.online else config.estimator
    base = Path("runs") / f"{what or 'data'}-{how}-s{config.seed}"
    path, number = base, 1
    while path.exists():
        number += 1
        path = base.with_name(f"{base.name}-{number}")
    return path
