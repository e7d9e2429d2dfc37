"""A small corpus."""

from __future__ import annotations

import pytest

from benchbench.kit.data import build_corpus
from tests.support.corpora import rows


@pytest.fixture
def corpus(tmp_path):
    return build_corpus(tmp_path / "built", "single-label", {"train": rows(60)})
