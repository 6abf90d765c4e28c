"""What a command of `eggroll-edge` leaves, for the fixture `cli`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Output:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str

    @property
    def values(self) -> dict[str, Any]:
        """The one line of JSON."""
        assert self.out.count("\n") == 1
        values: dict[str, Any] = json.loads(self.out)
        return values


Cli = Callable[..., Output]
