"""A pole on a cart: its physics, its events, and a policy that learns from reward."""

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
    x, speed, angle, angular = state
    g, m_c, m, half, tau = 9.8, 1.0, 0.1, 0.5, 0.02
    force = 10.0 if action else -10.0
    inner = (-force - m * half * angular**2 * math.sin(angle)) / (m_c + m)
    swing = (g * math.sin(angle) + math.cos(angle) * inner) / (
        half * (4 / 3 - m * math.cos(angle) ** 2 / (m_c + m))
    )
    drive = (force + m * half * (angular**2 * math.sin(angle) - swing * math.cos(angle))) / (
        m_c + m
    )
    return [x + tau * speed, speed + tau * drive, angle + tau * angular, angular + tau * swing]


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
    bins, ticks = 16, 8
    streams = encode(states, bins, ticks)
    for state, stream in zip(states, streams, strict=True):
        flat = stream.reshape(-1)
        check_stream(flat, ticks, 4 * bins)
        fired = np.array([tick.tolist() for tick in decode_stream(flat, ticks)])
        place = (fired - bins * np.arange(4)).mean(axis=0)  # the mean bin is the value
        wanted = np.clip((state / cartpole.STATE_RANGE + 1) / 2, 0, 1) * (bins - 1)
        np.testing.assert_allclose(place, wanted, atol=0.51 / ticks)


def test_each_member_plays_with_its_perturbation() -> None:
    config = replace(SHORT, pairs=40, hidden=(16, 8), sigma=30.0)
    net = Net(config.net())
    net.randomize(1, 24, 24)
    rollouts = Rollouts(config, net)
    rollouts.population.at(0, config.train_config().hyperparameters_at(0))
    streams = encode(cartpole.reset(1, np.arange(3)), config.bins_per_variable, config.ticks)[
        [0, 0, 0, 1, 0]
    ]
    pair = np.array([39, 39, 0, 39, 5], np.uint32)
    sign = np.array([1, -1, 0, 1, 0], np.int8)
    logits = rollouts.population.run_members(
        rollouts.workspace, streams, pair, sign, rollouts.active
    )
    assert (logits[0] != logits[1]).any()
    np.testing.assert_array_equal(logits[2], logits[4])  # unperturbed: the pair is nothing
    # Linear in the sign to first order: the two members lie on opposite sides of the net, or near.
    assert np.abs(logits[0] + logits[1] - 2 * logits[2]).max() < 2 * np.abs(logits).max()
    one = rollouts.population.run_members(
        rollouts.workspace, streams[3:4], pair[3:4], sign[3:4], rollouts.active
    )
    np.testing.assert_array_equal(one[0], logits[3])  # a member does not depend on the others
    marked = np.unpackbits(rollouts.active, bitorder="little")
    assert marked[: 4 * config.bins_per_variable].sum() >= 4
    assert marked[4 * config.bins_per_variable] == 1  # the bias


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
    broken[2] = replace(broken[2], fitness_bytes=bytes(8))
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
    ("change", "message"),
    [
        ({"bins_per_variable": 1}, "bins_per_variable"),
        ({"episodes": 0}, "episodes"),
        ({"pairs": 0}, "pairs"),
        ({"sigma": 1e6}, "sigma"),
    ],
)
def test_bad_configs(change: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(SHORT, **change)  # type: ignore[arg-type]
