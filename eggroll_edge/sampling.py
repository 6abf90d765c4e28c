"""Which samples a generation sees: a function of seed and generation (runtime_c/SPEC.md, 10)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eggroll_edge.core import U32, Samples, epoch_order
from eggroll_edge.events import EventDataset
from eggroll_edge.netconfig import NetConfig


class IndexStream:
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

    samples: Samples
    index: U32
    """Which of `samples`, in order."""
    epoch: int
    offset: int

    def __len__(self) -> int:
        return len(self.index)


class Batches:
    """Fetches the samples of generations. DataError if the dataset does not fit the net."""

    def __init__(self, dataset: EventDataset, net: NetConfig, seed: int, batch: int) -> None:
        self.order = IndexStream(seed, len(dataset), batch)
        self._samples = Samples.of(dataset, net)

    def get(self, generation: int, generations: int = 1) -> Batch:
        """The samples of generations [generation, generation + generations)."""
        epoch, offset = self.order.place(generation)
        return Batch(self._samples, self.order.indices(generation, generations), epoch, offset)
