"""Frames, and the bytes of every command as PROTOCOL.md shows them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from eggroll_edge._core import ffi, lib
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eggroll_edge.core.config import status_text
from eggroll_edge.link.frames import REPLY, Command, Decoder, Frame, encode, line_bytes
from tests.helpers.link import ROOT, build

LONGEST = lib.EGG_PAYLOAD_MAX + 6
PAGE = (ROOT / "runtime_c/PROTOCOL.md").read_text()
frames = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=256))


def examples() -> list[tuple[bytes, bytes]]:
    """(request, reply) of each example on the page."""
    found = []
    for block in re.findall(r"```\n(> .*?)\n```", PAGE, re.DOTALL):
        to, _, back = block.partition("\n<")
        found.append((bytes.fromhex(to.removeprefix(">")), bytes.fromhex(back)))
    return found


class CDecoder:
    """The C decoder; bytes after the end of its buffer show whether it writes there."""

    def __init__(self, capacity: int = LONGEST) -> None:
        self._buffer = ffi.new("uint8_t[]", b"\xa5" * (capacity + 16))
        self.capacity = capacity
        self.native = ffi.new("egg_frame_decoder *")
        lib.egg_frame_decoder_init(self.native, self._buffer, capacity)

    def feed(self, data: bytes) -> list[Frame | None]:
        """Whole frames; None for one that is too long."""
        found: list[Frame | None] = []
        for byte in data:
            event = lib.egg_frame_decoder_put(self.native, byte)
            if event == lib.EGG_FRAME_WHOLE:
                body = bytes(self._buffer[0 : self.native.length])
                found.append(Frame(body[0], body[1], body[2:]))
            elif event == lib.EGG_FRAME_TOO_LONG:
                found.append(None)
        assert bytes(self._buffer[self.capacity : self.capacity + 16]) == b"\xa5" * 16
        return found


def c_encode(frame: Frame) -> bytes:
    out = bytearray()

    def take(user: object, data: object, n: int) -> None:
        out.extend(ffi.buffer(data, n))

    write = ffi.callback("egg_frame_write", take)

    buffer = ffi.new("uint8_t[]", bytes((frame.type, frame.sequence)) + frame.payload + bytes(4))
    size = lib.egg_frame_seal(buffer, 2 + len(frame.payload))
    assert lib.egg_frame_send(write, ffi.NULL, buffer, size) == len(out)
    return bytes(out)


@given(frames)
def test_both_sides_encode_alike(frame: Frame) -> None:
    line = encode(frame)
    assert c_encode(frame) == line
    assert 0 not in line[:-1]
    assert len(line) <= line_bytes(len(frame.payload))


@pytest.mark.parametrize("size", [*range(240, 257)])
@pytest.mark.parametrize("fill", [0, 1, 255])
def test_long_runs(size: int, fill: int) -> None:
    frame = Frame(1, 2, bytes([fill]) * size)
    assert c_encode(frame) == encode(frame)
    assert CDecoder().feed(encode(frame)) == [frame] == Decoder().feed(encode(frame))


@given(st.lists(st.one_of(frames, st.binary(max_size=40)), max_size=6))
@example([b"a line\n", b"\x07\n", Frame(1, 1)])
def test_decoders_agree_whatever_comes(pieces: list[Frame | bytes]) -> None:
    c, python = CDecoder(), Decoder()
    for piece in pieces:
        line = encode(piece) if isinstance(piece, Frame) else piece + b"\0"
        found = c.feed(line)
        assert found == python.feed(line)
        if isinstance(piece, Frame):
            assert found == [piece]
    assert c.native.bad == python.bad + len(
        python.text_lines
    )  # a device takes text for damaged frames


@given(st.binary(max_size=600), st.integers(6, 40))
def test_the_buffer_is_never_overrun(data: bytes, capacity: int) -> None:
    CDecoder(capacity).feed(data)


@given(frames, st.data())
@settings(max_examples=300)
def test_damage_is_found(frame: Frame, data: st.DataObject) -> None:
    line = bytearray(encode(frame))
    at = data.draw(st.integers(0, len(line) - 2))
    line[at] ^= data.draw(st.integers(1, 255))
    assert frame not in CDecoder().feed(bytes(line))
    assert frame not in Decoder().feed(bytes(line))


def test_long_frame_is_told() -> None:
    long, short = Frame(1, 1, bytes(80)), Frame(1, 2, bytes(50))
    assert CDecoder(60).feed(encode(long) + encode(short)) == [None, short]


def test_endless_line_without_a_zero() -> None:
    python, c = Decoder(), CDecoder()
    for _ in range(40):
        assert python.feed(b"\x07" * 4096) == []
    c.feed(b"\x07" * 100000)
    assert c.feed(b"\0" + encode(Frame(1, 1))) == [Frame(1, 1)]
    assert python.feed(b"\0" + encode(Frame(1, 1))) == [Frame(1, 1)]


def test_page_shows_every_command() -> None:
    types = [Decoder().feed(request)[0].type for request, _ in examples()]
    assert set(types) == set(Command)
    for name, member in Command.__members__.items():
        assert f"### {int(member)} {name}\n" in PAGE


def test_page_tells_every_status() -> None:
    table = PAGE.split("## Status")[1].split("## Commands")[0]
    told = {int(n) for n in re.findall(r"\| (\d+) \|", table)}
    assert told == set(range(lib.EGG_STATUS_COUNT))
    assert "unknown" in status_text(lib.EGG_STATUS_COUNT)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_examples(cc: str, tmp_path: Path) -> None:
    program = build(cc, "link", tmp_path)
    lines = b"".join(request for request, _ in examples())
    done = subprocess.run([program], input=lines, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    for request, reply in examples():
        got, _, done.stdout = done.stdout.partition(b"\0")
        asked, answer = Decoder().feed(request)[0], Decoder().feed(reply)[0]
        assert got + b"\0" == reply, f"{Command(asked.type).name}: {got.hex(' ')} 00"
        assert (answer.type, answer.sequence) == (asked.type | REPLY, asked.sequence)
        assert answer.payload[0] == 0


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_fuzz(cc: str, tmp_path: Path) -> None:
    """Random bytes on the line, under the sanitizers: tests/c/fuzz_link.c with a main()."""
    program = build(cc, "fuzz_link", tmp_path)
    done = subprocess.run([program, "1", "4000"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
