"""numpy arrays as the C core takes them: types, pointers, aligned memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge._core import ffi

I8 = npt.NDArray[np.int8]
I16 = npt.NDArray[np.int16]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]


def i8_ptr(array: npt.NDArray[Any]) -> Any:
    return ffi.from_buffer("int8_t[]", array)


def u8_ptr(array: npt.NDArray[Any]) -> Any:
    return ffi.from_buffer("uint8_t[]", array)


def i16_ptr(array: npt.NDArray[Any]) -> Any:
    return ffi.from_buffer("int16_t[]", array)


def i32_ptr(array: npt.NDArray[Any]) -> Any:
    return ffi.from_buffer("int32_t[]", array)


def u32_ptr(array: npt.NDArray[Any]) -> Any:
    return ffi.from_buffer("uint32_t[]", array)


def aligned(size: int) -> U8:
    """Zeroed memory on a cache line's border, for the sake of vector loads."""
    memory = np.zeros(size + 63, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size]
