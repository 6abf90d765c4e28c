"""Noticing, while a run trains, that its net cannot learn, and saying which setting to change.

Only numbers that the run has anyway are looked at, so no bit of it changes, and runs on devices are
watched like those on the host.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from eggroll_edge.core.net import Net
from eggroll_edge.journal.records import EvalResult, GenerationRecord
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.history import NOTHING, sum_counts

WINDOW_SHARE = 20
"""A window is this part of a run: at its end, perturbations have had time to wake a silent net."""
WINDOW_RECORDINGS = 250
"""Fewest recordings in a window; even a net of one neuron then has thousands of neuron-ticks."""
SILENT = 0.0001
"""Firing rate below which a layer is silent. Nets that learn fire in 0.5 to 20 % of their
neuron-ticks; below 0.01 %, 100 neurons with 10 ticks have one spike in ten recordings."""
BUSY = 0.9
"""Share of the highest possible firing rate above which spikes tell nothing about the input."""
SATURATED = 0.25
"""Share of weights at +127 or -127 above which too many steps are cut off. Nets that learn have 0
to 2 %, and with the largest learning rates that a config takes, 10 %."""
LEARNED = 0.99
"""Training accuracy above which it is no fault that weights stand still."""
FIRST_PART = 0.5
"""Part of a run in which weights should change: after it the learning rates are small."""
GOOD_PART = 0.75
"""Part of a run after which every class should have been answered: slow starters find some of
theirs after half of the run."""
CLASS_RECORDINGS = 5
"""Fewest recordings of a class, in an evaluation, from which "never answered" means something."""
SEEN_RECORDINGS = 200
"""Recordings that training must have seen for each class, before an answer can be expected: online
runs of 100 have only begun."""


class Diagnosis:
    """Watches a run and says each of its faults once, through `note`.

    derived: names of the settings that the run took from its data. For others, that is an advice.
    """

    def __init__(
        self,
        config: TrainConfig,
        net: Net,
        note: Callable[[str], None],
        derived: tuple[str, ...] = (),
    ) -> None:
        self._config, self._net, self._note, self._derived = config, net, note, derived
        self._said: set[str] = set()
        self._generations = 0
        self._counts = NOTHING
        self._weights = self._digests()

    def start(self) -> None:
        """Look at the sigmas and learning rates of the middle of the run."""
        config = self._config
        found = config.hyperparameters_at(config.generations // 2)
        integers = (*found.sigma, *(m for m, _ in found.rate))
        names = ("sigma", "sigma_readout", "lr", "lr_readout")
        for name, integer in zip(names[: None if self._has_matrix else 3], integers, strict=False):
            value = getattr(config, name)
            if value > 0 and integer == 0:
                self._say(name, f"{name} {value:g} rounds to 0 as an integer: raise {name}")

    def generation(self, record: GenerationRecord) -> None:
        """Look at a generation; at the end of a window, judge the window."""
        self._generations += record.generations
        self._counts = sum_counts((self._counts, record.counts))
        enough = self._generations * WINDOW_SHARE >= self._config.generations
        if enough and self._counts.recordings >= WINDOW_RECORDINGS:
            self._window(record.end)
            self._generations, self._counts = 0, NOTHING

    def evaluation(self, generation: int, recordings: int, result: EvalResult) -> None:
        """Look at an evaluation after so many generations, and recordings, of training.

        It is judged if a good part of the run is over: each layer, and the classes that were never
        answered.
        """
        if generation < GOOD_PART * self._config.generations or recordings < WINDOW_RECORDINGS:
            return
        for layer, rate in enumerate(result.firing_rate):
            self._firing(generation, rate, layer, result.samples)
        of_class, answers = result.confusion.sum(axis=1), result.confusion.sum(axis=0)
        missing = np.flatnonzero((of_class >= CLASS_RECORDINGS) & (answers == 0))
        seen = recordings >= SEEN_RECORDINGS * len(answers)
        if seen and len(missing) and not self._said & {"silent", "busy"}:
            config = self._config
            self._say(
                "classes",
                f"after generation {generation} of {config.generations}, the net never answers "
                f"{'class' if len(missing) == 1 else 'classes'} {', '.join(map(str, missing))} "
                f"({of_class[missing].sum()} of {result.samples} recordings). Lower lr "
                f"({config.lr:g}) and lr_readout ({config.lr_readout:g}) if the loss jumps; raise "
                f"them, pairs ({config.pairs}) or generations if it falls slowly",
            )

    def _window(self, generation: int) -> None:
        counts, net = self._counts, self._net.config
        if net.neurons:
            rate = counts.spikes / (counts.recordings * net.ticks * net.neurons)
            self._firing(generation, rate, None, counts.recordings)
        self._saturation(generation)
        before, self._weights = self._weights, self._digests()
        learned = counts.correct >= LEARNED * counts.recordings
        if generation <= FIRST_PART * self._config.generations and not learned:
            self._unchanged(generation, before)

    def _firing(self, generation: int, rate: float, layer: int | None, recordings: int) -> None:
        """Judge the firing rate of a LIF layer, or of all of them together (None)."""
        config = self._config
        what = "the net" if layer is None else f"LIF layer {layer + 1}"
        name = "deep_threshold" if layer else "threshold"
        seen = (
            f"up to generation {generation}, {what} spikes in {100 * rate:.3g} % of its "
            f"neuron-ticks ({recordings} recordings)"
        )
        if rate < SILENT:
            self._say(
                "silent",
                f"{seen}: it is silent and cannot learn. {self._advice(name, 'lower')}, for "
                f"example to a fourth, or raise init_std ({config.init_std}) or sigma "
                f"({config.sigma:g})",
            )
        elif rate > BUSY / (1 + config.refractory):
            self._say(
                "busy",
                f"{seen}, nearly all: its spikes tell nothing about the input. "
                f"{self._advice(name, 'raise')}, for example to four times as much, or lower "
                f"init_std ({config.init_std})",
            )

    def _advice(self, name: str, verb: str) -> str:
        """How to change a setting; first, to leave it to the data if the user has set it."""
        change = f"{verb} {name} ({getattr(self._config, name)})"
        if name in self._derived:
            return change.capitalize()
        return f"Leave {name} out, and it is derived from the data; or {change}"

    def _saturation(self, generation: int) -> None:
        weights, config = self._net.weights, self._config
        share = np.count_nonzero(np.abs(weights) == 127) / len(weights)
        if share > SATURATED:
            self._say(
                "saturated",
                f"after generation {generation}, {100 * share:.0f} % of the weights are at +127 or "
                f"-127, where they can grow no more. Lower lr ({config.lr:g}) and lr_readout "
                f"({config.lr_readout:g}), or init_std ({config.init_std}) together with threshold "
                f"({config.threshold})",
            )

    def _unchanged(self, generation: int, before: list[int]) -> None:
        """Report the LIF matrices or the readout matrix, if a learning rate moved no weight."""
        if "silent" in self._said:  # that is the cause
            return
        lif = len(before) - self._has_matrix
        for name, part in (("lr", slice(0, lif)), ("lr_readout", slice(lif, None))):
            value, sigma = getattr(self._config, name), name.replace("lr", "sigma")
            if value > 0 and before[part] and before[part] == self._weights[part]:
                self._say(
                    name,
                    f"in the {self._generations} generations up to {generation}, {name} {value:g} "
                    f"moved no weight: its steps round to nothing. Raise {name}, or {sigma} "
                    f"({getattr(self._config, sigma):g})",
                )

    @property
    def _has_matrix(self) -> bool:
        """Whether the last matrix is the readout's."""
        return self._config.readout == "integrate"

    def _digests(self) -> list[int]:
        return [zlib.crc32(matrix.tobytes()) for matrix in self._net.matrices]

    def _say(self, fault: str, text: str) -> None:
        if fault not in self._said:
            self._said.add(fault)
            self._note(text)
