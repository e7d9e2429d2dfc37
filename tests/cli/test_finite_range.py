"""Numbers of options: inside their range, and finite."""

from __future__ import annotations

import click
import pytest

from benchbench.cli.finite_range import FiniteRange


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "NaN", "1e999", "-1", "x"])
def test_what_is_no_number_of_the_range_is_refused(text):
    with pytest.raises(click.BadParameter):
        FiniteRange(min=0).convert(text, None, None)


def test_a_number_of_the_range_is_taken():
    assert FiniteRange(min=0).convert("2.5", None, None) == 2.5
