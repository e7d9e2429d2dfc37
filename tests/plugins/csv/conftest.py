"""What the tests of the dataset `csv` share."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.tables import load_table


@pytest.fixture
def load(tmp_path):
    """Write `content` to a file and load it, with some parameters."""
    return partial(load_table, tmp_path)
