"""The benchmarks: their keys and the relations that hold on any machine; never a speed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from eggroll_edge.bench import baselines as bench_baselines
from eggroll_edge.bench import host as bench_host
from eggroll_edge.bench import peers as bench_peers
from eggroll_edge.bench import report as bench
from eggroll_edge.bench import scripts as bench_scripts
from eggroll_edge.cli.app import app
from eggroll_edge.errors import EggrollError
from eggroll_edge.training.config import TrainConfig
from tests.helpers.tiny_dataset import dataset

ROOT = Path(__file__).resolve().parents[2]
TINY = bench_host.Sizes(
    hidden=8,
    pairs=16,
    batch=8,
    scale_pairs=(16, 32),
    scale_hidden=(4, 8),
    scale_rank=(1, 2),
    seconds=0.002,
)


def recordings(folder: Path, n: int) -> list[Path]:
    """Files of a few events each, in N-MNIST's format."""
    rng, files = np.random.default_rng(1), []
    for i in range(n):
        raw = np.zeros((50, 5), np.uint8)
        raw[:, :2] = rng.integers(0, 34, (50, 2))
        raw[:, 3] = np.arange(50)
        files.append(folder / f"{i:05d}.bin")
        files[-1].write_bytes(raw.tobytes())
    return files


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    files = recordings(tmp_path_factory.mktemp("bin"), 8)
    lines: list[str] = []
    found = bench_host.measure_on(dataset(64, 1), files, TINY, 2, lines.append)
    assert lines
    return found


def rows(found: dict[str, Any], what: str) -> list[dict[str, Any]]:
    return [row for row in found["rows"] if row["what"] == what]


def test_host_summary_is_made_of_the_rows(host: dict[str, Any]) -> None:
    summary = host["summary"]
    assert set(summary) == {"member_evals_per_s", "full_rank_over_batch", "update_share"}
    rates = {row["name"]: row for row in rows(host, "generation")}
    batch = rates["batch, 2 threads"]["seconds"]
    assert summary["member_evals_per_s"] == pytest.approx(2 * 16 * 8 / batch["median"])
    ratios = [
        a / b
        for a, b in zip(rates["full, 2 threads"]["seconds"]["runs"], batch["runs"], strict=True)
    ]
    assert summary["full_rank_over_batch"] == pytest.approx(np.median(ratios))
    assert all(len(row["seconds"]["runs"]) == 2 for row in rates.values())


def test_phases_are_shares_of_the_whole(host: dict[str, Any]) -> None:
    (phases,) = rows(host, "phases")
    for turn in range(2):
        shares = [phases[name]["runs"][turn] for name in ("noise", "evaluation", "update")]
        assert sum(shares) == pytest.approx(1)
        assert phases["update_share"]["runs"][turn] == pytest.approx(shares[0] + shares[2])
        assert min(shares) > 0


def test_scaling_memory_and_data_path_are_there(host: dict[str, Any]) -> None:
    scaling = {(row["vary"], row["size"], row["threads"]) for row in rows(host, "scaling")}
    sizes = {("hidden", 4), ("hidden", 8), ("rank", 1), ("rank", 2), ("pairs", 16), ("pairs", 32)}
    assert scaling == {(*size, threads) for size in sizes for threads in (1, 2)}
    memory = rows(host, "memory")
    assert [row["pairs"] for row in memory] == [16, 32]
    assert all(row["peak_mib"] >= row["before_mib"] > 0 for row in memory)
    (path,) = rows(host, "data path")
    assert path["ours, 1 thread"]["median"] > 0
    data = dataset(64, 1)
    assert path["bytes_of_60000"] == round(60000 * (len(data.streams) / 64 + 17))
    assert ("ours_over_tonic" in path) != ("tonic" in path)


def test_timed_calls_change_no_weight() -> None:
    digests = []
    for timed in (False, True):
        settings = {"estimator": "batch", "hidden": (8,), "pairs": 16, "batch": 8}
        with bench_host.bench_of(dataset(64, 1), 1, **settings) as one:
            if timed:
                one.estimator.population = bench_host.Phased(one.estimator.population)
            one.run(5)
            digests.append(one.estimator.net.digest)
    assert digests[0] == digests[1]


def test_alternating_runs_take_turns() -> None:
    order: list[str] = []

    def case(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = bench.run_interleaved(
        {"a": lambda: case("a"), "b": lambda: case("b")}, 2, lambda _: None
    )
    assert order == ["a", "b", "a", "b"]
    assert found == {"a": [1.0, 3.0], "b": [2.0, 4.0]}
    assert bench.ratio(found["b"], found["a"]) == {
        "median": pytest.approx((2 + 4 / 3) / 2), "min": 4 / 3, "max": 2.0, "runs": [2.0, 4 / 3],
    }  # fmt: skip


def test_help_has_an_example_of_every_benchmark() -> None:
    for kind in bench.KINDS:
        result = CliRunner().invoke(app, ["bench", kind, "--help"])
        assert result.exit_code == 0
        assert f"bench {kind}" in result.stdout
        assert "--quick" in result.stdout
        description = " ".join(result.stdout.split("Example")[0].split())
        assert ("source checkout" in description) == (kind != "host")
        assert ("pip install -e '.[bench]'" in description) == (kind in ("peers", "accuracy"))


def test_command_prints_the_summary_last_and_saves_the_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def measure(quick: bool, notify: bench.Notify, **more: Any) -> dict[str, Any]:
        notify("at it")
        assert quick
        assert more == {"runs": 3, "data": "/somewhere"}
        return {"rows": [{"what": "x"}], "summary": {"y": 1}}

    monkeypatch.setattr(bench_host, "measure", measure)
    file = tmp_path / "new" / "host.json"
    words = ["bench", "host", "--quick", "--runs", "3", "--data", "/somewhere", "--json", str(file)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout.splitlines()[-1]) == {"y": 1}
    saved = json.loads(file.read_text())
    assert saved["rows"] == [{"what": "x"}]
    assert saved["command"] == "eggroll-edge bench host --quick --runs 3"
    assert {"machine", "commit", "date", "load_average", "quick"} <= set(saved)


def test_missing_data_and_packages_say_how_to_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(EggrollError, match="EGGROLL_DATA"):
        bench.data_folder(str(tmp_path))
    monkeypatch.setattr(bench_scripts, "find_spec", lambda name: None)
    with pytest.raises(EggrollError, match=r"torch, .*pip install -e '\.\[bench\]'"):
        bench_peers.measure(True, lambda _: None)


def test_peers_summary_takes_the_fastest_of_each_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their processes replaced: what is made of their lines."""
    rates = {"ours.py": 8e6, "jax_eggroll.py": 2e6, "torch_eggroll.py": 1e5}
    seeds: list[str] = []

    def run(words: list[str], **_: Any) -> Any:
        if "sweep" in words and "--segments" in words:
            seeds.append(words[words.index("--seed") + 1])
        script = words[2].removeprefix("tools.peers.") + ".py"
        rate = rates.get(script, 1e3) / (2 if "float32" in words else 1)
        slow = script == "jax_evosax.py"
        line = {
            "versions": {}, "member_evals_per_s": rate, "generation_seconds": 1.0,
            "compile_seconds": 1.0, "first_step_seconds": 1.0, "peak_mib": 100.0,
            "train_seconds": 3.0,
            "seconds_to_target": None if slow else 0.5 if "--segments" in words else 2.5,
            "history": [[3.0, 1, 55.0]],
        }  # fmt: skip
        failed = "eggroll-trainer" in words
        return type("Done", (), {
            "returncode": int(failed), "stderr": "it broke\n", "stdout": json.dumps(line) + "\n",
        })  # fmt: skip

    monkeypatch.setattr(bench_scripts, "find_spec", lambda name: object())
    monkeypatch.setattr(bench_peers, "data_folder", lambda given: Path("/data"))
    monkeypatch.setattr("eggroll_edge.bench.scripts.subprocess.run", run)
    found = bench_peers.measure(False, lambda _: None, runs=3)
    summary = found["summary"]
    assert summary["ours_over_jax"] == pytest.approx(4)  # the int16 form is the faster one
    assert summary["ours_over_torch"] == pytest.approx(80)
    assert summary["seconds_to_90"]["ours, sweep online"] == 0.5
    assert summary["surrogate_over_ours_to_90"] == pytest.approx(5)
    assert seeds == ["1", "2", "3"]  # each round has another seed
    assert summary["seconds_to_90"]["evosax CR_FM_NES"] is None
    why = {row["name"]: row.get("why") for row in found["rows"] if row["what"] == "seconds to 90"}
    assert why["evosax CR_FM_NES"] == "55.0 % at best after 3 s of training"
    trainer = next(row for row in found["rows"] if row["name"] == "eggroll-trainer")
    assert trainer["why"] == "it broke"
    quick = bench_peers.measure(True, lambda _: None)["summary"]
    assert set(quick) == set(summary)
    assert set(quick["seconds_to_90"]) == set(summary["seconds_to_90"])


def test_baselines_are_tested_on_what_their_rows_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts replaced: which accuracy of theirs a row takes, and what becomes of a failure."""

    def run(arguments: str, data: str, notify: bench.Notify) -> dict[str, Any]:
        seed = int(arguments.split()[-1])
        line = {"train_seconds": 2.0, "versions": {}, "settings": {"pairs": 4, "batch": 8}}
        if "jax_evosax" in arguments:
            if "CR_FM_NES" in arguments:
                return {"error": "it broke"}
            return line | {"generations_done": 10, "history": [[1.0, 5, 61.0], [2.0, 10, 60.0]]}
        also = {"/data/nmnist_small": 95.0} if "--also /data/nmnist_small" in arguments else {}
        small = data == "/data/nmnist_small"
        found = {"test_accuracy": (80.0 if small else 90.0) + seed, "firing_rate": 0.125}
        return line | found | {"also": also}

    monkeypatch.setattr(bench_baselines, "run_script", run)
    monkeypatch.setattr(bench_scripts, "find_spec", lambda name: object())
    rows = {row["name"]: row for row in bench_baselines.measure(Path("/data"), lambda _: None)}
    assert rows["surrogate"]["accuracy"] == [91.0, 92.0, 93.0, 94.0, 95.0]
    assert rows["surrogate"]["mean"] == 93.0
    assert rows["surrogate"]["firing_rate"] == 0.125
    assert rows["surrogate small"]["mean"] == 83.0
    assert rows["surrogate real"]["accuracy"] == [95.0] * 5
    assert rows["Open_ES"]["accuracy"] == [60.0]  # the last, not the best
    assert rows["Open_ES"]["member_evaluations"] == 2 * 4 * 8 * 10
    assert rows["CR_FM_NES"]["why"] == "it broke"
    monkeypatch.setattr(bench_scripts, "find_spec", lambda name: None)
    rows = {row["name"]: row for row in bench_baselines.measure(Path("/data"), lambda _: None)}
    assert "evosax" in rows["Open_ES"]["why"]


def test_performance_page_is_what_its_tool_makes_of_the_saved_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tools.results import performance

    page = performance.PAGE.read_text()
    assert performance.render(page) == page
    for kind in ("host", "peers", "mcu"):
        report = json.loads((ROOT / "results" / f"bench-{kind}.json").read_text())
        assert report["commit"] in page
        assert report["machine"] in page


def test_numbers_of_the_performance_page(monkeypatch: pytest.MonkeyPatch) -> None:
    from tools.results import performance

    shown = {0.0123: "0.0123", 12.34: "12.3", 5882.1: "5882", 11018.1: "11 k", 149227: "149 k"}
    shown |= {68395.9: "68.4 k", 43077583: "43.1 M"}
    assert {value: performance.number(value) for value in shown} == shown
    assert performance.exact(11018.1) == "11,018"
    assert performance.exact(17.3) == "17.3"


# --- the peers' arithmetic against our core's: where the `bench` extra is installed


def spikes_and_core() -> tuple[Any, Any, Any]:
    """(recordings as the peers read them, our net, our core's counts [recordings, hidden])."""
    from eggroll_edge.core.net import Net
    from eggroll_edge.core.workspace import Workspace
    from eggroll_edge.data.dataset import recordings_for
    from tools.peers.peer import spikes_of

    data = dataset(12, 3)
    config = TrainConfig(hidden=(16,), ticks=data.ticks, threshold=60)
    net = Net(config.net_config(data.n_in, data.n_classes))
    net.randomize(5, 40, 24)
    recorded, counts = recordings_for(data, net.config), []
    for i in range(len(data)):
        ws = Workspace(net.config, None)
        ws.run(net, recorded, np.array([i], np.uint32), np.zeros(1, np.uint8))
        counts.append(ws.unit_spikes.copy())
    return spikes_of(data), net, np.array(counts)


def test_sparse_arrays_are_the_streams() -> None:
    pytest.importorskip("scipy", reason="the bench extra is not installed")
    from eggroll_edge.data.stream import to_frames
    from tools.peers.peer import spikes_of, transposed

    data = dataset(5, 2)
    spikes = spikes_of(data)
    which = np.array([3, 0])
    dense = spikes.dense(which)
    for row, i in enumerate(which):
        frames = to_frames(data[int(i)], data.binning).reshape(data.ticks, -1)
        assert np.array_equal(dense[row], frames)
    index, starts = spikes.batch(which)
    rows_, ends = transposed(index, starts, data.n_in)
    again = np.zeros_like(dense.reshape(-1, data.n_in))
    again[rows_, np.repeat(np.arange(data.n_in), np.diff(ends))] = 1
    assert np.array_equal(again, dense.reshape(-1, data.n_in))


@pytest.mark.parametrize(
    ("options", "generations", "tests"),
    [
        ("--estimator sweep --online --hidden 8 --generations 750 --eval-every 500", 3, 1),
        ("--estimator sweep --online --hidden 0 --generations 500 --eval-every 250", 2, 2),
        ("--pairs 4 --batch 8 --hidden 8 --lr 1 --generations 6 --eval-every 2", 6, 3),
    ],
)
def test_our_script_times_chunks_of_recordings_online(
    options: str,
    generations: int,
    tests: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("scipy", reason="the bench extra is not installed")
    from tools.peers import ours

    monkeypatch.setattr(ours, "load", lambda options, split: dataset(600, 3))
    monkeypatch.setattr("sys.argv", ["ours", *options.split(), "--stop-at", "101"])
    ours.main()
    line = json.loads(capsys.readouterr().out)
    assert line["generations_done"] == generations
    assert len(line["history"]) == tests
    assert ("member_evals_per_s" in line) == ("--pairs" in options)
    assert line["best_accuracy"] > 25  # more than a guess


def test_jax_int16_layer_counts_our_spikes() -> None:
    pytest.importorskip("jax", reason="the bench extra is not installed")
    pytest.importorskip("scipy", reason="the bench extra is not installed")
    import jax.numpy as jnp

    from tools.peers.jax_eggroll import lif

    spikes, net, counts = spikes_and_core()
    w = net.matrices[0].astype(np.int32)
    base = spikes.dense(np.arange(len(spikes)), np.int32) @ w[:-1] + w[-1]
    base = jnp.asarray(base.transpose(1, 2, 0), jnp.int16)
    none = jnp.zeros((0, *base.shape[::2]), jnp.int16), jnp.zeros((0, base.shape[1]), jnp.int16)
    found = np.asarray(lif(base, *none, jnp.int16(60))).T
    assert counts.sum() > 20
    assert np.array_equal(found, counts)


def test_torch_layers_count_nearly_our_spikes() -> None:
    """In float32 a membrane is not rounded down, so a count may differ by one now and then."""
    torch = pytest.importorskip("torch", reason="the bench extra is not installed")
    pytest.importorskip("snntorch", reason="the bench extra is not installed")
    pytest.importorskip("scipy", reason="the bench extra is not installed")
    from tools.peers.torch_eggroll import counts as members
    from tools.peers.torch_surrogate import Lif

    spikes, net, counts = spikes_and_core()
    w = net.matrices[0].astype(np.float32)
    base = torch.from_numpy(spikes.dense(np.arange(len(spikes))) @ w[:-1] + w[-1])
    layer = Lif.apply(base / 60, 0.5, 5.0).numpy()
    n, ticks = base.shape[:2]
    batched = members(base, torch.zeros(n, ticks, 1, 2), torch.ones(1, 2, 16), 60.0).numpy()
    assert np.array_equal(batched[:, 0], batched[:, 1])
    for found in (layer, batched[:, 0]):
        assert np.mean(found == counts) > 0.95
        assert np.abs(found - counts).max() <= 1
