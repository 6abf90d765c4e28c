"""The command line, through its entry point: what it prints, where, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from eggroll_edge.cli.app import main
from eggroll_edge.cli.old_spellings import OLD_SPELLINGS
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.settings import settings_of
from tests.helpers.command_line import Cli


def test_plan_counts_the_sums_of_a_mini_batch(cli: Cli) -> None:
    """The default estimator sums up four bytes a weight; online learns in place."""
    small = ("plan", "--pool", 2, "--hidden", 64, "--board", "stm32f405")
    found = cli(*small)
    assert found.code == 1
    assert "RAM short by" in found.out
    assert "with --online" in found.out
    assert cli(*small, "--online").code == 0


@pytest.mark.parametrize("estimator", ["batch", "sample"])
def test_plan(cli: Cli, estimator: str) -> None:
    online = ["--online"] if estimator == "sample" else []
    small = ("plan", "--pool", 2, "--hidden", 64, "--pairs", 32, "--estimator", estimator, *online)
    values = cli(*small, "--json").values
    assert values["net"] == "578-64-10"
    assert values["training_extra"] <= 4096
    assert values["fits"] is None
    found = cli(*small, "--board", "pico")
    assert found.code == 0
    assert "578-64-10" in found.out
    assert cli(*small, "--board", "microbit").code == 1
    assert cli(*small, "--board", "microbit", "--json").values["fits"] is False


def test_plan_tells_what_a_recording_below_learn_above_takes(cli: Cli) -> None:
    words = ("plan", "--pool", 2, "--hidden", 64, "--estimator", "sweep", "--online")
    mixed = cli(*words, "--learned", 0.25, "--json").values["cores"]["Cortex-M0"]
    learned, below = (
        mixed[f"instructions_per_{kind}"]
        for kind in ("learned_recording", "recording_below_learn_above")
    )
    assert below < 0.6 * learned
    mean = mixed["instructions_per_generation"]
    assert mean == pytest.approx(0.25 * learned + 0.75 * below, abs=2)
    whole = cli(*words, "--learn-above", 0, "--json").values["cores"]["Cortex-M0"]
    assert (whole["instructions_per_generation"], whole["learned"]) == (learned, 1.0)
    shown = cli(*words).out
    assert "28% of the recordings that it learns from" in shown
    assert "one below learn_above" in shown


def test_plan_counts_the_baselines_and_mini_batches(cli: Cli) -> None:
    words = ("plan", "--pool", 2, "--hidden", 64)
    for more in (("--estimator", "eprop", "--online"), ("--estimator", "eprop", "-b", 16)):
        m0 = cli(*words, *more, "--json").values["cores"]["Cortex-M0"]
        assert m0["instructions_per_member_eval"] is None
        assert m0["instructions_per_learned_recording"] > 100_000
    flat = cli("plan", "--pool", 2, "--hidden", "none", "--online", "--json").values["cores"]
    assert flat["Cortex-M0"]["instructions_per_generation"] < 400_000
    assert "a recording it learns from" in cli(*words, "--estimator", "eprop").out


@pytest.mark.parametrize(
    ("words", "net", "weights"),
    [
        (("--hidden", "conv 16 k5 s2", "--readout-pool", 2),
         "2x34x34 - conv 16 k5 s2 - pool 2 - 10", 51 * 16 + 1025 * 10),
        (("--hidden", " conv 8 k3 s1 p1 ,conv 4 k3 s2, 32", "--pool", 2, "--polarity", "merged"),
         "1x17x17 - conv 8 k3 p1 - conv 4 k3 s2 - 32 - 10", 10 * 8 + 73 * 4 + 257 * 32 + 33 * 10),
        (("--hidden", "conv 8 k5 s4, 64", "--inputs", "2x128x128", "--outputs", 11),
         "2x128x128 - conv 8 k5 s4 - 64 - 11", 51 * 8 + 7689 * 64 + 65 * 11),
        (("--hidden", "conv 8 k5 s2", "--data", "dvsgesture"),
         "2x32x32 - conv 8 k5 s2 - 11", 51 * 8 + (8 * 14 * 14 + 1) * 11),
        (("--hidden", "conv 8 k3", "--data", "stmnist:nowhere"),
         "2x10x10 - conv 8 k3 - 10", 19 * 8 + 513 * 10),
        (("--hidden", "conv 4 k5 s2 p2", "--data", "shd", "--readout-pool", 4),
         "1x1x700 - conv 4 k5 s2 p2 - pool 4 - 20", 26 * 4 + (4 * 88 + 1) * 20),
        (("--hidden", "conv 4 k5 s2 p2, 32", "--inputs", "1x1x700"),
         "1x1x700 - conv 4 k5 s2 p2 - 32 - 10", 26 * 4 + 1401 * 32 + 33 * 10),
        (("--hidden", "conv 8 k5 s2", "--readout", "spikes", "--data", "stmnist:nowhere"),
         "2x10x10 - conv 8 k5 s2 - 10", 51 * 8 + (8 * 3 * 3 + 1) * 10),
    ],
)  # fmt: skip
@pytest.mark.parametrize("estimator", ["sweep", "eprop"])
def test_plan_of_convolutions(
    cli: Cli, words: tuple[str | int, ...], net: str, weights: int, estimator: str
) -> None:
    found = cli("plan", *words, "--estimator", estimator, "--json")
    assert found.code == 0, found.err
    assert (found.values["net"], found.values["weights"]) == (net, weights)
    assert found.values["inference"] > 0 < found.values["training_extra"]
    assert found.values["cores"] == {}  # no instructions: the model is of dense layers


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plan", "--hidden", 5000), "1..1024"),
        (("plan", "--hidden", "conv 16"), "use conv CHANNELS kKERNEL [sSTRIDE]"),
        (("train", "--hidden", "128,x"), "'x' is not a layer: use a number of neurons"),
        (("plan", "--hidden", "64, cnov 16 k5"), "'cnov 16 k5' is not a layer"),
        (
            ("plan", "--hidden", "conv 16 k5", "--inputs", "2x128x128"),
            "EGG_UNITS_MAX): use stride 3",
        ),
        (("plan", "--hidden", "64", "--inputs", "2x128x128"), "1..32766"),
        (("plan", "--hidden", "conv 8 k5", "--data", "shd"), "1 x 700 places: use padding 2"),
        (("plan", "--hidden", "conv 8 k5", "--inputs", 2312), "inputs of unknown shape"),
        (("plan", "--inputs", "2x34"), "write 578, or a shape, 2x17x17"),
        (("train", "--hidden", "conv 8 k5", "--estimator", "sample"), "use sweep, eprop or batch"),
        (("train", "--readout-pool", 2), "end hidden with one"),
        (("plan", "--inputs", 40000), "1..32766"),
        (("plan", "--outputs", 1), "2..64"),
        (("plan", "--estimator", "full"), "hosts only"),
        (
            ("plan", "--estimator", "batch", "--learn-above", 0.2),
            "only sweep can leave out recordings",
        ),
        (("plan", "--board", "picoo"), "did you mean pico"),
        (("flash", "picoo"), "did you mean pico"),
        (("emulate", "picoo"), "did you mean pico"),
        (("train", "--preset", "digit"), "did you mean digits"),
        (("train", "--data", "digit"), "did you mean digits"),
        (("train", "--data", "/no/where"), "/no/where: no such folder"),
        (("train", "--data", "."), "expected <folder>/Train"),
        (("train", "--estimator", "batsch"), "batch"),
        (("train", "--estimator", "batch", "--online"), "only sample, sweep and eprop"),
        (("train", "--estimator", "sample", "--pairs", 257), "1..256"),
        (("train", "--pairs", 64), "estimator sweep, which has none"),
        (("eval", "/no/run"), "no run here"),
        (("resume", "."), "no journal.jsonl"),
        (("data", "simulate", "--images", "nmnist", "--out", "x"), "only images"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_1(
    cli: Cli, words: tuple[object, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = cli(*words)
    assert found.code == 1
    assert says in found.err
    assert found.err.startswith("error: ")
    assert found.err.count("\n") == 1
    assert found.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("trian",), "train"),
        (("train", "--pair", 3), "--pairs"),
        (("train", "--pairs", "many"), "--pairs"),
        (("eval",), "RUN"),
    ],
)
def test_wrong_usage_is_exit_2_and_names_the_nearest(
    cli: Cli, words: tuple[object, ...], says: str
) -> None:
    found = cli(*words)
    assert found.code == 2
    assert says in found.err


def test_debug_lets_the_error_through() -> None:
    with pytest.raises(Exception, match="no run here"):
        main(["eval", "/no/run", "--debug"])


@pytest.mark.parametrize(
    "command",
    ["train", "resume", "eval", "replay", "plot", "plan", "presets", "control"]
    + [f"data {name}" for name in ("info", "simulate", "cache")],
)
def test_every_help_has_examples(cli: Cli, command: str) -> None:
    found = cli(*command.split(), "--help")
    assert found.code == 0
    assert f"eggroll-edge {command}" in found.out.split("Examples:")[1]


def test_presets(cli: Cli) -> None:
    assert "digits" in cli("presets").out
    assert "data = digits" in cli("presets", "digits").out
    assert "\nthreshold = derived from the data\n" in cli("presets", "digits").out
    assert "\nthreshold = 220\n" in cli("presets", "chirps").out


def test_control(cli: Cli) -> None:
    found = cli("control", "--generations", 2, "--pairs", 8, "--episodes", 1, "--json")
    assert found.code == 0
    assert found.values["generations"] == 2
    assert found.values["evaluated_episodes"] == 100


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("data info chirps --ticks 40", "ticks is 40"),
        ("data info chirps --ticks=40", "ticks is 40"),
        ("flash pico --standalone /no/run", "/no/run: no run here"),
        ("monitor --port /dev/no-such-port --timeout 1", "cannot be opened"),
    ],
)
def test_old_spellings_are_accepted(cli: Cli, words: str, says: str) -> None:
    older = words
    for old, new in OLD_SPELLINGS.items():
        older = older.replace(new, old)
    assert older != words
    for spelled in (words, older):
        found = cli(*spelled.split())
        assert found.code == 1
        assert says in found.err


def test_help_shows_the_present_spellings(cli: Cli) -> None:
    shown = "".join(cli(*words, "--help").out for words in (["train"], ["flash"], ["data", "info"]))
    for old, new in OLD_SPELLINGS.items():
        assert f"{new} " in shown
        assert f"{old} " not in shown


def test_help_shows_every_setting_with_its_default(cli: Cli) -> None:
    shown = " ".join(cli("train", "--help").out.replace("│", " ").split())
    for one in settings_of(TrainConfig).values():
        assert one.options[0].split("/")[0] in shown
        assert one.explanation in shown
    assert "(0..8192; default: derived from the data, batch and full 6)" in shown
