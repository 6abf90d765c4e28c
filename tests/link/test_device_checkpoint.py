"""Checkpoints on a device: whenever the power fails, the old one or the new one is there."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from eggroll_edge._core import ffi, lib

WHOLE = 2**32 - 1
SIZE = 700


class Flash:
    """The model of a flash memory with a store of two slots."""

    def __init__(self, erase: int = 256, program: int = 4, slot: int = 1024) -> None:
        self.bytes = np.full(2 * slot, 0xFF, np.uint8)
        self.native = ffi.new("egg_flash *")
        self.native.bytes = ffi.from_buffer("uint8_t[]", self.bytes)
        self.native.size, self.native.erase, self.native.program = 2 * slot, erase, program
        self.native.random, self.native.steps = 1, WHOLE
        self.store = ffi.new("egg_checkpoint_io *")
        lib.egg_flash_checkpoint_io(self.native, self.store)

    def power(self, steps: int = WHOLE, random: int = 1) -> None:
        """Switch on, and off again after `steps` steps."""
        self.native.used, self.native.steps, self.native.random = 0, steps, random

    def save(self, generation: int) -> int:
        config, weights = content(generation)
        return int(
            lib.egg_checkpoint_save(
                self.store, generation, config, len(config), weights, len(weights)
            )
        )

    def load(self) -> int | None:
        """The generation of the newest checkpoint, its content checked; None if there is none."""
        found = ffi.new("egg_checkpoint *")
        status = lib.egg_checkpoint_find(self.store, found)
        if status == lib.EGG_E_EMPTY:
            return None
        assert status == lib.EGG_OK
        config, weights = ffi.new("uint8_t[]", 64), ffi.new("uint8_t[]", SIZE)
        assert lib.egg_checkpoint_read_config(self.store, found, config) == lib.EGG_OK
        assert lib.egg_checkpoint_read_weights(self.store, found, weights) == lib.EGG_OK
        got = bytes(config[0 : found.config_bytes]), bytes(weights[0 : found.weight_bytes])
        assert got == content(found.generation), "a checkpoint that was never saved"
        return int(found.generation)


def content(generation: int) -> tuple[bytes, bytes]:
    """Config and weights that depend on the generation."""
    weights = np.random.default_rng(generation).integers(0, 256, SIZE, np.uint8)
    return b"config%d" % generation, weights.tobytes()


def test_empty() -> None:
    assert Flash().load() is None
    noise = Flash()
    noise.bytes[:] = np.random.default_rng(0).integers(0, 256, len(noise.bytes), np.uint8)
    assert noise.load() is None
    assert noise.save(3) == lib.EGG_OK
    assert noise.load() == 3


@pytest.mark.parametrize("program", [1, 2, 4, 8, 256])
def test_saves_take_turns(program: int) -> None:
    flash = Flash(program=program)
    for generation in range(7):
        assert flash.save(generation) == lib.EGG_OK
        assert flash.load() == generation
    assert flash.native.broken == 0


def test_generation_may_go_back() -> None:
    flash = Flash()
    for generation in (500, 9, 10):
        assert flash.save(generation) == lib.EGG_OK
        assert flash.load() == generation


def test_save_number_wraps() -> None:
    flash = Flash()
    assert flash.save(1) == lib.EGG_OK
    record = flash.bytes[: lib.egg_checkpoint_bytes(len(content(1)[0]), SIZE)]
    record[12:16] = 0xFF  # the last number before it wraps
    record[-4:] = np.frombuffer(zlib.crc32(record[:-4].tobytes()).to_bytes(4, "little"), np.uint8)
    assert flash.load() == 1
    for generation in (2, 3):
        assert flash.save(generation) == lib.EGG_OK
        assert flash.load() == generation


def test_what_does_not_fit_is_refused() -> None:
    flash = Flash(slot=512)
    assert flash.save(1) == lib.EGG_E_STORE
    assert flash.native.used == 0


def test_a_bit_that_flips_gives_the_one_before() -> None:
    flash = Flash()
    assert flash.save(1) == lib.EGG_OK
    assert flash.save(2) == lib.EGG_OK
    for at in range(1024, 1024 + lib.egg_checkpoint_bytes(7, SIZE), 13):
        flash.bytes[at] ^= 0x10
        assert flash.load() == 1
        flash.bytes[at] ^= 0x10
    assert flash.load() == 2


def steps_of_a_save(**options: Any) -> int:
    flash = Flash(**options)
    for generation in (1, 2):
        assert flash.save(generation) == lib.EGG_OK
    flash.power()
    assert flash.save(3) == lib.EGG_OK
    return int(flash.native.used)


@pytest.mark.parametrize("options", [{}, {"program": 1}, {"program": 256}, {"erase": 1024}])
def test_power_cuts(options: dict[str, int]) -> None:
    """At every step of a save, in three ways each; then the power is back and saving continues."""
    steps, news = steps_of_a_save(**options), 0
    for cut in range(1, steps + 1):
        for random in (1, 77, 1234567):
            flash = Flash(**options)
            flash.save(1)
            flash.save(2)
            flash.power(cut, random)
            assert flash.save(3) == lib.EGG_E_STORE
            flash.power()
            found = flash.load()
            assert found in (2, 3), f"cut {cut}: {found}"
            news += found == 3
            assert flash.save(4) == lib.EGG_OK
            assert flash.load() == 4
            assert flash.native.broken == 0
    assert steps * 3 >= 300
    assert news < steps  # only a cut at the very end may give the new one


def test_power_cuts_one_after_the_other() -> None:
    """The power fails in most saves: a generation that was saved is never lost."""
    flash, safe = Flash(), 0
    assert flash.save(0) == lib.EGG_OK
    rng = np.random.default_rng(5)
    for generation in range(1, 400):
        flash.power(int(rng.integers(1, 260)), int(rng.integers(1, 2**31)))
        flash.save(generation)
        flash.power()
        found = flash.load()
        assert found in (safe, generation)
        safe = found
    assert safe > 300
    assert flash.native.broken == 0
