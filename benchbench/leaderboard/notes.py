"""The notes under a leaderboard: the data, the rules, what was resampled, how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchbench.contract import Cell, Json, Record
from benchbench.evidence import (
    Board,
    BoardDataset,
    DatasetEvidence,
    Evidence,
    System,
    SystemEvidence,
)
from benchbench.leaderboard.bounded_scores import not_known
from benchbench.leaderboard.system_tables import Shown

LARGE_BIAS = 0.1
"""A bias of the resamples above this share of an interval's width is shown as a warning. The value
itself is biased by as much, so the interval is off by twice this share: a normal interval of 95 %
then covers 88 %."""
NEARLY_ALL = 0.99
"""A backbone is called quantised without a note from this share of its weights on."""
RULES = {
    "single-label": "A document gets the label with the highest score.",
    "multi-label": "A document gets every label whose score is above a threshold. There is one "
    "threshold for all labels. It is tuned on validation for micro-F1, by the same rule for every "
    "system. Other thresholds are shown only for comparison.",
}


def of_dataset(shown: Shown, systems: Sequence[System]) -> tuple[str, ...]:
    """Return what a reader must know about a dataset and how its systems were compared."""
    dataset, evidence = shown.dataset, shown.evidence
    notes = [_documents(dataset, evidence), RULES[dataset.kind]]
    if shown.metric != dataset.main_metric:
        lower = "; lower is better" if shown.lower_is_better else ""
        notes.append(f"Ranked by {shown.metrics.title(shown.metric)}{lower}.")
    notes += not_known(shown, systems)
    if dataset.unseen_labels:
        notes.append(
            f"Labels that occur only in validation or test ({len(dataset.unseen_labels)}): "
            f"{', '.join(dataset.unseen_labels)}. They cannot be predicted and count as missed."
        )
    if dataset.skipped_rows:
        notes.append(f"Rows of the source that were skipped on request: {dataset.skipped_rows:,}.")
    notes += [f"Warning: {warning}." for warning in dataset.warnings]
    if evidence.systems:
        notes += _resampled(evidence)
    of_plugins = [
        column.name for column in shown.metrics.of_plugins if dataset.kind in column.kinds
    ]
    if of_plugins:
        notes.append(f"Metrics that plugins computed when the run ended: {', '.join(of_plugins)}.")
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
        f"{documents['train']:,} documents for training, {documents['validation']:,} for "
        f"validation and {documents['test']:,} for test; {_counted(dataset.labels, 'label')}"
        + (f", {absent} of them without a test document" if absent else "")
        + f". Fingerprint of the data: {dataset.fingerprint[:16]}."
    )


def _resampled(evidence: DatasetEvidence) -> list[str]:
    """Say what was resampled for the intervals and tests of this dataset."""
    lines = [f"{_documents_resampled(evidence)} {_seeds_resampled(evidence)}"]
    if low := [system for system in evidence.systems if _is_too_low(system)]:
        most = max(abs(system.bias) for system in low)
        lines.append(
            "Warning: rare labels are missing from some resamples. This lowers the mean of the "
            f"resamples by up to {most:.3f}, so the intervals of {_counted(len(low), 'system')} "
            "are too low. More test documents would help."
        )
    if evidence.baseline is not None:
        best = evidence.systems[evidence.baseline].name
        lines.append(
            f"The column 'p vs baseline' compares each system with {best}, the best system here "
            "that needs no causal language model."
        )
    return lines + [f"Not compared: {reason}." for reason in evidence.left_out]


def _documents_resampled(evidence: DatasetEvidence) -> str:
    documents = f"Intervals and tests are based on {evidence.documents:,} test documents"
    if evidence.clusters == evidence.documents:
        return f"{documents}."
    return (
        f"{documents} in {evidence.clusters:,} groups. The documents of a group are always "
        "resampled or exchanged together."
    )


def _seeds_resampled(evidence: DatasetEvidence) -> str:
    both = [system.name for system in evidence.systems if system.seeds_resampled]
    if len(both) == len(evidence.systems):
        return "Intervals reflect both the choice of test documents and the choice of seeds."
    if not both:
        return (
            "Intervals reflect only the choice of test documents, not the choice of seeds: seeds "
            "are resampled only for systems with five or more."
        )
    return (
        f"For {', '.join(both)}, intervals reflect both the choice of test documents and the "
        "choice of seeds. For the other systems, they reflect only the choice of test documents."
    )


def _is_too_low(system: SystemEvidence) -> bool:
    """Say whether the bias of the resamples is large compared with the interval."""
    width = system.interval.high - system.interval.low
    return abs(system.bias) > LARGE_BIAS * width


def _searches(systems: Iterable[System]) -> list[str]:
    """Return the number of tries, the choice and the cost of every search."""
    notes = []
    for system in systems:
        if search := system.search:
            chosen = ", ".join(f"{name} = {value}" for name, value in search.chosen.items())
            notes.append(
                f"{system.name}: the best of {search.tries} tries on validation has {chosen}. "
                f"Training all tries took {search.fit_seconds:,.1f} s."
            )
    return notes


def of_board(
    board: Board, records: Mapping[str, Record | None], evidence: Evidence
) -> tuple[str, ...]:
    """Return what holds for all tables, and how the numbers were made."""
    good = [record for record in records.values() if record and record.status == "ok"]
    notes = [
        "The F1 of a label is 2TP / (2TP + FP + FN), and 0 where that is 0/0; macro-F1 is the mean "
        "over all labels. SD and ± are the standard deviation over seeds (n - 1). All tuning was "
        "done on validation; early stopping used validation, too. Peak memory is the memory that a "
        "cell used in addition to what was in use when it started.",
        *_statistics(evidence),
        f"{len(good)} of {len(board.cells)} cells have a result.",
    ]
    if any(record.cost.get("cells_beside") for record in good):
        notes.append("* measured while other cells ran on the same machine.")
    notes += _warnings(good)
    notes += _licences(good)
    notes += _weights(good)
    notes += _machines(good)
    notes += [f"Not part of the grid: {reason}." for reason in board.dropped]
    if board.command:
        notes.append(f"Made by the command: {board.command}")
    return tuple(notes)


def _statistics(evidence: Evidence) -> list[str]:
    if not any(dataset.systems for dataset in evidence.datasets.values()):
        return []
    least = min(1.0, evidence.family / (evidence.exchanges + 1))
    return [
        f"95 % interval: the percentiles of {evidence.resamples:,} bootstrap resamples of the test "
        "documents, which are the same for all systems. BCa intervals are in the CSV, JSON and "
        "HTML forms.",
        "p: a two-sided test by paired approximate randomisation. It compares the means over seeds "
        "of two systems, in the metric by which the board is ranked. Their outputs are exchanged "
        "at random "
        f"B = {evidence.exchanges:,} times, and k exchanges give a difference at least as large as "
        "the observed one. Then p = (k + 1) / (B + 1), corrected by Holm for all pairs of this "
        f"board ({evidence.family:,}); the smallest possible p is {least:.2g}. Systems that share "
        "a letter under 'tied' do not differ significantly at 0.05. 'rank' is the range of ranks "
        "that these tests leave to a system.",
        "ECE: the expected calibration error over 15 bins of equal width. 'scaled' means that the "
        "logits were divided by a temperature fitted on validation. A classifier without "
        "probabilities has no ECE.",
    ]


def _warnings(records: Iterable[Record]) -> list[str]:
    """Return what cells warned of, each warning once per dataset and system."""
    warnings = {
        f"Warning, {record.cell.dataset.name}, {_system(record.cell)}: {warning}.": None
        for record in records
        for warning in record.warnings
    }
    return list(warnings)


def _system(cell: Cell) -> str:
    return cell.method.name + (f" · {cell.backbone.name}" if cell.backbone else "")


def _licences(records: Iterable[Record]) -> list[str]:
    """Name the licence of every backbone that has a result."""
    licences = {
        record.cell.backbone.name: str(record.provenance.get("licence") or "unconfirmed")
        for record in records
        if record.cell.backbone is not None
    }
    terms = ", ".join(f"{name} {licence}" for name, licence in sorted(licences.items()))
    return [f"Licences of the backbones: {terms}."] if licences else []


def _weights(records: Iterable[Record]) -> list[str]:
    """Say of which backbones the weights were not simply quantised as a whole, and how."""
    facts = {
        record.cell.backbone.name: of_backbone
        for record in records
        if record.cell.backbone is not None
        and isinstance(of_backbone := record.facts.get("backbone"), dict)
    }
    return [note for name, loaded in sorted(facts.items()) for note in _of_backbone(name, loaded)]


def _of_backbone(name: str, loaded: Json) -> Iterator[str]:
    """Yield what is unusual about the weights of a backbone, by the facts of the loaded model."""
    kinds = {"NF4": "four_bit_modules", "INT8": "int8_modules"}
    kind = next((kind for kind, count in kinds.items() if loaded.get(count)), None)
    share = loaded.get("quantized_share")
    if kind and isinstance(share, int | float) and 0 <= share < NEARLY_ALL:
        yield (
            f"{name}: {share * 100:.0f} % of the weights are quantised, apart from embeddings and "
            "output head; the others are whole."
        )
    if isinstance(stored := loaded.get("stored_as"), str):
        again = f"; they were read back and then quantised as {kind}" if kind else ""
        yield f"{name}: the weights had been quantised before, as {stored}{again}."
    if isinstance(bare := loaded.get("without_adapter"), str):
        yield f"{name}: no adapter is put on {bare}."


def _machines(records: Iterable[Record]) -> list[str]:
    """Name the machines and versions; costs on different machines cannot be compared."""
    machines = sorted({_machine(record.provenance) for record in records if record.provenance})
    head = "Made with: " if len(machines) == 1 else "Made with different machines or versions: "
    return [head + "; ".join(machines) + "."] if machines else []


def _machine(provenance: Json) -> str:
    packages = provenance.get("packages")
    torch = packages.get("torch") if isinstance(packages, dict) else None
    threads = provenance.get("threads")
    return (
        f"benchbench {provenance.get('benchbench')}, torch {torch}, {provenance.get('device')}, "
        f"{threads} {'thread' if threads == 1 else 'threads'} per cell"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
