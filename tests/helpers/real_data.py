"""The real datasets, which tests use if they are present.

They are in ../shared/data beside the checkout, or in the folder that EGGROLL_DATA names.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from eggroll_edge.bench.report import data_folder
from eggroll_edge.errors import EggrollError

try:
    FOLDER = data_folder()
    _missing = ""
except EggrollError as error:
    FOLDER, _missing = Path("no-data"), str(error)

NMNIST_SMALL, MNIST = FOLDER / "nmnist_small", FOLDER / "mnist"
needs_real_data = pytest.mark.skipif(bool(_missing), reason=_missing)
