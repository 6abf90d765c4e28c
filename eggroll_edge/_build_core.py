"""Builds `eggroll_edge._core`, the C core behind cffi's API mode.

The declarations are read from the core's public headers. If a header changes and Python does not
follow, the compiler reports an error, and no wrong number can arise.
"""

import re
from pathlib import Path

from cffi import FFI

CORE = Path("runtime_c")
HEADERS = [  # a header comes after those whose types it uses
    "base/egg_types.h",
    "base/egg_bytes.h",
    "base/egg_convolution.h",
    "base/egg_rng.h",
    "base/egg_stream.h",
    "base/egg_shift.h",
    "base/egg_loss.h",
    "kernels/egg_kernel_private.h",
    "net/egg_config.h",
    "net/egg_shape.h",
    "net/egg_net.h",
    "net/egg_workspace.h",
    "net/egg_forward.h",
    "estimators/egg_estimator.h",
    "estimators/egg_eprop.h",
    "estimators/egg_sweep.h",
    "link/egg_frame.h",
    "link/egg_checkpoint.h",
    "link/egg_session.h",
    "host/egg_sample_update.h",
    "host/egg_dataset.h",
    "host/egg_full_rank.h",
    "host/egg_batch_update.h",
    "host/egg_digest.h",
    "host/egg_memory_plan.h",
    "host/egg_recordings.h",
    "host/egg_members.h",
    "host/egg_host_board.h",
]
CEILINGS = re.compile(r"^#define (EGG_\w+) (\d+)u?\b", re.MULTILINE)


def declarations(header: str) -> str:
    """A header as cffi's cdef takes it: no preprocessor, comments or inline functions."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    constants = "".join(f"#define {name} ...\n" for name, _ in CEILINGS.findall(text))
    text = re.sub(r"^static inline .*?^}\n", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^#(?:.*\\\n)*.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[EGG_[^\]]*\]", "[...]", text)  # sizes come from the compiler
    return constants + text


ffi = FFI()
for name in HEADERS:
    ffi.cdef(declarations((CORE / name).read_text()))
ffi.set_source(
    "eggroll_edge._core",
    "\n".join(f'#include "{name}"' for name in HEADERS),
    sources=sorted(str(p) for p in CORE.glob("*/*.c")),
    include_dirs=[str(CORE)],
    # Row length and sign words for the vector units: memory layout only, no number changes.
    define_macros=[("EGG_ROW_ALIGN", "32u"), ("EGG_SIGN_WORDS", "16u")],
    # Vector lanes may wrap: host/egg_simd_neurons_impl.h keeps unsigned membranes in signed ones.
    extra_compile_args=["-O3", "-std=c99", "-fwrapv", "-Wno-psabi"],
    depends=sorted(str(p) for p in CORE.rglob("*.h")),
)
