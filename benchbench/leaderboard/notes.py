"""The notes under a leaderboard: the data, the rules, what was resampled, where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchbench.contract import Json, Record
from benchbench.evidence import (
    Board,
    BoardDataset,
    DatasetEvidence,
    Evidence,
    System,
    SystemEvidence,
)
from benchbench.leaderboard.system_tables import Shown

LARGE_BIAS = 0.1
"""From this share of an interval's width on, a bias of the resamples is told. The value itself is
off by as much: of a normal interval of 95 % that is shifted by twice that share, 88 % is left."""
RULES = {
    "single-label": "A document gets the label with the highest score.",
    "multi-label": "A document gets every label whose score is above one threshold for all "
    "labels, tuned on validation for micro-F1; the same rule for every system. Other thresholds "
    "are shown and never rank.",
}


def of_dataset(shown: Shown, systems: Iterable[System]) -> tuple[str, ...]:
    """Return what a reader must know of a dataset and of how its systems were compared."""
    dataset, evidence = shown.dataset, shown.evidence
    notes = [_documents(dataset, evidence), RULES[dataset.kind]]
    if dataset.unseen_labels:
        notes.append(
            f"{len(dataset.unseen_labels)} labels occur outside training only; they cannot be "
            f"predicted and count as missed: {', '.join(dataset.unseen_labels)}."
        )
    if dataset.skipped_rows:
        notes.append(f"{dataset.skipped_rows} rows of the source were skipped, as was asked.")
    notes += [f"Warning: {warning}." for warning in dataset.warnings]
    if evidence.systems:
        notes += _resampled(evidence)
    of_plugins = [
        column.name for column in shown.metrics.of_plugins if dataset.kind in column.kinds
    ]
    if of_plugins:
        notes.append(f"Computed by plugins when the run ended: {', '.join(of_plugins)}.")
    notes += [
        f"{score.name}, as reported: {shown.metrics.title(score.metric)} "
        f"{score.value:g}. {score.citation}" + (f" ({score.note})" if score.note else "")
        for score in dataset.baselines
    ]
    return (*notes, *_searches(systems))


def _documents(dataset: BoardDataset, evidence: DatasetEvidence) -> str:
    documents = dataset.documents
    absent = evidence.support.count(0)
    return (
        f"{documents['train']:,} documents to train on, {documents['validation']:,} to validate, "
        f"{documents['test']:,} to test; {dataset.labels} labels"
        + (f", {absent} of them without a test document" if absent else "")
        + f". Fingerprint {dataset.fingerprint[:16]}."
    )


def _resampled(evidence: DatasetEvidence) -> list[str]:
    """Say what the intervals and the tests of this dataset are about."""
    units = f"{evidence.documents:,} test documents"
    if evidence.clusters != evidence.documents:
        units += f" in {evidence.clusters:,} groups, each drawn and exchanged as one"
    both = [system.name for system in evidence.systems if system.seeds_resampled]
    if not both:
        what = "They say test sampling only: seeds are resampled from five on."
    elif len(both) == len(evidence.systems):
        what = "Documents and seeds were resampled."
    else:
        what = f"Seeds were resampled too for {', '.join(both)}; the others: test sampling only."
    lines = [f"Intervals and tests are over {units}. {what}"]
    if low := [system for system in evidence.systems if _stands_low(system)]:
        most = max(abs(system.bias) for system in low)
        lines.append(
            f"Warning: rare labels drop out of resamples, which lose up to {most:.3f} by it: the "
            f"intervals of {len(low)} systems stand too low. More test documents would mend it."
        )
    if evidence.baseline is not None:
        best = evidence.systems[evidence.baseline].name
        lines.append(
            f"The baseline of 'p vs baseline' is {best}, the best method here that needs no causal "
            "language model."
        )
    return lines + [f"Not compared: {reason}." for reason in evidence.left_out]


def _stands_low(system: SystemEvidence) -> bool:
    """Say whether the resamples' own bias is a good part of what the interval allows for."""
    width = system.interval.high - system.interval.low
    return abs(system.bias) > LARGE_BIAS * width


def _searches(systems: Iterable[System]) -> list[str]:
    """Say of every searched system how often it was tried, what was chosen, and what all cost."""
    notes = []
    for system in systems:
        if search := system.search:
            chosen = ", ".join(f"{name} = {value}" for name, value in search.chosen.items())
            notes.append(
                f"{system.name}: the best of {search.tries} tries on validation, "
                f"{chosen}; all tries together trained {search.fit_seconds:,.1f} s."
            )
    return notes


def of_board(
    board: Board, records: Mapping[str, Record | None], evidence: Evidence
) -> tuple[str, ...]:
    """Return what holds for all tables, and where the numbers come from."""
    good = [record for record in records.values() if record and record.status == "ok"]
    notes = [
        "F1 of a label is 2TP / (2TP + FP + FN), 0 where that is 0/0; macro-F1 is the mean over "
        "all labels. SD and ± are the standard deviation over seeds (n - 1). Everything tuned was "
        "tuned on validation, which also served early stopping. "
        "Peak memory is what a cell took above its start.",
        *_statistics(evidence),
        f"{len(good)} of {len(board.cells)} cells have a result.",
    ]
    if any(record.cost.get("cells_beside") for record in good):
        notes.append("* measured while other cells ran on the same machine.")
    notes += _licences(good)
    notes += _machines(good)
    notes += [f"Not part of the grid: {reason}." for reason in board.dropped]
    if board.command:
        notes.append(f"Made by: {board.command}")
    return tuple(notes)


def _statistics(evidence: Evidence) -> list[str]:
    if not any(dataset.systems for dataset in evidence.datasets.values()):
        return []
    least = min(1.0, evidence.family / (evidence.exchanges + 1))
    return [
        f"95 % interval: percentiles of {evidence.resamples:,} bootstrap resamples of the test "
        "documents, the same for all systems (BCa in the CSV, JSON and HTML forms).",
        f"p: paired approximate randomisation of the main metric's mean over seeds, two-sided, "
        f"{evidence.exchanges:,} exchanges, (k + 1) / (B + 1), corrected by Holm for all "
        f"{evidence.family:,} pairs of this board, which makes {least:.2g} the smallest that can "
        "come out. Systems that share a letter under 'tied' are not told apart at 0.05; 'rank' is "
        "where that leaves a system.",
        "ECE: expected calibration error in 15 bins of equal width; scaled: after one temperature "
        "fitted on validation. A classifier that only decides has none.",
    ]


def _licences(records: Iterable[Record]) -> list[str]:
    """Name the terms of every backbone that has a result."""
    found = {
        record.cell.backbone.name: str(record.provenance.get("licence") or "unconfirmed")
        for record in records
        if record.cell.backbone is not None
    }
    terms = ", ".join(f"{name} {licence}" for name, licence in sorted(found.items()))
    return [f"Licences of the backbones: {terms}."] if found else []


def _machines(records: Iterable[Record]) -> list[str]:
    """Say on what the records were made; costs of different machines cannot be compared."""
    found = sorted(
        {
            f"benchbench {facts.get('benchbench')}, torch {_packages(facts).get('torch')}, "
            f"{facts.get('device')}, {facts.get('threads')} threads a cell"
            for record in records
            if (facts := record.provenance)
        }
    )
    head = "Made with: " if len(found) == 1 else "Made with different machines or versions: "
    return [head + "; ".join(found) + "."] if found else []


def _packages(facts: Json) -> Json:
    found = facts.get("packages")
    return found if isinstance(found, dict) else {}
