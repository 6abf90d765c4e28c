"""numpy arrays as the C core takes them: types, pointers, aligned memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge._core import ffi

I8 = npt.NDArray[np.int8]
I16 = npt.NDArray[np.int16]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]


# Each function below returns a pointer into the array's memory. The array must be contiguous and
# must outlive the pointer.


def i8_ptr(array: npt.NDArray[Any]) -> Any:
    """The array's memory as int8_t[]."""
    return ffi.from_buffer("int8_t[]", array)


def u8_ptr(array: npt.NDArray[Any]) -> Any:
    """The array's memory as uint8_t[]."""
    return ffi.from_buffer("uint8_t[]", array)


def i16_ptr(array: npt.NDArray[Any]) -> Any:
    """The array's memory as int16_t[]."""
    return ffi.from_buffer("int16_t[]", array)


def u16_ptr(array: npt.NDArray[Any]) -> Any:
    """The array's memory as uint16_t[]."""
    return ffi.from_buffer("uint16_t[]", array)


def i32_ptr(array: npt.NDArray[Any]) -> Any:
    """The array's memory as int32_t[]."""
    return ffi.from_buffer("int32_t[]", array)


def u32_ptr(array: npt.NDArray[Any]) -> Any:
    """The array's memory as uint32_t[]."""
    return ffi.from_buffer("uint32_t[]", array)


def i64_ptr(array: npt.NDArray[Any]) -> Any:
    """The array's memory as int64_t[]."""
    return ffi.from_buffer("int64_t[]", array)


def u64_ptr(array: npt.NDArray[Any]) -> Any:
    """The array's memory as uint64_t[]."""
    return ffi.from_buffer("uint64_t[]", array)


def aligned(size: int) -> U8:
    """`size` bytes of zeroed memory that begin on a 64-byte cache line, for vector loads."""
    memory = np.zeros(size + 63, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size]
