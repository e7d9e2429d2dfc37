"""The report's tables of pairs."""

from __future__ import annotations

import pytest

from benchbench.render.report.pairs import difference_table
from tests.support.reports import section


def test_differences_are_seen_from_the_other_system():
    evidence = section(6, 5).evidence
    table, pictures = difference_table(evidence)
    reference = evidence.systems[evidence.baseline]
    assert len(table.rows) == len(pictures) == 5
    for row in table.rows:
        system = evidence.systems[row.place - 1]
        assert row.entries[0].text == system.name
        assert row.entries[1].values[0] == pytest.approx(system.value - reference.value)
        low, high = row.entries[2].values
        assert low <= row.entries[1].values[0] <= high
