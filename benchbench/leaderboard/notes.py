"""The notes under a leaderboard: the data, the rules, what was resampled, how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchbench.contract import Cell, Json, Record
from benchbench.evaluation import LEAST_EXPECTED
from benchbench.evidence import (
    Board,
    BoardDataset,
    DatasetEvidence,
    Evidence,
    System,
)
from benchbench.leaderboard.bounded_scores import not_known
from benchbench.leaderboard.system_tables import Shown

NEARLY_ALL = 0.99
"""A backbone is called quantised without a note from this share of its weights on."""
RULES = {
    "single-label": "A document gets the label with the highest score.",
    "multi-label": "A document gets every label whose score is above a threshold. There is one "
    "threshold for all labels. It is tuned on validation for micro-F1, by the same rule for every "
    "system. Other thresholds are shown only for comparison.",
}

TEST = (
    "p: a two-sided test of the difference of two systems in the metric by which the board is "
    "ranked, corrected by Holm for all pairs of the dataset. Where seeds are included, it is by "
    "Student's t, the mean of that over documents and that over seeds, weighted by their "
    "variances. Else it is paired approximate randomisation: the outputs of the two are exchanged "
    "at random B times, and if k exchanges give a difference at least as large as the observed "
    "one, p = (k + 1) / (B + 1). Systems that share a letter under 'tied' do not differ "
    "significantly at 0.05. 'rank' is the range of ranks that these tests leave to a system."
)
"""What p, letters and ranks are. A board of one system per dataset has none of them."""


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
        notes += _certainty(evidence)
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


def _certainty(evidence: DatasetEvidence) -> list[str]:
    """Say what the intervals and tests of this dataset are about, and what they leave out."""
    lines = [f"{_counted_documents(evidence)} {_about(evidence)}", *_rare_labels(evidence)]
    if evidence.exchanges:
        least = min(1.0, len(evidence.pairs) / (evidence.exchanges + 1))
        lines.append(
            f"Outputs were exchanged B = {evidence.exchanges:,} times; the smallest possible p of "
            f"such a pair, corrected for {_counted(len(evidence.pairs), 'pair')}, is {least:.2g}."
        )
    if evidence.baseline is not None and evidence.pairs:
        lines.append(
            "The column 'p vs baseline' compares each system with "
            f"{evidence.systems[evidence.baseline].name}. Of the systems that need no causal "
            "language model, it is the best on validation."
        )
    return lines + [f"Not compared: {reason}." for reason in evidence.left_out]


def _rare_labels(evidence: DatasetEvidence) -> list[str]:
    """Say why macro-F1 has no interval over all labels, where it has none."""
    frequent = evidence.frequent_labels
    if frequent is None:
        return []
    expected = f"{LEAST_EXPECTED} test documents, by its share of the training documents"
    if not frequent:
        return [
            f"Macro-F1 has no interval, because no label expects {expected}. More test documents "
            "would help."
        ]
    return [
        f"A label is frequent where it expects at least {expected}: {frequent} of "
        f"{len(evidence.labels)} labels. Macro-F1 over all labels has no interval, because none "
        "would hold the truth often enough. The interval is that of macro-F1 over the frequent "
        "labels. Tests, letters and ranks are about all labels."
    ]


def _counted_documents(evidence: DatasetEvidence) -> str:
    documents = f"Intervals and tests are based on {evidence.documents:,} test documents"
    if evidence.clusters == evidence.documents:
        return f"{documents}."
    return (
        f"{documents} in {evidence.clusters:,} groups. The documents of a group are always "
        "left out or exchanged together."
    )


def _about(evidence: DatasetEvidence) -> str:
    """Say whether the verdicts are about the methods, or about the trained models alone."""
    models = [system.name for system in evidence.systems if not system.speaks_for_method]
    if not models:
        return (
            "They are about the methods, trained on these training documents: they include the "
            "choice of test documents and, where the seed matters, the choice of seeds."
        )
    which = "They" if len(models) == len(evidence.systems) else f"Those of {', '.join(models)}"
    return (
        f"{which} are about these trained models, and not about the methods: they include the "
        "choice of test documents, but not the choice of seeds. With three seeds or more "
        "(--seeds 0,1,2), they would include both."
    )


def _searches(systems: Iterable[System]) -> list[str]:
    """Return the number of tries, the choice and the cost of every search."""
    notes = []
    for system in systems:
        if search := system.search:
            chosen = ", ".join(f"{name} = {value}" for name, value in search.chosen.items())
            lost = search.incomplete
            without = f" ({lost} of them without a result for every seed)" if lost else ""
            notes.append(
                f"{system.name}: the best of {search.tries} tries{without} on validation has "
                f"{chosen}. Training all tries took {search.fit_seconds:,.1f} s."
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
    notes += _energy(good)
    notes += _warnings(
        record for record in good if record.cell.dataset.name == board.whole_of(record.cell)
    )
    notes += _licences(good)
    notes += _weights(good)
    notes += _machines(good)
    notes += [f"Not part of the grid: {reason}." for reason in board.dropped]
    if board.command:
        notes.append(f"Made by the command: {board.command}")
    return tuple(notes)


def _energy(records: Iterable[Record]) -> list[str]:
    """Return what the energy of a cell is, and by what it was measured; empty without any."""
    sources = {
        str(record.provenance.get("energy")): None
        for record in records
        if "energy_kwh" in record.cost
    }
    if not sources:
        return []
    return [
        "kWh: the energy that the whole machine used from the start of a cell to its end, in the "
        "mean over seeds, without what a cached result once took; est.: the power of the CPU is "
        f"an estimate ({'; '.join(sources)})."
    ]


def _statistics(evidence: Evidence) -> list[str]:
    if not any(dataset.systems for dataset in evidence.datasets.values()):
        return []
    return [
        "95 % interval: the value less its bias, plus and minus Student's t times its standard "
        "error, both by the jackknife over the test documents; of a share, in the log-odds. In "
        "simulations of 95 % intervals, 93 to 97 % hold the truth (tests/perf/README.md). An "
        "interval is about one system or one pair, and is not corrected for others.",
        *([TEST] if any(dataset.pairs for dataset in evidence.datasets.values()) else []),
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
