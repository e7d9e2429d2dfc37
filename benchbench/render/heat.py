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
class Cell:
    """What is written, the value that it stands for, and its shade from 0 to `SHADES`."""

    text: str
    value: float | None
    shade: int
    marked: bool = False


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A row: a name, a number beside it, and its cells."""

    name: str
    count: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Heat:
    """A matrix. `corner` says what the rows are, `count_title` what their number counts."""

    title: str
    corner: str
    count_title: str
    columns: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    note: str
    sortable: bool = False


def label_f1(evidence: DatasetEvidence) -> Heat | None:
    """Return F1 of labels (rows, most frequent first) by systems; None where there are none."""
    tested = [label for label, count in enumerate(evidence.support) if count]
    if not tested or not evidence.systems:
        return None
    chosen, choice = _chosen_labels(evidence, tested)
    rows = tuple(
        HeatRow(
            evidence.labels[label],
            evidence.support[label],
            tuple(_share(system.label_f1[label]) for system in evidence.systems),
        )
        for label in chosen
    )
    absent = len(evidence.labels) - len(tested)
    note = choice
    if absent:
        note += f" Not shown, for want of a test document: {absent:,}."
    columns = tuple(each.name for each in evidence.systems)
    return Heat("F1 by label", "label", "documents", columns, rows, note, sortable=True)


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
    choice = (
        f"{MOST_LABELS} of {len(tested):,} labels, from frequent to rare: the {len(worst)} with "
        f"the lowest F1, taken over all systems, and of the others the {len(rarest)} rarest."
    )
    return sorted([*worst, *rarest], key=frequency), choice


def _share(value: float) -> Cell:
    return Cell(f"{value:.2f}".removeprefix("0"), round(value, 6), round(value * SHADES))


def confusions(evidence: DatasetEvidence, system: SystemEvidence) -> Heat | None:
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

    def cell(row: int, column: int) -> Cell:
        count = counts.get((row, column), 0)
        whole = evidence.support[row] * len(system.seeds) if single else most
        share = min(count / whole, 1.0) if whole else 0.0
        shade = max(round(share * SHADES), 1) if count else 0
        return Cell(f"{count:,}" if count else "", None, shade, single and row == column)

    rows = tuple(
        HeatRow(
            evidence.labels[row],
            evidence.support[row],
            tuple(cell(row, column) for column in labels),
        )
        for row in labels
    )
    names = tuple(evidence.labels[label] for label in labels)
    corner = "true ↓ decided →" if single else "missed ↓ wrongly assigned →"
    note = _confusion_note(evidence, system, len(labels), single)
    return Heat(system.name, corner, "documents", names, rows, note)


def _confusion_note(
    evidence: DatasetEvidence, system: SystemEvidence, shown: int, single: bool
) -> str:
    seeds = len(system.seeds)
    pooled = f" All {seeds} seeds together." if seeds > 1 else ""
    what = (
        "Documents by true and decided label; shaded by their share of the true label, "
        "the right ones framed."
        if single
        else "Documents in which one label was missed and another one wrongly assigned; "
        "shaded by their number."
    )
    if shown == len(evidence.labels):
        return what + pooled
    return f"{what}{pooled} {shown} of {len(evidence.labels):,} labels: those in most errors."
