"""Reward instead of labels: a spiking policy that learns to act, by the same core and bytes.

Evolution Strategies need one number a member. In classification that is a cross-entropy; here it is
the reward of episodes. Each member p, sign plays episodes of its own, from the same starts as all
others; D_p = reward(p, +) - reward(p, -) goes through the core's shaping and update, so a
generation is again `pairs` bytes (runtime_c/SPEC.md, sections 7.1, 8 and 9).

A state becomes events: each variable has `cells` inputs along its range, and in each tick one of
the two nearest fires; the nearer one in more ticks, in proportion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge import cartpole, core
from eggroll_edge.config import TrainConfig
from eggroll_edge.core import I8, I32, U8, Net, Population, Steps, Workspace
from eggroll_edge.errors import ConfigError, JournalError
from eggroll_edge.netconfig import NetConfig

VALIDATION, EVALUATION = 1 << 40, 1 << 41
"""Numbers of the first episodes of these; training's count from 0."""


@dataclass(frozen=True, kw_only=True)
class ControlConfig:
    """A run: policy, population and course. Weight units as in TrainConfig."""

    hidden: tuple[int, ...] = (32,)
    ticks: int = 8
    """Ticks a decision, 1..32."""
    cells: int = 16
    """Inputs for each variable of the state, 2..254."""
    threshold: int = 160
    leak_shift: int = 2
    gain: int = 6
    init_std: int = 24
    readout_std: int = 16
    pairs: int = 32
    """Antithetic pairs, 1..8192."""
    episodes: int = 4
    """Episodes of each member in a generation, 1..64."""
    generations: int = 200
    """At most; a policy that solves the task ends the run."""
    sigma: float = 8.0
    sigma_readout: float = 8.0
    lr: float = 2.0
    lr_readout: float = 2.0
    seed: int = 1
    check_every: int = 10
    """Generations between checks of the unperturbed policy, on 50 validation episodes."""
    solved: float = 499.0
    """Mean reward of a check that ends the run."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("cells", 2, 254), ("episodes", 1, 64), ("check_every", 1, 2**31)
        ):  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"control: {name} is {value!r}: use an integer {low}..{high}")
        self.course()

    def course(self) -> TrainConfig:
        """Net, estimator and steps, as every training run has them."""
        return TrainConfig(
            estimator="batch", hidden=self.hidden, ticks=self.ticks, threshold=self.threshold,
            leak_shift=self.leak_shift, gain=self.gain, init_std=self.init_std,
            readout_std=self.readout_std, pairs=self.pairs, batch=1, sigma=self.sigma,
            sigma_readout=self.sigma_readout, lr=self.lr, lr_readout=self.lr_readout,
            generations=self.generations, seed=self.seed, penalty_bits=0.0,
        )  # fmt: skip

    def net(self) -> NetConfig:
        """The policy's topology."""
        return self.course().net_config(self.cells * len(cartpole.SEEN), cartpole.ACTIONS)


@dataclass(frozen=True)
class Update:
    """All that a generation leaves: enough to make it again."""

    generation: int
    steps: Steps
    f: bytes
    """Fitness byte of each pair."""
    active: bytes
    """Bit map of the inputs that fired."""
    digest: int
    """CRC-32 of the weights after it."""
    reward: float
    """Mean over all members and episodes."""


@dataclass
class ControlResult:
    """A finished run."""

    net: Net
    updates: list[Update] = field(default_factory=list)
    checks: list[tuple[int, float]] = field(default_factory=list)
    """(generation, mean reward of the unperturbed policy in 50 validation episodes)."""
    episodes: int = 0
    """Played by members, in all."""

    @property
    def solved(self) -> bool:
        """Whether the last check's mean reward is 475 or more."""
        return len(self.checks) > 0 and self.checks[-1][1] >= 475


def encode(state: npt.NDArray[np.float64], cells: int, ticks: int) -> U8:
    """Sample streams of states [n, d], each ticks * (d + 1) bytes: uint8 [n, ticks, d + 1]."""
    share = (state / cartpole.SEEN + 1) / 2
    levels = (cells - 1) * ticks
    level = np.clip(np.floor(share * levels + 0.5), 0, levels).astype(np.int64)
    cell = level[:, None, :] // ticks + (
        np.arange(ticks)[None, :, None] < level[:, None, :] % ticks
    )
    index = cell + cells * np.arange(state.shape[1])
    stream = np.zeros((*index.shape[:2], index.shape[2] + 1), np.uint8)
    stream[:, :, :-1] = np.diff(index, axis=2, prepend=-1)
    return stream


class Players:
    """Plays episodes with members of a population, all at once."""

    def __init__(self, config: ControlConfig, net: Net) -> None:
        course = config.course()
        self.config, self.net = config, net
        self.population = Population(net, course.es_config(), config.seed)
        self.workspace = Workspace(net.config, course.es_config())
        self.active: U8 = np.zeros(core.active_bytes(net.config), np.uint8)

    def play(
        self, pair: npt.NDArray[Any], sign: npt.NDArray[Any], episode: npt.NDArray[Any]
    ) -> npt.NDArray[np.int32]:
        """Rewards [n] of member (pair[i], sign[i]) in an episode; sign 0 is the unperturbed net."""
        state = cartpole.reset(self.config.seed, np.unique(episode))
        state = state[np.unique(episode, return_inverse=True)[1]]
        pair, sign = pair.astype(np.uint32), sign.astype(np.int8)
        reward: I32 = np.zeros(len(pair), np.int32)
        alive = np.arange(len(pair))
        for _ in range(cartpole.STEPS):
            streams = encode(state, self.config.cells, self.config.ticks)
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
        """Rewards of the unperturbed net in `episodes` episodes, from number `first`."""
        nobody = np.zeros(episodes)
        return self.play(nobody, nobody, first + np.arange(episodes))


def train_control(
    config: ControlConfig, on_generation: Callable[[Update], None] | None = None
) -> ControlResult:
    """Learn to balance the pole. The result depends on `config` alone."""
    course = config.course()
    net = Net(config.net())
    net.randomize(config.seed, config.init_std, config.readout_std)
    players, result = Players(config, net), ControlResult(net)
    members = np.repeat(np.arange(2 * config.pairs), config.episodes)
    f: I8 = np.zeros(config.pairs, np.int8)
    for generation in range(config.generations):
        steps = course.steps_at(generation)
        players.population.at(generation, steps)
        players.active.fill(0)
        starts = generation * config.episodes + np.arange(config.episodes)
        reward = players.play(
            members // 2, 1 - 2 * (members % 2), np.tile(starts, 2 * config.pairs)
        )
        total = reward.reshape(config.pairs, 2, config.episodes).sum(axis=2, dtype=np.int32)
        core.shape(np.ascontiguousarray(total[:, 0] - total[:, 1]), f)
        active = players.active.copy()
        players.population.update_batch(players.workspace, f, active)
        update = Update(
            generation, steps, f.tobytes(), active.tobytes(), net.digest, float(reward.mean())
        )
        result.updates.append(update)
        result.episodes += len(members)
        if on_generation is not None:
            on_generation(update)
        if (generation + 1) % config.check_every == 0:
            result.checks.append((generation + 1, float(players.check(VALIDATION, 50).mean())))
            if result.checks[-1][1] >= config.solved:
                break
    return result


def evaluate_control(config: ControlConfig, net: Net, episodes: int = 100) -> list[int]:
    """Rewards of a policy in episodes that neither training nor its checks have seen."""
    return [int(one) for one in Players(config, net).check(EVALUATION, episodes)]


def replay_control(config: ControlConfig, updates: Sequence[Update]) -> Net:
    """The policy again from the bytes of its generations: no episode is played.

    JournalError at the first generation whose digest does not come out.
    """
    net = Net(config.net())
    net.randomize(config.seed, config.init_std, config.readout_std)
    players = Players(config, net)
    for update in updates:
        players.population.at(update.generation, update.steps)
        players.population.update_batch(
            players.workspace,
            np.frombuffer(update.f, np.int8),
            np.frombuffer(update.active, np.uint8),
        )
        if net.digest != update.digest:
            raise JournalError(
                f"generation {update.generation}: the weights have the digest {net.digest:08x}, "
                f"not {update.digest:08x}: the bytes are not of this run"
            )
    return net
