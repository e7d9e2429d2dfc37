"""F1 by label and confusions of labels: which labels are shown, and what their cells hold."""

from __future__ import annotations

from benchbench.render.charts.heat_map import MOST_LABELS, confusions, label_f1
from tests.support.reports import section


def test_labels_are_chosen_by_difficulty_and_rarity_and_shown_by_frequency():
    evidence = section(3, 451).evidence
    heat = label_f1(evidence)
    assert len(heat.rows) == MOST_LABELS
    counts = [row.count for row in heat.rows]
    assert counts == sorted(counts, reverse=True) and min(counts) > 0
    means = {
        name: sum(system.label_f1[number] for system in evidence.systems)
        for number, name in enumerate(evidence.labels)
        if evidence.support[number]
    }
    names = {row.name for row in heat.rows}
    assert set(sorted(means, key=means.get)[: MOST_LABELS // 2]) <= names


def test_a_confusion_matrix_holds_the_counts_of_its_labels():
    evidence = section(6, 5).evidence
    system = evidence.systems[0]
    heat = confusions(evidence, system)
    names = list(evidence.labels)
    counts = {(row, column): count for row, column, count in system.confusion}
    for row in heat.rows:
        for column, cell in zip(heat.columns, row.cells, strict=True):
            count = counts.get((names.index(row.name), names.index(column)), 0)
            assert cell.text == (f"{count:,}" if count else "")
            assert cell.marked == (row.name == column)
