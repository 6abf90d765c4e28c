"""Builds `eggroll_edge._core`, the C core behind cffi's API mode.

The declarations are read from the core's own public headers, so that a change of a header that
Python does not follow is an error of the compiler, not a wrong number.
"""

import re
from pathlib import Path

from cffi import FFI

CORE = Path("runtime_c")
HEADERS = [
    "egg_types.h",
    "egg_rng.h",
    "egg_kernel.h",
    "egg_stream.h",
    "egg_loss.h",
    "egg_net.h",
    "egg_ws.h",
    "egg_forward.h",
    "egg_es.h",
    "egg_wire.h",
    "egg_store.h",
    "egg_session.h",
    "host/egg_credit.h",
    "host/egg_crc.h",
    "host/egg_host.h",
    "host/egg_steps.h",
    "host/egg_plan.h",
    "host/egg_events.h",
    "host/egg_members.h",
    "host/egg_board.h",
]
CEILINGS = re.compile(r"^#define (EGG_\w+) (\d+)u?\b", re.MULTILINE)


def declarations(header: str) -> str:
    """A header as cffi's cdef takes it: no preprocessor, comments or inline functions."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    constants = "".join(f"#define {name} ...\n" for name, _ in CEILINGS.findall(text))
    text = re.sub(r"^static inline .*?^}\n", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[EGG_[^\]]*\]", "[...]", text)  # sizes come from the compiler
    return constants + text


ffi = FFI()
for name in HEADERS:
    ffi.cdef(declarations((CORE / name).read_text()))
ffi.set_source(
    "eggroll_edge._core",
    "\n".join(f'#include "{name}"' for name in HEADERS),
    sources=sorted(str(p) for p in [*CORE.glob("egg_*.c"), *(CORE / "host").glob("*.c")]),
    include_dirs=[str(CORE)],
    # Padding and words in parallel for the vector units: memory layout only, no number changes.
    define_macros=[("EGG_PAD", "32u"), ("EGG_WORDS", "16u")],
    # Vector lanes may wrap: host/egg_group_body.h holds unsigned membranes in signed ones.
    extra_compile_args=["-O3", "-std=c99", "-fwrapv", "-Wno-psabi"],
    depends=sorted(str(p) for p in CORE.rglob("*.h")),
)
