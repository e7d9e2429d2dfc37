"""What the tests of prompted methods share."""

from __future__ import annotations

import pytest

from tests.support.prompted import write_prompted_model


@pytest.fixture(scope="session")
def prompted_model(tmp_path_factory):
    """The folder of a tiny model that can be prompted."""
    return write_prompted_model(tmp_path_factory.mktemp("prompted") / "tiny")
