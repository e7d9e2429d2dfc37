"""What is wrong: tables of what a leaderboard's first system gets wrong on each dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchbench.analysis.findings import plural
from benchbench.analysis.judged_split import JudgedSplit, judge, judged_systems, systems_of
from benchbench.analysis.label_errors import label_errors, pair_errors
from benchbench.analysis.suspects import Suspect, suspect_labels
from benchbench.analysis.wrong_documents import WrongDocument, disagreements, wrong_documents
from benchbench.contract import BenchbenchError, Split
from benchbench.evidence import Board, System, records_on, systems_on, values_of
from benchbench.inference import TrainedSystem, seed_of_system, texts_at_hand
from benchbench.leaderboard import Column, Entry, Leaderboard, Row, Section, Table
from benchbench.records import Store

MOST = 20
"""So many rows of a table are shown; `benchbench errors --output` writes all of them."""
TEXT_CHARACTERS = 300
"""So much of a text is shown."""
CONFIDENCE = Column.of("probability", "probability")
ID = Column.of("id", "document", words=True)
TEXT = Column.of("text", "text", words=True)


@dataclass(frozen=True, slots=True)
class JudgedSystem:
    """A trained system of a store, and what it decides about the test documents.

    `shows_texts` says whether a table may hold texts of documents.
    """

    store: Store
    trained: TrainedSystem
    judged: JudgedSplit
    shows_texts: bool

    def texts(self, split: Split, ids: Sequence[str]) -> list[str]:
        """Return the beginnings of texts; empty where they are not at hand or not to be shown."""
        if not self.shows_texts:
            return []
        dataset = str(self.trained.record.identity.get("dataset"))
        found = texts_at_hand(dataset, split, ids)
        return [_beginning(found.get(name, "")) for name in ids] if found else []


def with_mistakes(
    leaderboard: Leaderboard, store: Store, board: Board, *, texts: bool
) -> Leaderboard:
    """Return the leaderboard whose sections say what their first system gets wrong.

    `leaderboard` was made of `board`. With `texts`, the beginnings of documents are in the tables
    where the prepared dataset is in the cache. Without predictions a section is as it was.
    """
    records = records_on(store, board)
    values = values_of(store, board, records)
    sections = []
    for section in leaderboard.sections:
        ranked = {
            (system.method, system.backbone): system
            for system in systems_on(board, section.title, records, values)[0]
        }
        compared = section.evidence.systems[:2] if section.evidence else ()
        best = [ranked[key] for one in compared if (key := (one.method, one.backbone)) in ranked]
        try:
            judged = [_judged(store, system, texts=texts) for system in best]
            tables = tuple(_tables(judged, board.name)) if judged else ()
        except BenchbenchError:  # its predictions are gone: the leaderboard says so
            tables = ()
        sections.append(replace(section, mistakes=tables))
    return replace(leaderboard, sections=tuple(sections))


def holds_texts(sections: Sequence[Section]) -> bool:
    """Say whether a table of mistakes has texts of documents."""
    return any(TEXT in table.columns for section in sections for table in section.mistakes)


def _judged(store: Store, system: System, *, texts: bool) -> JudgedSystem:
    trained = seed_of_system(store, system)
    return JudgedSystem(store, trained, judge(store, trained), texts)


def _tables(systems: Sequence[JudgedSystem], board: str) -> Iterator[Table]:
    best = systems[0]
    yield _wrong(best)
    yield _labels(best.judged)
    if (pairs := _pairs(best.judged)).rows:
        yield pairs
    if systems[1:]:
        yield _disagreements(best, systems[1].judged)
    yield _suspects(best, board)


def _wrong(system: JudgedSystem) -> Table:
    judged, found = system.judged, wrong_documents(system.judged)
    table = Table(
        "wrong",
        f"Documents that {judged.title} gets wrong",
        (ID, Column.of("gold", "gold", words=True), _decided("predicted"), CONFIDENCE),
        tuple(_document(place, one) for place, one in enumerate(found[:MOST], start=1)),
        (
            f"{len(found):,} of {len(judged.ids):,} test documents are wrong{_first(len(found))}. "
            "The most confident errors are first. Of several seeds, it is the one that is best on "
            "validation.",
        ),
    )
    return _with_texts(table, system.texts("test", [one.id for one in found[:MOST]]))


def _disagreements(system: JudgedSystem, other: JudgedSplit) -> Table:
    found = disagreements(system.judged, other)
    rows = tuple(_document(place, one) for place, one in enumerate(found[:MOST], start=1))
    table = Table(
        "disagreements",
        f"Documents on which it disagrees with {other.title}",
        (ID, Column.of("gold", "gold", words=True), _decided("first"), CONFIDENCE,
         _decided("second")),
        rows,
        (f"{len(found):,} of {len(other.ids):,} test documents{_first(len(found))}."
         + " Those of which the first system is surest are first." * bool(found),),
    )  # fmt: skip
    return _with_texts(table, system.texts("test", [one.id for one in found[:MOST]]))


def _document(place: int, one: WrongDocument) -> Row:
    entries = [
        Entry.words(one.id), Entry.words(_names(one.gold)), Entry.words(_names(one.predicted)),
        Entry.number(one.confidence),
    ]  # fmt: skip
    if one.other is not None:
        entries.append(Entry.words(_names(one.other)))
    return Row(place, tuple(entries))


def _labels(judged: JudgedSplit) -> Table:
    found = label_errors(judged)
    columns = (
        Column.of("label", "label", words=True), Column.of("documents", "documents"),
        Column.of("predicted", "predicted"), Column.of("right", "right"),
        Column.of("precision", "precision"), Column.of("recall", "recall"), Column.of("f1", "F1"),
    )  # fmt: skip
    rows = tuple(
        Row(
            place,
            (
                Entry.words(one.label),
                *(Entry.number(count, ",d") for count in (one.documents, one.predicted, one.right)),
                *(Entry.number(value) for value in (one.precision, one.recall, one.f1)),
            ),
        )
        for place, one in enumerate(found[:MOST], start=1)
    )
    note = f"{plural(len(found), 'label')}{_first(len(found))}."
    return Table("labels", "Its labels, the lowest F1 first", columns, rows, (note,))


def _pairs(judged: JudgedSplit) -> Table:
    found = pair_errors(judged)
    columns = (
        Column.of("label", "label", words=True), Column.of("taken_for", "taken for", words=True),
        Column.of("documents", "documents"),
    )  # fmt: skip
    rows = tuple(
        Row(
            place,
            (Entry.words(one.gold), Entry.words(one.predicted), Entry.number(one.documents, ",d")),
        )
        for place, one in enumerate(found[:MOST], start=1)
    )
    note = f"{plural(len(found), 'pair')}{_first(len(found))}, the most frequent first."
    return Table("label_pairs", "Labels that it takes for each other", columns, rows, (note,))


def _suspects(system: JudgedSystem, board: str) -> Table:
    """Return the suspects of validation and test, by all systems of the board."""
    systems = [*systems_of(system.store, system.trained, board)]
    rows: list[Row] = []
    texts: list[str] = []
    notes = [
        "Suspect by confident learning (Northcutt et al., 2021): at least half of the systems "
        "suggest the same label. Look at them before you correct anything."
    ]
    splits: tuple[Split, ...] = ("test", "validation")
    for split in splits:
        found = suspect_labels(judged_systems(system.store, systems, split))
        notes.append(f"{split}: {found.sentence}")
        shown = found.suspects[: MOST // len(splits)]
        rows += [_suspect(split, len(rows) + place, one) for place, one in enumerate(shown, 1)]
        texts += system.texts(split, [one.id for one in shown])
    columns = (
        Column.of("split", "split", words=True), ID, Column.of("gold", "gold", words=True),
        _decided("suggested"), Column.of("systems", "systems"), CONFIDENCE,
    )  # fmt: skip
    table = Table("suspects", "Labels that may be wrong", columns, tuple(rows), tuple(notes))
    return _with_texts(table, texts)


def _suspect(split: Split, place: int, one: Suspect) -> Row:
    words = (split, one.id, one.gold or "–", one.suggested or "–")
    numbers = (Entry.number(one.systems, ",d"), Entry.number(one.probability))
    return Row(place, (*map(Entry.words, words), *numbers))


def _decided(key: str) -> Column:
    return Column.of(key, key, words=True)


def _with_texts(table: Table, texts: Sequence[str]) -> Table:
    """Return the table with a column of texts, or as it is where there are none for its rows."""
    if not texts or len(texts) != len(table.rows):
        return table
    rows = tuple(
        replace(row, entries=(*row.entries, Entry.words(text)))
        for row, text in zip(table.rows, texts, strict=True)
    )
    return replace(table, columns=(*table.columns, TEXT), rows=rows)


def _beginning(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= TEXT_CHARACTERS else f"{words[: TEXT_CHARACTERS - 1]}…"


def _names(labels: Sequence[str]) -> str:
    return ", ".join(labels) or "–"


def _first(found: int) -> str:
    return f", of which the first {MOST} are shown" if found > MOST else ""
