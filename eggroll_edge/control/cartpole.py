"""A pole on a cart: the control task of Barto, Sutton and Anderson, many copies at once.

Barto, Sutton, Anderson, "Neuronlike Adaptive Elements That Can Solve Difficult Learning Control
Problems", IEEE Transactions on Systems, Man, and Cybernetics 13(5), 1983: a cart is pushed left or
right, and must keep the pole on it upright. Without friction, Euler steps of 20 ms, in 500 steps
at most and one point for each: the version known as CartPole-v1.

The figures are those of additions, multiplications and divisions alone (sine and cosine are their
series), which are the same on every machine; so is an episode.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

STEPS = 500
"""Longest episode, and most points."""
ACTIONS = 2
"""0 pushes left, 1 right."""
STATE_RANGE = np.array([2.4, 3.0, 0.2095, 3.5])
"""What a policy is shown of (x m, dx/dt, angle rad, its rate): -SEEN..SEEN, and its ends beyond."""

_GRAVITY, _CART, _POLE, _HALF, _FORCE, _TAU = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
_FAR, _STEEP = 2.4, 12 * 2 * 3.141592653589793 / 360


def reset(seed: int, episodes: npt.ArrayLike) -> F64:
    """States [n, 4] at the start of episodes of these numbers: each within +-0.05 of rest."""
    rows = [
        np.random.Generator(np.random.Philox(key=np.array([seed, one], np.uint64))).random(4)
        for one in np.asarray(episodes)
    ]
    return 0.1 * np.array(rows).reshape(-1, 4) - 0.05


def _sine(angle: F64) -> F64:
    """To 1e-12 for |angle| < 0.5; an episode ends at 0.21."""
    s = angle * angle
    return angle * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72))))


def _cosine(angle: F64) -> F64:
    s = angle * angle
    return 1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90))))


def step(state: F64, action: npt.NDArray[np.integer]) -> F64:
    """The states after one step of each copy: [n, 4] and [n] to [n, 4]."""
    x, speed, angle, rate = state.T
    force = np.where(action == 1, _FORCE, -_FORCE)
    sine, cosine = _sine(angle), _cosine(angle)
    total = _CART + _POLE
    push = (force + _POLE * _HALF * rate * rate * sine) / total
    swing = (_GRAVITY * sine - cosine * push) / (
        _HALF * (4.0 / 3.0 - _POLE * cosine * cosine / total)
    )
    drive = push - _POLE * _HALF * swing * cosine / total
    return np.stack(
        (x + _TAU * speed, speed + _TAU * drive, angle + _TAU * rate, rate + _TAU * swing), axis=1
    )


def upright(state: F64) -> npt.NDArray[np.bool_]:
    """Which copies go on: cart within 2.4 m of the middle, pole within 12 degrees of upright."""
    return (np.abs(state[:, 0]) <= _FAR) & (np.abs(state[:, 2]) <= _STEEP)
