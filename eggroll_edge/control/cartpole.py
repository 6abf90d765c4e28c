"""A pole on a cart: a control task, for many copies at once.

Barto, Sutton, Anderson, "Neuronlike Adaptive Elements That Can Solve Difficult Learning Control
Problems", IEEE Transactions on Systems, Man, and Cybernetics 13(5), 1983. A cart is pushed to the
left or to the right and must keep the pole on it upright. This is the version known as CartPole-v1:
no friction, Euler steps of 20 ms, at most 500 steps in an episode, and a reward of 1 for each.

An episode is the same on every machine: the code uses only additions, subtractions, multiplications
and divisions of doubles, whose results are standardized. Sine and cosine are sums of series.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

STEPS = 500
"""Time steps of the longest episode, and therefore the largest reward."""
ACTIONS = 2
"""Action 0 pushes to the left, 1 to the right."""
STATE_RANGE = np.array([2.4, 3.0, 0.2095, 3.5])
"""Limits of what a policy sees: values beyond +-STATE_RANGE appear as the limit. The variables are
position (m), velocity (m/s), angle of the pole (rad), angular velocity (rad/s)."""

_GRAVITY, _FORCE = 9.8, 10.0  # m/s^2, N
_CART_MASS, _POLE_MASS, _HALF_LENGTH = 1.0, 0.1, 0.5  # kg, kg, m
_STEP_S = 0.02
_MAX_POSITION, _MAX_ANGLE = 2.4, 12 * 2 * 3.141592653589793 / 360  # m, rad


def reset(seed: int, episodes: npt.ArrayLike) -> F64:
    """States [n, 4] at the start of n episodes, given by number; values are within +-0.05."""
    rows = [
        np.random.Generator(np.random.Philox(key=np.array([seed, one], np.uint64))).random(4)
        for one in np.asarray(episodes)
    ]
    return 0.1 * np.array(rows).reshape(-1, 4) - 0.05


def _sine(angle: F64) -> F64:
    """Exact to 1e-12 for |angle| < 0.5; an episode ends at 0.21."""
    s = angle * angle
    return angle * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72))))


def _cosine(angle: F64) -> F64:
    s = angle * angle
    return 1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90))))


def step(state: F64, action: npt.NDArray[np.integer]) -> F64:
    """The states [n, 4] one time step after `state` [n, 4], when copy i takes `action` [i]."""
    x, velocity, angle, angular = state.T
    force = np.where(action == 1, _FORCE, -_FORCE)
    sine, cosine = _sine(angle), _cosine(angle)
    total = _CART_MASS + _POLE_MASS
    push = (force + _POLE_MASS * _HALF_LENGTH * angular * angular * sine) / total
    angular_change = (_GRAVITY * sine - cosine * push) / (
        _HALF_LENGTH * (4.0 / 3.0 - _POLE_MASS * cosine * cosine / total)
    )
    change = push - _POLE_MASS * _HALF_LENGTH * angular_change * cosine / total
    return np.stack(
        (
            x + _STEP_S * velocity,
            velocity + _STEP_S * change,
            angle + _STEP_S * angular,
            angular + _STEP_S * angular_change,
        ),
        axis=1,
    )


def upright(state: F64) -> npt.NDArray[np.bool_]:
    """[n]: whether the cart is within 2.4 m of the middle and the pole within 12 degrees."""
    return (np.abs(state[:, 0]) <= _MAX_POSITION) & (np.abs(state[:, 2]) <= _MAX_ANGLE)
