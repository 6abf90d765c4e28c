"""Learning from reward instead of labels; docs/explanation/control.md shows how to use it."""

from eggroll_edge.control.train import (
    ControlConfig,
    ControlResult,
    evaluate_control,
    replay_control,
    train_control,
)

__all__ = [
    "ControlConfig",
    "ControlResult",
    "evaluate_control",
    "replay_control",
    "train_control",
]
