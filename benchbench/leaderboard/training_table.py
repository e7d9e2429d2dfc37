"""The table of what each system trained on, and what was tuned on validation."""

from __future__ import annotations

from collections.abc import Iterator

from benchbench.contract import Kind, Record, TrainingFacts
from benchbench.evidence import System
from benchbench.leaderboard.system_tables import NAMES, Shown
from benchbench.leaderboard.tables import Column, Entry, Row, Table

NOT_SAID = "not said"
COLUMNS = (
    *NAMES,
    Column.of("minimises", "training minimises", words=True),
    Column.of("early_stopping", "early stopping by validation", words=True),
    Column.of("class_weights", "class weights", words=True),
    Column.of("tuned", "tuned on validation", words=True),
    Column.of("seeded", "depends on the seed", words=True),
)


def training_table(shown: Shown) -> Table | None:
    """Return one row per system; None where no system says anything, as in older records."""
    systems = [(place, system) for place, system in shown.placed if system.records]
    if not any(TrainingFacts.of(system.records[0].facts) for _, system in systems):
        return None
    return Table(
        "training",
        "What was tuned on what",
        COLUMNS,
        tuple(Row(place, _entries(shown.dataset.kind, system)) for place, system in systems),
        (
            "What the methods say of themselves; none of them is given a test document. Losses "
            "over the labels and over the vocabulary are different measures, so early stopping "
            "may favour a method. The threshold and the temperature are tuned by one rule for "
            "every system, and a temperature changes no decision.",
        ),
    )


def _entries(kind: Kind, system: System) -> tuple[Entry, ...]:
    record = system.records[0]  # the seeds of a system differ in nothing else
    said = TrainingFacts.of(record.facts)
    words = (said.minimises, said.early_stopping, said.class_weights) if said else (NOT_SAID,) * 3
    tuned = ", ".join([*_of_method(said), *_of_search(system), *_of_harness(kind, record)])
    texts = (system.method, system.backbone or "–", *words, tuned or "nothing", _seeded(record))
    return tuple(map(Entry.words, texts))


def _of_method(said: TrainingFacts | None) -> tuple[str, ...]:
    return said.tuned if said else (f"by the method: {NOT_SAID}",)


def _of_search(system: System) -> Iterator[str]:
    if search := system.search:
        yield f"{', '.join(search.chosen)} (search of {search.tries} tries)"


def _of_harness(kind: Kind, record: Record) -> Iterator[str]:
    """Yield what the evidence tunes on validation, as `benchbench.evaluation.tune` does."""
    if record.facts.get("hard"):
        return
    if kind == "multi-label":
        yield "threshold"
    if record.exact_best is None:
        yield "temperature"


def _seeded(record: Record) -> str:
    seeded = record.facts.get("seeded")
    return ("yes" if seeded else "no") if isinstance(seeded, bool) else NOT_SAID
