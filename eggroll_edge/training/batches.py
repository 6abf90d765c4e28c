"""The recordings of a generation: a function of seed and generation (SPEC.md, section 10)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eggroll_edge.core.arrays import U32
from eggroll_edge.core.config import NetConfig
from eggroll_edge.core.recordings import Recordings, epoch_order
from eggroll_edge.data.dataset import EventDataset, recordings_for


class RecordingOrder:
    """The order in which a run visits n recordings, `batch` of them in each generation.

    Each epoch has a different order, and leaves out the last n modulo `batch` recordings of it.
    """

    def __init__(self, seed: int, n: int, batch: int) -> None:
        self.seed, self.n = seed, n
        self.batch = min(batch, n)
        """Recordings of a generation, at most n."""
        self._per_epoch = n // self.batch
        self._epoch = -1
        self._order: U32 = np.zeros(0, np.uint32)

    def place(self, generation: int) -> tuple[int, int]:
        """(epoch, position in the epoch's order) of the first recording of a generation."""
        epoch, at = divmod(generation, self._per_epoch)
        return epoch, at * self.batch

    def indices(self, generation: int, generations: int = 1) -> U32:
        """The recordings of some consecutive generations: uint32 [generations * batch]."""
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
class MiniBatch:
    """The recordings of a generation, or of a chunk of `online` generations."""

    recordings: Recordings
    """All recordings of the dataset."""
    index: U32
    """[len(batch)]: indices of this mini-batch's recordings, in the order of their visit."""
    epoch: int
    offset: int
    """Position of index[0] in the order of the epoch."""

    def __len__(self) -> int:
        return len(self.index)


class MiniBatches:
    """Gives each generation its mini-batch of a dataset.

    batch: recordings in a generation. DataError if the dataset does not fit the net.
    """

    def __init__(self, dataset: EventDataset, net: NetConfig, seed: int, batch: int) -> None:
        self.order = RecordingOrder(seed, len(dataset), batch)
        self._recordings = recordings_for(dataset, net)

    def get(self, generation: int, generations: int = 1) -> MiniBatch:
        """The recordings of generations [generation, generation + generations)."""
        epoch, offset = self.order.place(generation)
        return MiniBatch(
            self._recordings, self.order.indices(generation, generations), epoch, offset
        )
