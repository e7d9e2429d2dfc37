"""Matrices whose cells are shaded by their values: F1 by label, and confusions of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchbench.evidence import DatasetEvidence, SystemEvidence

MOST_LABELS = 40
MOST_CONFUSED = 25
SHADES = 9


@dataclass(frozen=True, slots=True)
class HeatMapCell:
    """The text of a cell, the value that it stands for, and its shade from 0 to `SHADES`."""

    text: str
    value: float | None
    shade: int
    marked: bool = False


@dataclass(frozen=True, slots=True)
class HeatMapRow:
    """A row: a name, a number beside it, and its cells."""

    name: str
    count: int
    cells: tuple[HeatMapCell, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A matrix. `corner` says what the rows are, `count_title` what their number counts."""

    title: str
    corner: str
    count_title: str
    columns: tuple[str, ...]
    rows: tuple[HeatMapRow, ...]
    note: str
    sortable: bool = False


def label_f1(evidence: DatasetEvidence) -> HeatMap | None:
    """Return the F1 of labels by systems, None where there are none.

    The rows are labels, the most frequent first; the columns are systems.
    """
    tested = [label for label, count in enumerate(evidence.support) if count]
    if not tested or not any(system.label_f1 for system in evidence.systems):
        return None
    chosen, note = _chosen_labels(evidence, tested)
    rows = tuple(
        HeatMapRow(
            evidence.labels[label],
            evidence.support[label],
            tuple(_f1_cell(system.label_f1[label]) for system in evidence.systems),
        )
        for label in chosen
    )
    if absent := len(evidence.labels) - len(tested):
        note += f" Labels without a test document are not shown: {absent:,}."
    columns = tuple(system.name for system in evidence.systems)
    return HeatMap("F1 by label", "label", "documents", columns, rows, note, sortable=True)


def _chosen_labels(evidence: DatasetEvidence, tested: Sequence[int]) -> tuple[list[int], str]:
    """Return the labels to show, most frequent first, and a sentence on how they were chosen."""

    def frequency(label: int) -> tuple[int, int]:
        return (-evidence.support[label], label)

    if len(tested) <= MOST_LABELS:
        return sorted(tested, key=frequency), "Labels from frequent to rare."

    def difficulty(label: int) -> tuple[float, int]:
        return (sum(system.label_f1[label] for system in evidence.systems), label)

    worst = sorted(tested, key=difficulty)[: MOST_LABELS // 2]
    others = sorted(set(tested) - set(worst), key=frequency, reverse=True)
    rarest = others[: MOST_LABELS - len(worst)]
    note = (
        f"{MOST_LABELS} of {len(tested):,} labels, from frequent to rare: the {len(worst)} with "
        f"the lowest F1, taken over all systems, and the {len(rarest)} rarest of the others."
    )
    return sorted([*worst, *rarest], key=frequency), note


def _f1_cell(value: float) -> HeatMapCell:
    return HeatMapCell(f"{value:.2f}".removeprefix("0"), round(value, 6), round(value * SHADES))


def confusions(evidence: DatasetEvidence, system: SystemEvidence) -> HeatMap | None:
    """Return which labels a system takes for which; None where it has no errors to show."""
    single = evidence.mcnemar_metric == "accuracy"
    errors: Counter[int] = Counter()
    for row, column, count in system.confusion:
        if row != column:
            errors.update({row: count, column: count})
    labels = sorted(label for label, _ in errors.most_common(MOST_CONFUSED))
    if not labels:
        return None
    counts = {(row, column): count for row, column, count in system.confusion}
    most = max(counts[row, column] for row, column in counts if row != column)

    def cell(row: int, column: int) -> HeatMapCell:
        count = counts.get((row, column), 0)
        whole = evidence.support[row] * len(system.seeds) if single else most
        share = min(count / whole, 1.0) if whole else 0.0
        shade = max(round(share * SHADES), 1) if count else 0
        return HeatMapCell(f"{count:,}" if count else "", None, shade, single and row == column)

    rows = tuple(
        HeatMapRow(
            evidence.labels[row],
            evidence.support[row],
            tuple(cell(row, column) for column in labels),
        )
        for row in labels
    )
    names = tuple(evidence.labels[label] for label in labels)
    corner = "true ↓ decided →" if single else "missed ↓ wrongly assigned →"
    note = _confusion_note(evidence, system, len(labels), single)
    return HeatMap(system.name, corner, "documents", names, rows, note)


def _confusion_note(
    evidence: DatasetEvidence, system: SystemEvidence, shown: int, single: bool
) -> str:
    """Return what the numbers count, and how many labels are shown."""
    seeds = len(system.seeds)
    pooled = f" All {seeds} seeds together." if seeds > 1 else ""
    content = (
        "Documents by true and decided label, shaded by their share of the true label; "
        "right decisions are framed."
        if single
        else "Documents in which one label was missed and another one was wrongly assigned, "
        "shaded by their number."
    )
    if shown == len(evidence.labels):
        return content + pooled
    return f"{content}{pooled} {shown} of {len(evidence.labels):,} labels: those in most errors."
