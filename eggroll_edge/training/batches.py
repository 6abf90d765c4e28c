"""Which samples a generation sees: a function of seed and generation (runtime_c/DESIGN.md, 10)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eggroll_edge.core.arrays import U32
from eggroll_edge.core.config import NetConfig
from eggroll_edge.core.recordings import Recordings, epoch_order
from eggroll_edge.data.dataset import EventDataset, recordings_for
from eggroll_edge.training.config import TrainConfig


class RecordingOrder:
    """The order in which a run visits n samples, `batch` a generation."""

    def __init__(self, seed: int, n: int, batch: int) -> None:
        self.seed, self.n = seed, n
        self.batch = min(batch, n)
        self._per_epoch = n // self.batch
        self._epoch = -1
        self._order: U32 = np.zeros(0, np.uint32)

    def place(self, generation: int) -> tuple[int, int]:
        """(epoch, offset in its order) of a generation's first sample."""
        epoch, at = divmod(generation, self._per_epoch)
        return epoch, at * self.batch

    def indices(self, generation: int, generations: int = 1) -> U32:
        """The samples of some consecutive generations, in order."""
        parts = []
        while generations > 0:
            epoch, offset = self.place(generation)
            if epoch != self._epoch:
                self._order, self._epoch = epoch_order(self.seed, epoch, self.n), epoch
            now = min(generations, self._per_epoch - offset // self.batch)
            parts.append(self._order[offset : offset + now * self.batch])
            generation, generations = generation + now, generations - now
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class Batch:
    """The samples of a generation, or of a chunk of online generations."""

    samples: Recordings
    index: U32
    """Which of `samples`, in order."""
    epoch: int
    offset: int

    def __len__(self) -> int:
        return len(self.index)


class Batches:
    """Fetches the samples of generations. DataError if the dataset does not fit the net."""

    def __init__(self, dataset: EventDataset, net: NetConfig, seed: int, batch: int) -> None:
        self.order = RecordingOrder(seed, len(dataset), batch)
        self._samples = recordings_for(dataset, net)

    def get(self, generation: int, generations: int = 1) -> Batch:
        """The samples of generations [generation, generation + generations)."""
        epoch, offset = self.order.place(generation)
        return Batch(self._samples, self.order.indices(generation, generations), epoch, offset)


def batches_of(config: TrainConfig, net: NetConfig, data: EventDataset) -> Batches:
    """Where a run's samples come from."""
    return Batches(data, net, config.seed, config.batch)
