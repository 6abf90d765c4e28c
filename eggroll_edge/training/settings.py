"""Definition of a setting: its default, range, unit and explanation, in one place.

Each field of TrainConfig is written as `name: type = setting(...)`. The options of the command
line, the range checks with their error messages, and the reference page of the documentation are
all made from these definitions.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from eggroll_edge._core import lib
from eggroll_edge.core.checks import check_choice, check_int
from eggroll_edge.core.shapes import parse_layer
from eggroll_edge.errors import ConfigError

DATA, NET, ESTIMATOR, SCHEDULE = "Data", "Net", "Estimator", "Schedule"
"""Panels: the groups that `eggroll-edge train --help` and the documentation show."""

KINDS = (
    "sample", "online", "batch", "full", "sweep", "sweep-online", "eprop", "eprop-online",
)  # fmt: skip
"""Kinds of training, each with its defaults: the estimators, `sample` with online ("online"), and
`sweep` and `eprop` with online."""

UINT32_MAX = 2**32 - 1


_LIKE = {
    "sweep": "sample",
    "sweep-online": "online",
    "eprop": "sweep",
    "eprop-online": "sweep-online",
}
"""Kind of training -> the kind whose default it takes if it has none."""


class _Derived:
    """The type of DERIVED."""

    def __str__(self) -> str:
        return "derived from the data"


DERIVED: Any = _Derived()
"""A default that training.derivation takes from the data. Until then, the field is None."""


@dataclass(frozen=True)
class ByEstimator:
    """A default that depends on the kind of training, one of KINDS."""

    sample: Any
    online: Any
    batch: Any
    full: Any
    sweep: Any = None
    """None: as sample."""
    sweep_online: Any = None
    """None: as online."""
    eprop: Any = None
    """None: as sweep."""
    eprop_online: Any = None
    """None: as sweep_online."""
    deep: Mapping[str, Any] = field(default_factory=dict)
    """Kind of training -> default for nets with more than one LIF layer, if that differs."""
    spikes: Any = None
    """Default with readout = spikes, if that differs."""
    linear: Mapping[str, Any] = field(default_factory=dict)
    """Kind of training -> default for nets without a LIF layer, if that differs."""

    def of(self, kind: str, deep: bool = False, spikes: bool = False, linear: bool = False) -> Any:
        """The default for one of KINDS, a deep net or not, a readout by spikes or not, and a net
        without a LIF layer or not."""
        if linear and kind in self.linear:
            return self.linear[kind]
        if spikes and self.spikes is not None:
            return self.spikes
        if deep and kind in self.deep:
            return self.deep[kind]
        value = getattr(self, kind.replace("-", "_"))
        if value is None:
            return self.of(_LIKE[kind])
        return value

    def __str__(self) -> str:
        text = _grouped({kind: self.of(kind) for kind in KINDS})
        if self.deep:
            text += f"; more than one LIF layer: {_grouped(self.deep)}"
        if self.linear:
            text += f"; no hidden layer: {_grouped(self.linear)}"
        if self.spikes is not None:
            text += f"; readout spikes: {_shown(self.spikes)}"
        return text


@dataclass(frozen=True)
class Setting:
    """The definition of one field of TrainConfig."""

    panel: str
    help: str
    """What the setting means, in sentences, with its unit."""
    default: Any
    """A value, a ByEstimator, DERIVED, or None; `default_text` then says what None means."""
    default_text: str
    low: float
    high: float
    metavar: str
    """Placeholder for the value in --help."""
    short: str
    """One letter that also names the option, or empty."""
    off: str
    """Name of the option that sets a switch to false, or empty."""
    name: str = ""
    type: type = str
    """int, float, bool, str, or tuple for a list of layers."""
    choices: tuple[str, ...] = ()
    """The values of a setting that is a name."""

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the command-line option, such as ("--pairs", "-p")."""
        long = f"--{self.name.replace('_', '-')}"
        if self.off:
            long += f"/--{self.off}"
        return (long, f"-{self.short}") if self.short else (long,)

    @property
    def range(self) -> str:
        """The values that are allowed, such as "1..32"; empty if there is no list of them."""
        if self.choices:
            return ", ".join(self.choices)
        return f"{_shown(self.low)}..{_shown(self.high)}" if self.type in (int, float) else ""

    @property
    def explanation(self) -> str:
        """The help text, followed by the range and the default."""
        bounds = "" if self.choices or not self.range else f"{self.range}; "
        return f"{self.help} ({bounds}default: {self.shown_default})"

    @property
    def shown_default(self) -> str:
        """The default as text."""
        return self.default_text or _shown(self.default)

    def check(self, value: Any) -> Any:
        """`value`, as a float where the setting is one. ConfigError if it is not allowed."""
        if self.choices:
            check_choice(self.name, value, self.choices)
        elif self.type is bool:
            if not isinstance(value, bool):
                raise ConfigError(f"{self.name} is {value!r}: use true or false")
        elif self.type is int:
            check_int(self.name, value, int(self.low), int(self.high))
        elif self.type is float:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not self.low <= value <= self.high:
                raise ConfigError(
                    f"{self.name} is {value!r}: use a number {self.low:g}..{self.high:g}"
                )
            return float(value)
        return value


def setting(
    default: Any,
    panel: str,
    help: str,
    *,
    low: float = 0,
    high: float = 0,
    metavar: str = "N",
    short: str = "",
    off: str = "",
    default_text: str = "",
) -> Any:
    """A dataclass field that carries its Setting. low, high: the range of a number, inclusive."""
    known = Setting(panel, help, default, default_text, low, high, metavar, short, off)
    value = None if isinstance(default, ByEstimator) or default is DERIVED else default
    return field(default=value, metadata={"setting": known})


@cache
def settings_of(config: type) -> dict[str, Setting]:
    """Name -> Setting of each field of a dataclass, in order; types come from its annotations."""
    hints = get_type_hints(config)
    found = {}
    for one in fields(config):
        kind, choices = _type_of(hints[one.name])
        found[one.name] = replace(
            one.metadata["setting"], name=one.name, type=kind, choices=choices
        )
    return found


def defaults_for(config: type, kind: str) -> dict[str, Any]:
    """The defaults that depend on the kind of training, for a net of one LIF layer.

    DERIVED ones are among them, because they depend on it, too.
    """
    found = {}
    for name, one in settings_of(config).items():
        if isinstance(one.default, ByEstimator):
            found[name] = one.default.of(kind)
        elif one.default is DERIVED:
            found[name] = DERIVED
    return found


def layer_entries(hidden: object, readout: str) -> tuple[int | str, ...]:
    """`hidden` as a tuple with one spelling for each layer: 64, or "conv 16 k5 s2".

    ConfigError unless it is a list of layers that fits the readout.
    """
    if not isinstance(hidden, (tuple, list)):
        raise ConfigError(f"hidden is {hidden!r}: use a list of layers, such as [128, 64]")
    most = int(lib.EGG_LAYERS_MAX)
    low, high = (0, most - 1) if readout == "spikes" else (0, most)
    if not low <= len(hidden) <= high:
        raise ConfigError(
            f"hidden has {len(hidden)} layers: use {low}..{high} with readout = {readout}"
        )
    layers = map(parse_layer, hidden)
    return tuple(layer if isinstance(layer, int) else str(layer) for layer in layers)


def _type_of(hint: Any) -> tuple[type, tuple[str, ...]]:
    """(type, choices) that an annotation stands for."""
    if get_origin(hint) is Literal:
        return str, get_args(hint)
    if get_origin(hint) in (typing.Union, types.UnionType):  # of a type and None
        return _type_of(get_args(hint)[0])
    return get_origin(hint) or hint, ()


def _shown(value: Any) -> str:
    """A value as the command line takes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value))
    if value == UINT32_MAX:
        return "2^32-1"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _grouped(values: Mapping[str, Any]) -> str:
    """The value of the first kind, then the kinds whose values differ: "32, online 1"."""
    first = next(iter(values.values()))
    others: dict[Any, list[str]] = {}
    for kind, value in values.items():
        if value != first:
            others.setdefault(value, []).append(kind)
    parts = (f"{' and '.join(kinds)} {_shown(value)}" for value, kinds in others.items())
    return ", ".join([_shown(first), *parts])
