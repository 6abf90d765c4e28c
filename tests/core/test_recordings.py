"""The order in which a run visits its recordings."""

from __future__ import annotations

import numpy as np
import pytest

from eggroll_edge.core.recordings import epoch_order
from eggroll_edge.training.batches import RecordingOrder
from tests import reference


@pytest.mark.parametrize("seed", [0, 1, 123_456_789, 2**32 - 1])
@pytest.mark.parametrize("epoch", [0, 1, 70_000])
def test_epoch_order_is_the_models(seed: int, epoch: int) -> None:
    for n in (1, 2, 3, 64, 1000):
        order = epoch_order(seed, epoch, n)
        assert order.dtype == np.uint32
        assert order.tolist() == reference.epoch_order(seed, epoch, n)


def test_epoch_order_of_a_whole_dataset() -> None:
    key = reference.key(3, 0, 0, 0, reference.Noise.SHUFFLE, 0)
    keys = [reference.word(key, i) for i in range(60_000)]
    assert len(set(keys)) == 60_000
    assert epoch_order(3, 0, 60_000).tolist() == sorted(range(60_000), key=keys.__getitem__)


def test_an_epoch_without_recordings_is_empty() -> None:
    assert epoch_order(1, 0, 0).tolist() == []


def test_generations_share_out_each_epoch() -> None:
    order = RecordingOrder(seed=4, n=10, batch=3)
    seen = [order.indices(g).tolist() for g in range(6)]
    assert len({i for part in seen[:3] for i in part}) == 9  # an epoch repeats nothing
    assert seen[:3] != seen[3:]
    assert order.place(4) == (1, 3)
    assert order.indices(1, 4).tolist() == [i for part in seen[1:5] for i in part]
    assert RecordingOrder(4, 10, 64).batch == 10
