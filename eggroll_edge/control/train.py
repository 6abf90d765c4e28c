"""Reward instead of labels: a spiking policy that learns to act, with the same core and bytes.

Evolution Strategies need one number for each member. In classification that is a cross-entropy;
here it is the reward of episodes. All members of a generation play episodes from the same starts.
The fitness difference of pair p, reward(p, +) - reward(p, -), goes through the fitness shaping and
the update of the core, so a generation is again one byte for each pair (runtime_c/SPEC.md,
sections 7.1, 8 and 9).

A state becomes events: each of its variables has `bins_per_variable` inputs along its range. In
each tick one of the two inputs nearest to the value fires, the nearer one in proportionally more
ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.control import cartpole
from eggroll_edge.core.arrays import I8, I32, U8
from eggroll_edge.core.config import Hyperparameters, NetConfig
from eggroll_edge.core.net import Net, active_bytes
from eggroll_edge.core.population import Population, shape_fitness
from eggroll_edge.core.workspace import Workspace
from eggroll_edge.errors import ConfigError, JournalError
from eggroll_edge.training.config import TrainConfig

VALIDATION, EVALUATION = 1 << 40, 1 << 41
"""Numbers of the first validation and evaluation episode; training episodes count from 0."""
CHECK_EPISODES = 50
"""Validation episodes of a check."""
SOLVED = 475
"""The mean reward from which the task counts as solved."""


@dataclass(frozen=True, kw_only=True)
class ControlConfig:
    """Configuration of a run that learns from reward: policy, population and schedule.

    Fields without a description are those of TrainConfig and have the same units.

    Raises:
        ConfigError: A value is out of range.
    """

    hidden: tuple[int | str, ...] = (32,)
    ticks: int = 8
    """Ticks in which the policy decides on one action, 1..32."""
    bins_per_variable: int = 16
    """Inputs for each variable of the state, 2..254."""
    threshold: int = 160
    leak_shift: int = 2
    gain: int = 6
    init_std: int = 24
    readout_std: int = 16
    pairs: int = 32
    """Antithetic pairs, 1..8192."""
    episodes: int = 4
    """Episodes that each member plays in a generation, 1..64."""
    generations: int = 200
    """Largest number of generations. The run ends sooner if a check reaches `solved`."""
    sigma: float = 8.0
    sigma_readout: float = 8.0
    lr: float = 2.0
    lr_readout: float = 2.0
    seed: int = 1
    check_every: int = 10
    """Generations between checks of the unperturbed policy on 50 validation episodes, 1 or more."""
    solved: float = 499.0
    """Mean reward of a check that ends the run."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("bins_per_variable", 2, 254), ("episodes", 1, 64), ("check_every", 1, 2**31)
        ):  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"control: {name} is {value!r}: use an integer {low}..{high}")
        self.train_config()

    def train_config(self) -> TrainConfig:
        """The settings of net, estimator and hyperparameters as a TrainConfig."""
        return TrainConfig(
            estimator="batch", hidden=self.hidden, ticks=self.ticks, threshold=self.threshold,
            leak_shift=self.leak_shift, gain=self.gain, init_std=self.init_std,
            deep_threshold=max(1, self.threshold // 5), readout_std=self.readout_std,
            pairs=self.pairs, batch=1, sigma=self.sigma,
            sigma_readout=self.sigma_readout, lr=self.lr, lr_readout=self.lr_readout,
            generations=self.generations, seed=self.seed, penalty_bits=0.0,
        )  # fmt: skip

    def net(self) -> NetConfig:
        """The topology of the policy."""
        inputs = self.bins_per_variable * len(cartpole.STATE_RANGE)
        return self.train_config().net_config(inputs, cartpole.ACTIONS)


@dataclass(frozen=True)
class Update:
    """The record of one generation, from which its change of the weights can be repeated."""

    generation: int
    """Number of the generation, from 0."""
    hyperparameters: Hyperparameters
    """Sigmas and learning rates, in the units of the core."""
    fitness_bytes: bytes
    """int8 [pairs]."""
    active: bytes
    """Bit map of the inputs that fired."""
    digest: int
    """CRC-32 of the weights after the generation."""
    reward: float
    """Mean reward over all members and episodes."""


@dataclass
class ControlResult:
    """The result of a run that learned from reward."""

    net: Net
    """The policy."""
    updates: list[Update] = field(default_factory=list)
    """The records of all generations, in order."""
    checks: list[tuple[int, float]] = field(default_factory=list)
    """(generations done, mean reward of the unperturbed policy in 50 validation episodes)."""
    episodes: int = 0
    """Episodes that members played, in all generations."""

    @property
    def solved(self) -> bool:
        """Whether the mean reward of the last check is at least SOLVED."""
        return len(self.checks) > 0 and self.checks[-1][1] >= SOLVED


def encode(state: npt.NDArray[np.float64], bins_per_variable: int, ticks: int) -> U8:
    """The streams of n states.

    state: float64 [n, d]. Returns uint8 [n, ticks, d + 1]: the bytes of a tick are its d events and
    its end.
    """
    share = (state / cartpole.STATE_RANGE + 1) / 2
    levels = (bins_per_variable - 1) * ticks
    level = np.clip(np.floor(share * levels + 0.5), 0, levels).astype(np.int64)
    bins = level[:, None, :] // ticks + (
        np.arange(ticks)[None, :, None] < level[:, None, :] % ticks
    )
    index = bins + bins_per_variable * np.arange(state.shape[1])
    stream = np.zeros((*index.shape[:2], index.shape[2] + 1), np.uint8)
    stream[:, :, :-1] = np.diff(index, axis=2, prepend=-1)
    return stream


class Rollouts:
    """Plays episodes of the members of a population, many at once."""

    def __init__(self, config: ControlConfig, net: Net) -> None:
        es = config.train_config().es_config()
        self.config, self.net = config, net
        self.population = Population(net, es, config.seed)
        self.workspace = Workspace(net.config, es)
        self.active: U8 = np.zeros(active_bytes(net.config), np.uint8)
        """Bit map of the inputs that fired in any episode, until the caller sets it to 0."""

    def rollout(
        self, pair: npt.NDArray[Any], sign: npt.NDArray[Any], episode: npt.NDArray[Any]
    ) -> npt.NDArray[np.int32]:
        """Rewards [n] of n members, each in one episode.

        Member (pair[i], sign[i]) plays the episode with the number episode[i]; sign 0 is the
        unperturbed net.
        """
        state = cartpole.reset(self.config.seed, np.unique(episode))
        state = state[np.unique(episode, return_inverse=True)[1]]
        pair, sign = pair.astype(np.uint32), sign.astype(np.int8)
        reward: I32 = np.zeros(len(pair), np.int32)
        alive = np.arange(len(pair))
        for _ in range(cartpole.STEPS):
            streams = encode(state, self.config.bins_per_variable, self.config.ticks)
            logits = self.population.run_members(
                self.workspace, streams, pair[alive], sign[alive], self.active
            )
            state = cartpole.step(state, logits.argmax(axis=1))
            reward[alive] += 1
            up = cartpole.upright(state)
            state, alive = state[up], alive[up]
            if len(alive) == 0:
                break
        return reward

    def check(self, first: int, episodes: int) -> npt.NDArray[np.int32]:
        """Rewards of the unperturbed net in `episodes` episodes, from number `first` on."""
        unperturbed = np.zeros(episodes)
        return self.rollout(unperturbed, unperturbed, first + np.arange(episodes))


def train_control(
    config: ControlConfig, on_generation: Callable[[Update], None] | None = None
) -> ControlResult:
    """Learn to balance a pole on a cart. The result depends on `config` alone.

    Args:
        config: Policy, population and schedule.
        on_generation: Called with its record after each generation.

    Returns:
        The policy, the records of all generations, and the checks.
    """
    train_config = config.train_config()
    net = _initial_net(config)
    rollouts, result = Rollouts(config, net), ControlResult(net)
    members = np.repeat(np.arange(2 * config.pairs), config.episodes)
    fitness_bytes: I8 = np.zeros(config.pairs, np.int8)
    for generation in range(config.generations):
        hyperparameters = train_config.hyperparameters_at(generation)
        rollouts.population.at(generation, hyperparameters)
        rollouts.active.fill(0)
        starts = generation * config.episodes + np.arange(config.episodes)
        reward = rollouts.rollout(
            members // 2, 1 - 2 * (members % 2), np.tile(starts, 2 * config.pairs)
        )
        total = reward.reshape(config.pairs, 2, config.episodes).sum(axis=2, dtype=np.int32)
        shape_fitness(np.ascontiguousarray(total[:, 0] - total[:, 1]), fitness_bytes)
        active = rollouts.active.copy()
        rollouts.population.update_batch(rollouts.workspace, fitness_bytes, active)
        update = Update(
            generation, hyperparameters, fitness_bytes.tobytes(), active.tobytes(), net.digest,
            float(reward.mean()),
        )  # fmt: skip
        result.updates.append(update)
        result.episodes += len(members)
        if on_generation is not None:
            on_generation(update)
        if (generation + 1) % config.check_every == 0:
            mean = float(rollouts.check(VALIDATION, CHECK_EPISODES).mean())
            result.checks.append((generation + 1, mean))
            if mean >= config.solved:
                break
    return result


def evaluate_control(config: ControlConfig, net: Net, episodes: int = 100) -> list[int]:
    """Measure a policy in episodes that neither training nor its checks have seen.

    Args:
        config: The configuration of the run that made the policy.
        net: The policy.
        episodes: Number of episodes.

    Returns:
        The reward of each episode, 1..500.
    """
    return [int(one) for one in Rollouts(config, net).check(EVALUATION, episodes)]


def replay_control(config: ControlConfig, updates: Sequence[Update]) -> Net:
    """Rebuild a policy from the records of its generations; no episode is played.

    Args:
        config: The configuration of the run.
        updates: The records of its generations, in order.

    Returns:
        The policy after these generations.

    Raises:
        JournalError: The digest of the weights differs after a generation.
    """
    net = _initial_net(config)
    rollouts = Rollouts(config, net)
    for update in updates:
        rollouts.population.at(update.generation, update.hyperparameters)
        rollouts.population.update_batch(
            rollouts.workspace,
            np.frombuffer(update.fitness_bytes, np.int8),
            np.frombuffer(update.active, np.uint8),
        )
        if net.digest != update.digest:
            raise JournalError(
                f"generation {update.generation}: the weights have the digest {net.digest:08x}, "
                f"not {update.digest:08x}: these bytes are of another run; use this run's config"
            )
    return net


def _initial_net(config: ControlConfig) -> Net:
    net = Net(config.net())
    net.randomize(config.seed, config.init_std, config.readout_std)
    return net
