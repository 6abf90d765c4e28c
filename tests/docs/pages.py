"""Runs the commands that a page of the documentation shows, and compares what they print.

A fenced block of the language `console` is a session: a line that begins with `$ ` is a command
(it goes on in the next line after a backslash), and the lines below it are what it prints. The
blocks of one page run in order, in one folder, which is empty but for links to `examples` and
`runtime_c`. Blocks of any other language are not run.

* A command without output lines must only succeed. `# exit code 1` behind it means that it fails.
* `&` behind a command leaves it running until the page ends. The next command starts when the
  lines below it have been printed.
* `...` stands for any text, alone on a line for any lines.
* Figures that depend on time, on the number of processors or on the serial line's pace may differ.
* The ports 5333 and 5334 stand for free ports.

A page shows a part of a program below `<!-- FILE: N -->`: the lines from the comment that begins
with `N.` to the one that begins with the next number.

`python -m tests.docs.pages [PAGE ...]` runs pages and writes into them what their commands print,
and the parts of programs. Output that agrees already stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eggroll_edge import open_dataset

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PART = re.compile(r"^<!-- (\S+): (\d+) -->\n```c\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORTS = ("5333", "5334")
PATIENT_S = 60.0
"""How long a background command may take until it has printed what the page shows."""

EVENTS = "12bd14af3bc5d1125f0790d892a99f64231ca0c3e63cb84efa3334128000333b"
"""Digest of the simulated digits where the pages' outputs were written. The last bits of the
simulator's floating point differ between processors (docs: reference/data); with other events the
figures of a run may differ, and only the words are compared."""

VARYING = (  # of a line: pattern, as it may differ
    r"\d+:\d\d(?::\d\d)?",  # a duration
    r"[\d.,]+[kMG]? (?=(?:member )?eval(?:uation)?s/s)",
    r"\d+ (?=workers?\b)",
    r"\d+ (?=bytes/\w+ to)",
    r"\d+ (?=back,)",
    r"(?<=computing )\d+|(?<=link )\d+(?= %)|(?<=host )\d+(?= %)",
)
PROGRESS = re.compile(r"^.*\b\d+/\d+\b.*\n", re.MULTILINE)
"""Lines that appear every few seconds only: how far a command is. They are left out."""
FIGURE = r"\b[0-9a-f]{8}\b|\d[\d,]*(?:\.\d+)?"


@dataclass(frozen=True)
class Command:
    """A command of a page, and the output that the page shows ("" for none)."""

    text: str
    output: str

    @property
    def background(self) -> bool:
        return self.text.rstrip().endswith("&")

    @property
    def exit_code(self) -> int:
        found = re.search(r"# exit code (\d+)$", self.text)
        return int(found[1]) if found else 0


def commands(block: str) -> list[Command]:
    """The commands of a block's text."""
    found: list[list[str]] = []
    continued = False
    for line in block.splitlines():
        if continued:
            found[-1][0] += "\n" + line
        elif line.startswith("$ "):
            found.append([line[2:], ""])
        elif not found:
            raise ValueError(f"a console block begins with {line!r}, not with a command")
        else:
            found[-1][1] += line + "\n"
            continue
        continued = line.endswith("\\")
    return [Command(text, output) for text, output in found]


def pages() -> list[Path]:
    """Every page that shows a session."""
    every = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in every if BLOCK.search(page.read_text())]


def parts() -> list[tuple[Path, str, int, str]]:
    """Every part of a program that a page shows: page, file, number, text."""
    every = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        (page, file, int(number), text)
        for page in every
        for file, number, text in PART.findall(page.read_text())
    ]


def part(file: str, number: int) -> str:
    """A numbered part of a program, without the indentation that all its lines share."""
    text = (ROOT / file).read_text()
    start = text.index(f"/* {number}. ")
    start = text.rindex("\n", 0, start) + 1
    end = text.find(f"/* {number + 1}. ")
    lines = text[start:end].rstrip(" ").splitlines()
    while lines and (not lines[-1].strip() or lines[-1].startswith("int main")):
        lines.pop()
    return textwrap.dedent("\n".join(lines)) + "\n"


def same_events() -> bool:
    """Whether this machine simulates the events with which the outputs were written."""
    return open_dataset("digits", "train").digest == EVENTS


def agrees(shown: str, printed: str, exact: bool) -> bool:
    """Whether a command printed what the page shows; `exact`: figures included."""
    return re.fullmatch(_pattern(shown.rstrip(), exact), _plain(printed)) is not None


def begins(shown: str, printed: str) -> bool:
    """Whether the page's lines have been printed, and perhaps more behind them."""
    if shown == "?\n":  # not written yet
        return printed.endswith("\n")
    return re.match(_pattern(shown.rstrip(), exact=False), _plain(printed)) is not None


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def _pattern(shown: str, exact: bool) -> str:
    """A regular expression for the output that a page shows."""
    kinds = [rf"(?P<any>\.\.\.)|(?P<varying>{'|'.join(VARYING)})"]
    if not exact:
        kinds.append(rf"(?P<figure>{FIGURE})")
    made, at = "", 0
    for found in re.finditer("|".join(kinds), _plain(shown), re.MULTILINE):
        made += re.escape(_plain(shown)[at : found.start()])
        made += {"any": "(?s:.*?)", "varying": r"[\d.,:]+[kMG]? ?", "figure": f"(?:{FIGURE})"}[
            str(found.lastgroup)
        ]
        at = found.end()
    return made + re.escape(_plain(shown)[at:])


class Session:
    """Runs commands, one after the other, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        self._logs = 0
        self._ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        (folder / "home").mkdir()
        for name in ("examples", "runtime_c"):
            (folder / name).symlink_to(ROOT / name)
        self._environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "TERM": "dumb",
        }

    def run(self, command: Command) -> tuple[str, int]:
        """What a command prints, and its exit code; of one in the background, what it has printed
        when it has printed what the page shows."""
        log = self._folder / "home" / f"{self._logs}.txt"
        self._logs += 1
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", self._with_free_ports(command.text.rstrip(" &"))],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if not command.background:
            process.wait()
            return self._read(log), process.returncode
        self._running.append(process)
        end = time.monotonic() + PATIENT_S
        while not begins(command.output, self._read(log)) and time.monotonic() < end:
            if process.poll() is not None:
                break
            time.sleep(0.05)
        return self._read(log), process.poll() or 0

    def close(self) -> None:
        """Ends what still runs in the background."""
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(PATIENT_S)

    def _with_free_ports(self, text: str) -> str:
        for shown, free in self._ports.items():
            text = text.replace(shown, free)
        return text

    def _read(self, log: Path) -> str:
        text = log.read_text()
        for shown, free in self._ports.items():
            text = text.replace(free, shown)
        return PROGRESS.sub("", text)


def _free_ports(n: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [str(each.getsockname()[1]) for each in sockets]


@contextlib.contextmanager
def session(folder: Path) -> Iterator[Session]:
    """A session whose background commands end with it."""
    opened = Session(folder)
    try:
        yield opened
    finally:
        opened.close()


def write(page: Path) -> None:
    """Runs a page, and puts what its commands print in place of other output that it shows."""
    text = page.read_text()
    with tempfile.TemporaryDirectory() as folder, session(Path(folder)) as running:

        def rewritten(block: re.Match[str]) -> str:
            made = ""
            for command in commands(block[1]):
                printed, code = running.run(command)
                if code != command.exit_code:
                    sys.exit(f"{page}: exit code {code} of {command.text}\n{printed}")
                keep = not command.output or agrees(command.output, printed, exact=True)
                made += f"$ {command.text}\n"
                made += command.output if keep else filled(command.output, printed)
            return f"```console\n{made}```"

        text = BLOCK.sub(rewritten, text)
    page.write_text(PART.sub(_shown_anew, text))


def filled(shown: str, printed: str) -> str:
    """New output for a page: as much of it as the page shows."""
    left = _plain(printed).splitlines()
    if "..." not in shown.splitlines():
        return "\n".join(left) + "\n"
    made: list[str] = []
    for group in re.split(r"^\.\.\.$\n?", shown, flags=re.MULTILINE):
        lines = group.splitlines()
        at = 0
        while not _alike(lines, left[at:]):
            at += 1
            if at > len(left):
                sys.exit(f"the command no longer prints the like of\n{group}\nbut\n{printed}")
        made += [*left[at : at + len(lines)], "..."]
        left = left[at + len(lines) :]
    return "\n".join(made[:-1]) + "\n"


def _alike(shown: list[str], printed: list[str]) -> bool:
    """Whether output begins with these lines; only their text before the first figure counts."""
    words = [re.split(rf"{FIGURE}|\?", line)[0] for line in shown]
    pairs = zip(words, shown, printed, strict=False)
    return len(shown) <= len(printed) and all(
        new.startswith(word) and bool(new) == bool(old) for word, old, new in pairs
    )


def _shown_anew(found: re.Match[str]) -> str:
    return f"<!-- {found[1]}: {found[2]} -->\n```c\n{part(found[1], int(found[2]))}```"


if __name__ == "__main__":
    for name in sys.argv[1:] or [str(page) for page in pages()]:
        print(name)
        write(Path(name))
