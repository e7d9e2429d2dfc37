"""From rows to a Corpus of Arrow files: the label space, the splits, the checks.

Rows stream through in batches; only label codes and 8-byte hashes of ids and groups are kept in
memory, so that a file larger than memory loads.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchbench.contract import SPLITS, Corpus, Kind, LabelSpace, LoaderError, LoadReport, Split
from benchbench.kit.data import splits
from benchbench.kit.data.arrow_files import open_split, open_writer, schema, stream, text_hash
from benchbench.kit.data.corpus_checks import check_identities

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

MAIN_METRICS: Mapping[Kind, str] = {"single-label": "macro_f1", "multi-label": "micro_f1"}
BATCH_ROWS = 1000
BATCH_CHARACTERS = 4_000_000


class Document(NamedTuple):
    """One document of a source.

    A single-label row has one label, which is also the main one. A multi-label row has its
    labels in the order of the source; `main` is one of them, or None where none is. `group` is
    the family: documents of one non-empty group never straddle splits.
    """

    id: str
    text: str
    labels: tuple[str, ...]
    main: str | None = None
    group: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How rows become a corpus.

    The fractions are shares of the rows that a missing split is carved from. `unseen_labels`
    says what becomes of labels that only occur outside training: "error", or "keep" them as gold
    that no system can predict. `declared`, `texts` and `parents` go to the label space. `source`
    names the origin in messages.
    """

    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    split_seed: int = 0
    unseen_labels: str = "error"
    declared: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    source: str = "corpus"


def build_corpus(
    folder: Path,
    kind: Kind,
    rows: Mapping[Split, Iterable[Document]],
    *,
    options: BuildOptions | None = None,
    report: Callable[[], LoadReport] | None = None,
) -> Corpus:
    """Write the rows into Arrow files under `folder` and return the corpus they make.

    `rows` must have "train"; "validation" and "test" are carved out of it where not given.
    `report` is called once, after the last row was read and before labels are judged; without
    it every row counts as loaded. Raises LoaderError.
    """
    options = options or BuildOptions()
    if "train" not in rows:
        raise LoaderError(f"{options.source}: no training rows were given")
    folder.mkdir(parents=True, exist_ok=True)
    codes: dict[str, int] = {}
    raw = {
        split: _write_raw(folder / f"raw-{split}.arrow", kind, rows[split], codes, options)
        for split in SPLITS
        if split in rows
    }
    total = sum(len(part.labels) for part in raw.values())
    loaded = report() if report else LoadReport(seen=total, loaded=total)
    labels = _label_space(raw, codes, options)
    plan = _carve(raw, options)
    _write_splits(folder, raw, plan, _final_codes(codes, labels))
    for part in raw.values():
        part.path.unlink()
    if labels.unseen:
        warning = (
            f"{len(labels.unseen)} labels occur outside training only and count as missed: "
            f"{_few(labels.unseen)}"
        )
        loaded = replace(loaded, warnings=(*loaded.warnings, warning))
    parts = {split: open_split(folder / f"{split}.arrow") for split in SPLITS}
    corpus = Corpus(kind, MAIN_METRICS[kind], labels, **parts, report=loaded)
    check_identities(f"{options.source}: ", lambda split: stream(folder / f"{split}.arrow"))
    return corpus


class _Raw(NamedTuple):
    """A split as it came: an Arrow file with codes in order of appearance, and what is kept."""

    path: Path
    labels: splits.LabelSets
    groups: NDArray[np.int64]


def _write_raw(
    path: Path, kind: Kind, rows: Iterable[Document], codes: dict[str, int], options: BuildOptions
) -> _Raw:
    """Stream `rows` to `path`; add new labels to `codes`."""
    import numpy as np

    where = f"{options.source}: {path.stem.removeprefix('raw-')}"
    flat, lengths, groups = array("q"), array("q", [0]), array("q")
    with open_writer(path) as writer:
        for batch in _rows_in_batches(rows):
            labels = [_checked_labels(where, kind, row) for row in batch]
            _check_encodable(where, batch)
            own = [codes.setdefault(label, len(codes)) for some in labels for label in some]
            flat.extend(own)
            lengths.extend(map(len, labels))
            groups.extend([text_hash(row.group) if row.group else -1 for row in batch])
            multi = kind == "multi-label"
            mains = [codes.get(row.main or "", -1) for row in batch] if multi else own
            writer.write_batch(_record_batch(batch, own, lengths[-len(batch) :], mains))
    if not groups:
        raise LoaderError(f"{where}: 0 rows; at least one is needed")
    sets = splits.LabelSets(np.array(flat, np.int64), np.cumsum(np.array(lengths, np.int64)))
    return _Raw(path, sets, np.array(groups, np.int64))


def _record_batch(
    rows: Sequence[Document], codes: Sequence[int], lengths: Sequence[int], mains: Sequence[int]
) -> pa.RecordBatch:
    """Return the rows in Arrow, column by column: row by row takes twice as long.

    `codes` are the labels of all rows, one after the other, `lengths` how many each row has.
    """
    import numpy as np
    import pyarrow as pa

    ids, texts, _, _, groups, weights = zip(*rows, strict=True)
    offsets = np.cumsum([0, *lengths], dtype=np.int32)
    labels = pa.ListArray.from_arrays(pa.array(offsets), pa.array(codes, pa.int32()))
    given = {
        "id": ids, "text": texts, "labels": labels, "main": mains, "group": groups,
        "weight": weights,
    }  # fmt: skip
    return pa.RecordBatch.from_pydict(given, schema=schema())


def _rows_in_batches(rows: Iterable[Document]) -> Iterator[list[Document]]:
    """Yield lists of rows, bounded in number and in characters."""
    batch: list[Document] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += len(row.text)
        if len(batch) == BATCH_ROWS or characters > BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _checked_labels(where: str, kind: Kind, row: Document) -> tuple[str, ...]:
    """Return the row's labels, each once; raise LoaderError where the row breaks its contract."""
    fault = ""
    labels = tuple(dict.fromkeys(row.labels)) if len(row.labels) > 1 else row.labels
    if not row.id:
        fault = "the id is empty"
    elif not row.text or row.text.isspace():
        fault = "the text is empty"
    elif not all(labels):
        fault = "a label is empty"
    elif kind == "single-label" and len(row.labels) != 1:
        fault = f"expected one label, found {len(row.labels)}"
    elif row.main is not None and row.main not in labels:
        fault = f"the main label '{row.main}' is none of its labels"
    elif not 0 <= row.weight < math.inf:
        fault = f"expected a weight of at least 0, found {row.weight}"
    if fault:
        raise LoaderError(f"{where}: row '{row.id}': {fault}; mend the source")
    return labels


def _check_encodable(where: str, batch: Sequence[Document]) -> None:
    """Raise LoaderError for a row with text that cannot be written as UTF-8."""
    if _encodable(batch):
        return
    row = next(row for row in batch if not _encodable([row]))
    raise LoaderError(
        f"{where}: row '{row.id}': it holds half of a surrogate pair, which is no text; "
        "mend the source"
    )


def _encodable(rows: Iterable[Document]) -> bool:
    """Say whether all text of the rows can be written as UTF-8."""
    try:
        for row in rows:
            "".join((row.id, row.text, row.group, *row.labels)).encode()
    except UnicodeEncodeError:
        return False
    return True


def _label_space(
    raw: Mapping[Split, _Raw], codes: Mapping[str, int], options: BuildOptions
) -> LabelSpace:
    """Return the space of training and declared labels; judge those that stand elsewhere."""
    import numpy as np

    found = list(codes)
    training = {found[code] for code in np.unique(raw["train"].labels.codes)}
    known = training | set(options.declared)
    counts = np.bincount(np.concatenate([part.labels.codes for part in raw.values()]))
    unseen = sorted(set(found) - known)
    if unseen and options.unseen_labels != "keep":
        listed = _few([f"'{label}' ({counts[codes[label]]})" for label in unseen])
        raise LoaderError(
            f"{options.source}: {len(unseen)} labels occur outside training only: {listed}; "
            "correct them, add training rows, or give unseen_labels=keep"
        )
    if len(training) < 2:
        only = "".join(f" ('{label}')" for label in training)
        raise LoaderError(
            f"{options.source}: train: {len(training)} label{only} in all rows; "
            "two or more are needed: check the label column"
        )
    names = tuple(sorted(known))
    texts = tuple(options.texts.get(name, name) for name in names)
    return LabelSpace(names, texts, dict(options.parents), tuple(unseen))


def _final_codes(codes: Mapping[str, int], labels: LabelSpace) -> NDArray[np.int32]:
    """Return int32 [n_found + 1]: code in order of appearance -> index; the last maps -1 to -1."""
    import numpy as np

    index = {name: i for i, name in enumerate((*labels.names, *labels.unseen))}
    return np.array([*(index[name] for name in codes), -1], np.int32)


def _carve(raw: Mapping[Split, _Raw], options: BuildOptions) -> NDArray[np.int64]:
    """Return int64 [n_train]: the number (in SPLITS) of the split of every row given as train."""
    import numpy as np

    shares = {"validation": options.validation_fraction, "test": options.test_fraction}
    missing = [split for split in SPLITS if split not in raw]
    fractions = [shares[split] for split in missing]
    if sum(fractions) >= 1 or any(fraction <= 0 for fraction in fractions):
        raise LoaderError(
            f"{options.source}: fractions of {' and '.join(missing)} must be above 0 and leave "
            f"something for training, found {', '.join(map(str, fractions))}"
        )
    train = raw["train"]
    parts = splits.stratified_group_split(
        train.labels, train.groups, [1 - sum(fractions), *fractions], options.split_seed
    )
    plan = np.zeros(len(train.labels), np.int64)
    for split, indices in zip(missing, parts[1:], strict=True):
        if not len(indices):
            raise LoaderError(
                f"{options.source}: train: {len(plan)} rows are too few, or their groups too "
                f"large, to set a {split} split apart; give a {split} file or more rows"
            )
        plan[indices] = SPLITS.index(split)
    return plan


def _write_splits(
    folder: Path, raw: Mapping[Split, _Raw], plan: NDArray[np.int64], final: NDArray[np.int32]
) -> None:
    """Write the final Arrow files: the rows given as train by `plan`, the others as they are."""
    import pyarrow as pa

    with ExitStack() as stack:
        writers = [stack.enter_context(open_writer(folder / f"{split}.arrow")) for split in SPLITS]
        for split, part in raw.items():
            start = 0
            for batch in stream(part.path):
                coded = _recode(batch, final)
                if split != "train":
                    writers[SPLITS.index(split)].write_batch(coded)
                    continue
                chosen = plan[start : start + batch.num_rows]
                start += batch.num_rows
                for number, writer in enumerate(writers):
                    if (chosen == number).any():
                        writer.write_batch(coded.filter(pa.array(chosen == number)))


def _recode(batch: pa.RecordBatch, final: NDArray[np.int32]) -> pa.RecordBatch:
    """Return the batch with label codes in order of appearance turned into indices."""
    import pyarrow as pa

    labels, main = batch.column("labels"), batch.column("main")
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns["labels"] = pa.ListArray.from_arrays(
        labels.offsets, pa.array(final[labels.values.to_numpy()])
    )
    columns["main"] = pa.array(final[main.to_numpy()])
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=schema())


def _few(names: Sequence[str]) -> str:
    """List the first five names, and say how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
