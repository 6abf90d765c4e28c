"""Settings: options, checks and the documentation's table come from one definition."""

from __future__ import annotations

from typing import Any

import pytest

from eggroll_edge.errors import ConfigError
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.settings import DERIVED, KINDS, ByEstimator, Setting, settings_of
from tools.generate.settings import settings_table
from tools.lib.paths import SETTINGS_PAGE
from tools.lib.tables import replace_section

SETTINGS = settings_of(TrainConfig)


def test_the_reference_page_has_the_present_table() -> None:
    """python -m tools.generate.settings --write"""
    page = SETTINGS_PAGE.read_text()
    assert replace_section(page, "settings", settings_table()) == page


@pytest.mark.parametrize("one", SETTINGS.values(), ids=SETTINGS)
def test_the_limits_of_a_range_are_allowed_and_what_lies_beyond_is_not(one: Setting) -> None:
    good: list[Any]
    bad: list[Any]
    if one.choices:
        good, bad = list(one.choices), ["another"]
    elif one.type is bool:
        good, bad = [True, False], [1, "yes"]
    elif one.type in (int, float):
        good, bad = [one.low, one.high], [one.low - 1, one.high + 1, "1", True]
    else:
        assert one.check("anything") == "anything"
        return
    for value in good:
        assert one.check(value) == value
    for value in bad:
        with pytest.raises(ConfigError, match=f"{one.name} is {value!r}: use"):
            one.check(value)


@pytest.mark.parametrize("one", SETTINGS.values(), ids=SETTINGS)
def test_the_explanation_tells_the_default_that_holds(one: Setting) -> None:
    assert one.explanation.startswith(one.help)
    assert one.help.endswith(".")
    defaults = one.default if isinstance(one.default, ByEstimator) else None
    if defaults:
        kinds: dict[str, dict[str, Any]] = {
            "sample": {"estimator": "sample"}, "online": {"estimator": "sample", "online": True},
            "batch": {"estimator": "batch"}, "full": {"estimator": "full"},
            "sweep": {"estimator": "sweep"},
            "sweep-online": {"estimator": "sweep", "online": True},
            "eprop": {"estimator": "eprop"},
            "eprop-online": {"estimator": "eprop", "online": True},
        }  # fmt: skip
        for kind in KINDS:
            default, found = defaults.of(kind), getattr(TrainConfig(**kinds[kind]), one.name)
            assert found == (None if default is DERIVED else default)
            assert (str(DERIVED) if found is None else f"{found:.10g}") in one.explanation
    elif one.default is DERIVED:
        assert getattr(TrainConfig(), one.name) is None
        assert "default: derived from the data)" in one.explanation
    elif not one.default_text:
        assert getattr(TrainConfig(), one.name) == one.default


def test_a_default_by_estimator_as_text() -> None:
    assert str(ByEstimator(5, 5, 4, 4, spikes=11)) == "5, batch and full 4; readout spikes: 11"
    deep = ByEstimator(8, 1, 2, 3, deep={"sample": 4, "online": 0.5})
    assert str(deep) == (
        "8, online and sweep-online and eprop-online 1, batch 2, full 3; more than one LIF layer: "
        "4, online 0.5"
    )
    assert [deep.of("sweep"), deep.of("sweep-online"), ByEstimator(1, 2, 3, 4, 5).of("sweep")] == [
        8, 1, 5,
    ]  # fmt: skip
    assert [deep.of("online"), deep.of("online", deep=True), deep.of("full", deep=True)] == [
        1, 0.5, 3,
    ]  # fmt: skip
    linear = ByEstimator(8, 1, 2, 3, linear={"sweep": 4})
    assert [linear.of(kind, linear=True) for kind in ("sweep", "sweep-online")] == [4, 1]
    assert str(linear).endswith("; no hidden layer: 4")
