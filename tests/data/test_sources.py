"""What is known of datasets before they are opened, and that a dataset is one file and one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eggroll_edge.data import sources
from eggroll_edge.data.binning import Binning, Events, bin_many
from eggroll_edge.data.cache import labelled
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.opening import Request, Sensor, Source, open_cached, per_split
from eggroll_edge.data.stream import decode_stream
from eggroll_edge.errors import ConfigError, DataError
from eggroll_edge.training.config import TrainConfig
from tools.lib.paths import DATA_PAGE
from tools.lib.tables import replace_section


def test_bad_arguments(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="split"):
        open_dataset(str(tmp_path), "validation")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="limit"):
        open_dataset(str(tmp_path), "train", limit=0)


def test_names_are_split_from_arguments() -> None:
    for spec, parts in {
        "digits": ("digits", ""),
        "chirps:noise=9": ("chirps", "noise=9"),
        "idx:a/b:c": ("idx", "a/b:c"),
        "some/folder": ("", "some/folder"),
        "C:/folder": ("", "C:/folder"),
    }.items():
        assert sources.split_spec(spec) == parts


def test_a_misspelt_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'Chirp': no such folder \(did you mean chirps\?\); use "):
        sources.check_spec("Chirp")
    with pytest.raises(ConfigError, match="'nois' is unknown"):
        sources.check_spec("chirps:nois=3")
    sources.check_spec(str(tmp_path))
    sources.check_spec("some/folder/that/is/not/there")  # opening it says what is missing


def test_sensors() -> None:
    assert sources.sensor_of("digits") is None
    assert sources.sensor_of("chirps:channels=32") == Sensor(16, 1, 32, 600_000, polarities=1)
    gesture = sources.adapt_binning("dvsgesture", Binning(ticks=9, polarity="on"))
    assert gesture == Binning(9, 1_500_000, 32, 32, polarity="on")
    assert sources.adapt_binning("shd", Binning()).polarity == "merged"
    for asked in (Binning(stabilize=True), Binning(first_saccade_only=True)):
        assert sources.adapt_binning("nmnist", asked) == asked
        with pytest.raises(ConfigError, match="shd has no saccades"):
            sources.adapt_binning("shd", asked)


def test_the_list_is_cheap_to_import() -> None:
    code = (
        "import sys, eggroll_edge.data.sources;"
        "print(sorted({'sklearn', 'tonic', 'scipy', 'h5py', 'matplotlib'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_the_reference_page_has_the_table_of_all_datasets() -> None:
    """python -m tools.generate.settings --write"""
    page = DATA_PAGE.read_text()
    assert replace_section(page, "datasets", sources.markdown_table()) == page


# ---- a dataset is one file and one line ----------------------------------------------------------


def _open_blinks(request: Request) -> EventDataset:
    """Recording i is one event: pixel i of 3, at time 0."""
    chosen = request.chosen({"train": 3, "test": 2}[request.split])
    ids = np.arange(chosen.start, chosen.stop)
    nothing = np.zeros(len(ids), np.uint8)
    events = Events(ids.astype(np.uint16), nothing, nothing.astype(np.int32), nothing)
    parts = [bin_many(events, np.arange(len(ids) + 1), request.binning)]
    key = {"blinks": request.argument, "split": request.split, "first": chosen.start}
    chunks = labelled(parts, ids.astype(np.uint8))
    return open_cached(request, "blinks", key, ids, n_classes=3, chunks=chunks)


BLINKS = Source(
    name="blinks", usage="blinks", note="three lights", about="Three lights", needs="nothing",
    open=per_split(_open_blinks), sensor=lambda argument: Sensor(3, 1, 3, 1000, polarities=1),
)  # fmt: skip


def test_one_line_adds_a_dataset(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="no such folder"):
        open_dataset("blinks", "train")
    monkeypatch.setattr(sources, "SOURCES", (*sources.SOURCES, BLINKS))

    train = open_dataset("blinks", "train", Binning(ticks=2))
    assert (len(train), train.n_in, train.n_classes, train.name) == (3, 3, 3, "blinks-train")
    assert [[t.tolist() for t in decode_stream(train[i], 2)] for i in range(3)] == [
        [[0], []], [[1], []], [[2], []]
    ]  # fmt: skip
    assert open_dataset("blinks", "train", Binning(ticks=2)).digest == train.digest
    assert len(list(cache_folder.iterdir())) == 1
    both = open_dataset("blinks", "all", Binning(ticks=2), skip_first=1, limit=3)
    assert both.labels.tolist() == [1, 2, 0]
    with pytest.raises(DataError, match="blinks: skip_first 3 leaves nothing of 3 recordings"):
        open_dataset("blinks", "train", skip_first=3)

    sources.check_spec("blinks")
    assert sources.split_spec("blinks:x") == ("blinks", "x")
    with pytest.raises(DataError, match=r"did you mean blinks\?\); use .*, blinks or a folder"):
        sources.check_spec("blink")
    assert "blinks (three lights)" in sources.help_text()
    assert "| `blinks` | Three lights | nothing |" in sources.markdown_table()
    assert TrainConfig(data="blinks").binning().n_in == 3
