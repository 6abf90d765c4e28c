"""The study of leave-one-out means: what it changes in its copy of the core, and its figures."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tools.lib.paths import ROOT
from tools.studies import leave_one_out
from tools.studies.leave_one_out import PATCHES, RESULT, TASKS


def test_the_lines_that_the_copy_changes_are_there_once() -> None:
    for name, (there, _) in PATCHES.items():
        assert (ROOT / name).read_text().count(there) == 1, name


def test_both_arms_make_the_same_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leave_one_out, "data_folder", lambda: "/d")
    for task in TASKS:
        pairs, single = (task.options(arm, 1.0, 1, "x") for arm in ("pairs", "leave-one-out"))
        at = pairs.index("--pairs") + 1
        assert 2 * int(pairs[at]) == int(single[at])
        assert pairs[:at] + pairs[at + 1 :] == single[:at] + single[at + 1 :]


def test_the_noise_of_single_members_follows_from_the_even_part() -> None:
    # F(e) = odd e0 + even (e0 e1), with independent signs e; estimates of the derivative by e0.
    rng, even = np.random.default_rng(1), 0.7
    e = rng.choice([-1.0, 1.0], (20000, 64, 2))
    fitness = e[..., 0] + even * e[..., 0] * e[..., 1]
    mirrored = -e[..., 0] + even * e[..., 0] * e[..., 1]
    single = (e * (fitness - fitness.mean(1, keepdims=True))[..., None]).mean(1)[..., 1]
    pairs = (e * ((fitness - mirrored) / 2)[..., None]).mean(1)[..., 1]
    # 64 single members cost 64 evaluations, 64 pairs cost 128
    assert single.var() / (2 * pairs.var()) == pytest.approx((1 + even**2) / 2, rel=0.05)


def test_saved_rows_agree_with_their_seeds() -> None:
    for row in json.loads(RESULT.read_text())["training"]:
        pairs, single = row["arms"]
        means = [float(np.mean(arm["test"])) for arm in (pairs, single)]
        assert abs(means[1] - means[0] - row["leave_one_out_minus_pairs"]) < 2e-3
        assert len(pairs["test"]) == len(single["test"]) == 5
