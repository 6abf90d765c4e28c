"""Converts sigma and learning rates from the units of TrainConfig to the integers of the core.

The journal logs the integers, so a replay needs no floating-point arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from eggroll_edge._core import lib
from eggroll_edge.core.config import (
    WITH_CREDIT,
    WITHOUT_PAIRS,
    EstimatorName,
    Hyperparameters,
    LearningRate,
)
from eggroll_edge.errors import ConfigError

BIT = 4096
"""Fixed-point units in a bit of fitness, and in one weight unit of an update."""

_SIGMA_UNIT = 256  # fixed-point units in a weight unit of sigma (estimators batch and full)
_TYPICAL_FITNESS = 32  # mean size of a fitness byte
_MANTISSA_MAX = 127
_EXPONENT_MAX = 30


@dataclass(frozen=True)
class Units:
    """The settings on which the units of sigma and lr depend.

    Two values in a tuple are (LIF matrices, readout matrix).
    """

    estimator: EstimatorName
    pairs: int
    batch: int
    """Recordings of a generation."""
    rank: int
    leak_shift: int

    def hyperparameters(
        self,
        sigma: tuple[float, float],
        lr: tuple[float, float],
        sigma_share: float = 1.0,
        lr_share: float = 1.0,
    ) -> Hyperparameters:
        """The core's integers for shares of sigma and lr, 0..1. ConfigError if lr is too large."""
        if self.estimator in WITH_CREDIT:
            sigmas = round(sigma[0] * sigma_share), round(BIT * sigma[1] * sigma_share)
        else:
            sigmas = (
                self._weight_sigma(sigma[0] * sigma_share),
                self._weight_sigma(sigma[1] * sigma_share),
            )
        scale, least = self._lr_scale()
        scale *= lr_share
        return Hyperparameters(
            sigmas, (learning_rate(lr[0] * scale, least), learning_rate(lr[1] * scale, least))
        )

    def check_lr(self, name: str, lr: float) -> None:
        """ConfigError if the core has no integers for this learning rate."""
        scale, least = self._lr_scale()
        most = _MANTISSA_MAX / 2**least / scale
        if lr > most:
            pairs = "" if self.estimator in WITHOUT_PAIRS else f"{self.pairs} pairs and "
            raise ConfigError(
                f"{name} is {lr:g}: use at most {_floor3(most)} with {pairs}{self.batch} "
                "recordings a generation"
            )
        if 0 < lr * scale < 2.0**-_EXPONENT_MAX:
            raise ConfigError(
                f"{name} is {lr:g}: use at least {2.0**-29 / scale:.2g}, or 0 to freeze weights"
            )

    def check_sigmas(self, names: tuple[str, str], sigma: tuple[float, float]) -> None:
        """ConfigError if a perturbation would leave the core's integers."""
        found = self.hyperparameters(sigma, (0.0, 0.0)).sigma
        for name, value, got, most in zip(names, sigma, found, self._most_sigma(), strict=True):
            if got > most:
                raise ConfigError(
                    f"{name} is {value:g}: use at most {_floor3(value * most / got)} with "
                    f"estimator {self.estimator} and leak_shift {self.leak_shift}"
                )

    def _most_sigma(self) -> tuple[int, int]:
        if self.estimator in ("sample", "sweep"):
            return most_sigma(self.leak_shift), lib.EGG_SIGMA_MAX
        if self.estimator == "full":
            return lib.EGG_SIGMA_FULL_MAX, lib.EGG_SIGMA_FULL_READOUT_MAX
        return lib.EGG_SIGMA_MAX, lib.EGG_SIGMA_MAX

    def _weight_sigma(self, sigma: float) -> int:
        """The core's sigma for one in weight units: the core multiplies it by noise of a known
        size."""
        if self.estimator == "full":
            return round(_SIGMA_UNIT * sigma / math.sqrt(2))
        return int(lib.egg_sigma_of_rank(min(round(_SIGMA_UNIT * sigma), 65535), self.rank))

    def _lr_scale(self) -> tuple[float, int]:
        """(factor from lr to the core's value, the least exponent n that the core takes)."""
        if self.estimator == "sample":
            return 1 / (self.pairs * self.batch), 4
        if self.estimator in WITHOUT_PAIRS:
            return 1 / self.batch, 0
        # Typical size of the sum of `pairs` fitness bytes, each times noise of this variance.
        variance = self.rank if self.estimator == "batch" else 2
        return BIT / (_TYPICAL_FITNESS * math.sqrt(self.pairs * variance)), 0


def most_sigma(leak_shift: int) -> int:
    """The largest perturbation of a current: a fourth of the range of currents."""
    return ((32767 >> leak_shift) - 1) // 4


def most_current(leak_shift: int) -> int:
    """The largest current of unperturbed weights; the core limits larger ones to it."""
    return (32767 >> leak_shift) - 1 - most_sigma(leak_shift)


def learning_rate(value: float, least: int = 0) -> LearningRate:
    """The (m, n) for which m * 2^-n is nearest to `value`; 0 <= m <= 127 and least <= n <= 30.

    m uses all of its 7 bits unless n would leave its range. ConfigError if `value` is too large. A
    value below 2^-31 becomes 0.
    """
    n = _EXPONENT_MAX
    while n > least and value * 2.0**n > _MANTISSA_MAX + 0.5:
        n -= 1
    m = round(value * 2.0**n)
    if m > _MANTISSA_MAX:
        raise ConfigError(f"learning rate {value:g}: use at most {_MANTISSA_MAX / 2**least:g}")
    return m, n


def _floor3(x: float) -> str:
    """A positive number rounded down to three digits, so that a limit shown to users is allowed."""
    unit = 10.0 ** (math.floor(math.log10(x)) - 2)
    return f"{math.floor(x / unit) * unit:.3g}"
