"""A pole on a cart: its physics, its events, and that a policy learns from reward."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from eggroll_edge.control import cartpole
from eggroll_edge.control.train import (
    ControlConfig,
    Rollouts,
    Update,
    encode,
    evaluate_control,
    replay_control,
    train_control,
)
from eggroll_edge.core.net import Net
from eggroll_edge.data.stream import check_stream, decode_stream
from eggroll_edge.errors import ConfigError, JournalError

SHORT = ControlConfig(pairs=8, episodes=2, generations=6, check_every=3, hidden=(16,))


def oracle(state: list[float], action: int) -> list[float]:
    """One step by the published equations, with the library's sine: Barto et al. 1983, appendix."""
    x, speed, angle, rate = state
    g, m_c, m, half, tau = 9.8, 1.0, 0.1, 0.5, 0.02
    force = 10.0 if action else -10.0
    inner = (-force - m * half * rate**2 * math.sin(angle)) / (m_c + m)
    swing = (g * math.sin(angle) + math.cos(angle) * inner) / (
        half * (4 / 3 - m * math.cos(angle) ** 2 / (m_c + m))
    )
    drive = (force + m * half * (rate**2 * math.sin(angle) - swing * math.cos(angle))) / (m_c + m)
    return [x + tau * speed, speed + tau * drive, angle + tau * rate, rate + tau * swing]


def test_physics_is_the_published_one() -> None:
    rng = np.random.default_rng(0)
    states = rng.uniform(-1, 1, (500, 4)) * [2.4, 3, 0.3, 4]
    actions = rng.integers(0, 2, 500)
    got = cartpole.step(states, actions)
    for k in range(500):
        np.testing.assert_allclose(got[k], oracle(states[k].tolist(), int(actions[k])), atol=1e-11)


def test_starts_and_limits() -> None:
    starts = cartpole.reset(3, [0, 1, 1 << 41])
    assert np.abs(starts).max() <= 0.05
    assert len(np.unique(starts)) == 12
    np.testing.assert_array_equal(cartpole.reset(3, [1])[0], starts[1])
    edge = np.array([[2.41, 0, 0, 0], [2.39, 0, 0, 0], [0, 0, 0.21, 0], [0, 0, -0.209, 9]])
    assert cartpole.upright(edge).tolist() == [False, True, False, True]


def test_states_as_events() -> None:
    rng = np.random.default_rng(1)
    states = rng.uniform(-1.2, 1.2, (50, 4)) * cartpole.STATE_RANGE
    cells, ticks = 16, 8
    streams = encode(states, cells, ticks)
    for state, stream in zip(states, streams, strict=True):
        flat = stream.reshape(-1)
        check_stream(flat, ticks, 4 * cells)
        fired = np.array([tick.tolist() for tick in decode_stream(flat, ticks)])
        place = (fired - cells * np.arange(4)).mean(axis=0)  # the mean cell is the value
        wanted = np.clip((state / cartpole.STATE_RANGE + 1) / 2, 0, 1) * (cells - 1)
        np.testing.assert_allclose(place, wanted, atol=0.51 / ticks)


def test_members_play_with_their_own_perturbation() -> None:
    config = replace(SHORT, pairs=40, hidden=(16, 8), sigma=30.0)
    net = Net(config.net())
    net.randomize(1, 24, 24)
    players = Rollouts(config, net)
    players.population.at(0, config.history().steps_at(0))
    streams = encode(cartpole.reset(1, np.arange(3)), config.cells, config.ticks)[[0, 0, 0, 1, 0]]
    pair = np.array([39, 39, 0, 39, 5], np.uint32)
    sign = np.array([1, -1, 0, 1, 0], np.int8)
    logits = players.population.run_members(players.workspace, streams, pair, sign, players.active)
    assert (logits[0] != logits[1]).any()
    np.testing.assert_array_equal(logits[2], logits[4])  # unperturbed: the pair is nothing
    # linear in the sign to first order: the two members lie on the two sides of the net, or near
    assert np.abs(logits[0] + logits[1] - 2 * logits[2]).max() < 2 * np.abs(logits).max()
    one = players.population.run_members(
        players.workspace, streams[3:4], pair[3:4], sign[3:4], players.active
    )
    np.testing.assert_array_equal(one[0], logits[3])  # members do not depend on their company
    marked = np.unpackbits(players.active, bitorder="little")
    assert marked[: 4 * config.cells].sum() >= 4
    assert marked[4 * config.cells] == 1  # the bias


def test_a_short_run_learns_repeats_and_replays() -> None:
    result = train_control(SHORT)
    again = train_control(SHORT)
    assert result.updates == again.updates
    assert result.net.digest == again.net.digest
    assert train_control(replace(SHORT, seed=2)).net.digest != result.net.digest
    assert result.episodes == 6 * 8 * 2 * 2
    rebuilt = replay_control(SHORT, result.updates)
    assert rebuilt.weights.tobytes() == result.net.weights.tobytes()
    broken: list[Update] = [*result.updates]
    broken[2] = replace(broken[2], f=bytes(8))
    with pytest.raises(JournalError, match="generation 2"):
        replay_control(SHORT, broken)


def test_reward_alone_teaches_to_balance() -> None:
    config = ControlConfig(pairs=16, episodes=2, generations=30)
    untrained = Net(config.net())
    untrained.randomize(config.seed, config.init_std, config.readout_std)
    before = np.mean(evaluate_control(config, untrained, 20))
    after = np.mean(evaluate_control(config, train_control(config).net, 20))
    assert before < 60
    assert after > 150  # of 500; the default settings reach 500


@pytest.mark.parametrize(
    ("change", "message"), [({"cells": 1}, "cells"), ({"episodes": 0}, "episodes"),
                            ({"pairs": 0}, "pairs"), ({"sigma": 1e6}, "sigma")]
)  # fmt: skip
def test_bad_configs(change: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(SHORT, **change)  # type: ignore[arg-type]
