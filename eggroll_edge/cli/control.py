"""`eggroll-edge control`: a spiking policy learns from reward."""

from __future__ import annotations

import statistics
import time
from typing import Annotated, Any

import typer

from eggroll_edge.cli import options as option
from eggroll_edge.cli.display import console, duration, print_json
from eggroll_edge.control.train import ControlConfig, Update, evaluate_control, train_control

_DEFAULT = ControlConfig()


def control(
    seed: Annotated[
        int,
        typer.Option("--seed", "-s", metavar="S", help="Seed of all random numbers."),
    ] = 1,
    generations: Annotated[
        int, typer.Option("--generations", "-g", metavar="G", help="Largest number of generations.")
    ] = _DEFAULT.generations,
    pairs: Annotated[
        int, typer.Option("--pairs", "-p", metavar="P", help="Antithetic pairs.")
    ] = _DEFAULT.pairs,
    episodes: Annotated[
        int,
        typer.Option("--episodes", metavar="N", help="Episodes of each member in a generation."),
    ] = _DEFAULT.episodes,
    hidden: Annotated[
        str, typer.Option("--hidden", metavar="N[,N...]", help="Neurons of the hidden layers.")
    ] = "32",
    as_json: option.AsJson = False,
) -> None:
    """Learn to balance a pole on a cart from reward alone: no labels, no gradients.

    The task is that of Barto, Sutton and Anderson (1983), with at most 500 steps in an episode. The
    command ends with the mean reward of 100 episodes that training has not seen; 475 counts as
    solved.

    Examples:

        eggroll-edge control

        eggroll-edge control --seed 2 --pairs 16 --json
    """
    config = ControlConfig(
        seed=seed, generations=generations, pairs=pairs, episodes=episodes,
        hidden=tuple(option.layers(hidden)),
    )  # fmt: skip
    show, begun = console(as_json), time.perf_counter()

    def show_progress(update: Update) -> None:
        if update.generation % config.check_every == 0:
            show.print(f"generation {update.generation:4d}: mean reward {update.reward:5.1f}")

    result = train_control(config, show_progress)
    seconds = time.perf_counter() - begun
    rewards = evaluate_control(config, result.net)
    report: dict[str, Any] = {
        "mean_reward": statistics.mean(rewards),
        "least_reward": min(rewards),
        "evaluated_episodes": len(rewards),
        "generations": len(result.updates),
        "episodes": result.episodes,
        "checks": result.checks,
        "weights_digest": f"{result.net.digest:08x}",
        "seconds": seconds,
    }
    solved = "solved" if report["mean_reward"] >= 475 else "not solved (475)"
    show.print(
        f"\n{solved}: mean reward {report['mean_reward']:.1f} of 500 in {len(rewards)} new "
        f"episodes, worst {min(rewards)}\n  {len(result.updates)} generations, "
        f"{result.episodes:,} episodes, {duration(seconds)}\n  weights digest  "
        f"{report['weights_digest']}"
    )
    if as_json:
        print_json(report)
