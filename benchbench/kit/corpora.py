"""From rows to a Corpus of Arrow files, and what holds for every corpus whoever made it.

Rows stream through in batches; only label codes and 8-byte hashes of ids and groups are kept in
memory, so that a file larger than memory loads.
"""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchbench.errors import LoaderError
from benchbench.kit import splits
from benchbench.types import SPLITS, Corpus, Kind, LabelSpace, LoadReport, Split

if TYPE_CHECKING:
    import datasets
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

MAIN_METRICS: Mapping[Kind, str] = {"single-label": "macro_f1", "multi-label": "micro_f1"}
BATCH_ROWS = 1000
BATCH_CHARACTERS = 4_000_000


class Row(NamedTuple):
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


class Duplicates(NamedTuple):
    """Documents whose normalised text also stands in an earlier split.

    `conflicting` counts those of them of which no copy in that split has the same labels.
    """

    validation_in_train: int
    test_in_train: int
    test_in_validation: int
    conflicting: int


def build_corpus(
    folder: Path,
    kind: Kind,
    rows: Mapping[Split, Iterable[Row]],
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
    parts = {split: _open(folder / f"{split}.arrow") for split in SPLITS}
    corpus = Corpus(kind, MAIN_METRICS[kind], labels, **parts, report=loaded)
    _check_identities(f"{options.source}: ", lambda split: _stream(folder / f"{split}.arrow"))
    return corpus


def write_corpus(corpus: Corpus, folder: Path) -> str:
    """Write the corpus as `corpus.json` and an Arrow file a split; return its fingerprint.

    The fingerprint is a sha256 of the label space and of every row, whatever wrote them: it
    knows neither chunks nor library versions. Rows stream, index mappings are honoured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels = {
        "names": list(corpus.labels.names),
        "texts": list(corpus.labels.texts),
        "parents": dict(corpus.labels.parents),
        "unseen": list(corpus.labels.unseen),
    }
    digest = hashlib.sha256(_canonical([corpus.kind, corpus.main_metric, labels]))
    for split in SPLITS:
        digest.update(_canonical(split))
        # Written beside and moved into place: the corpus may be mapped from this very file.
        fresh = folder / f"{split}.arrow.new"
        with _writer(fresh) as writer:
            for batch in _batches(getattr(corpus, split)):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    digest.update(_canonical([*row[:5], repr(row[5])]))
                writer.write_batch(batch)
        fresh.replace(folder / f"{split}.arrow")
    facts = {
        "kind": corpus.kind,
        "main_metric": corpus.main_metric,
        "labels": labels,
        "report": asdict(corpus.report),
        "documents": {split: len(getattr(corpus, split)) for split in SPLITS},
        "training_counts": training_counts(corpus),
        "fingerprint": digest.hexdigest(),
    }
    (folder / "corpus.json").write_bytes(_canonical(facts))
    return digest.hexdigest()


def corpus_facts(folder: Path) -> dict[str, Any]:
    """Return what `corpus.json` says, without a look at the rows. Raises LoaderError.

    Keys: kind, main_metric, labels (names, texts, parents, unseen), report, documents (by
    split), training_counts (by label), fingerprint.
    """
    path = folder / "corpus.json"
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise LoaderError(f"{path}: not a stored corpus ({error}); load it again") from None
    if not isinstance(facts, dict) or "fingerprint" not in facts:
        raise LoaderError(f"{path}: not a stored corpus; load it again")
    return facts


def read_corpus(folder: Path) -> Corpus:
    """Return the corpus that `write_corpus` wrote, memory-mapped. Raises LoaderError."""
    facts = corpus_facts(folder)
    labels = facts["labels"]
    report = facts["report"]
    parts: dict[str, datasets.Dataset] = {}
    for split in SPLITS:
        parts[split] = _open(folder / f"{split}.arrow")
        if len(parts[split]) != facts["documents"][split]:
            raise LoaderError(
                f"{folder / split}.arrow: expected {facts['documents'][split]} rows, found "
                f"{len(parts[split])}: the file is cut short; load the corpus again"
            )
    return Corpus(
        facts["kind"],
        facts["main_metric"],
        LabelSpace(
            tuple(labels["names"]),
            tuple(labels["texts"]),
            labels["parents"],
            tuple(labels["unseen"]),
        ),
        **parts,
        report=LoadReport(
            report["seen"],
            report["loaded"],
            tuple(report["skipped"]),
            tuple(report["repaired"]),
            tuple(report["warnings"]),
            report["facts"],
        ),
    )


def training_counts(corpus: Corpus) -> dict[str, int]:
    """Return how many training documents each label has, in the order of the label space."""
    import numpy as np

    counts = np.bincount(label_sets(corpus.train).codes, minlength=len(corpus.labels))
    return dict(zip(corpus.labels.names, counts.tolist(), strict=True))


def label_sets(dataset: datasets.Dataset) -> splits.LabelSets:
    """Return the label codes of every document of a split."""
    import numpy as np

    codes, lengths = [np.empty(0, np.int64)], [np.zeros(1, np.int64)]
    for batch in _batches(dataset.select_columns(["labels"])):
        codes.append(batch.column(0).flatten().to_numpy().astype(np.int64))
        lengths.append(np.diff(batch.column(0).offsets.to_numpy()))
    return splits.LabelSets(np.concatenate(codes), np.cumsum(np.concatenate(lengths)))


def limit_corpus(corpus: Corpus, limit: int, seed: int) -> Corpus:
    """Return the corpus with at most `limit` documents a split, every label of it kept.

    A seeded, stratified sample, the same for a split whatever the others hold. The label space
    stays. Raises LoaderError where the limit is below the number of labels in a split.
    """
    parts: dict[str, datasets.Dataset] = {}
    for number, split in enumerate(SPLITS):
        dataset = getattr(corpus, split)
        sets = label_sets(dataset)
        if len(dataset) <= limit:
            parts[split] = dataset
            continue
        try:
            sample = splits.stratified_sample(sets, limit, seed * len(SPLITS) + number)
        except ValueError:
            least = len(set(sets.codes.tolist()))
            raise LoaderError(
                f"limit {limit} cannot keep the {least} labels of the {split} split; "
                f"give a limit of at least {least}"
            ) from None
        parts[split] = dataset.select(sample)
    facts = {**corpus.report.facts, "limit": limit}
    return replace(corpus, **parts, report=replace(corpus.report, facts=facts))


def find_duplicates(corpus: Corpus) -> Duplicates:
    """Count documents whose normalised text stands in an earlier split as well.

    Normalised: NFKC, case folded, runs of white space as one space.
    """
    import numpy as np

    hashes = {split: _text_hashes(getattr(corpus, split)) for split in SPLITS}

    def overlap(later: Split, earlier: Split) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        texts, labelled = (
            np.isin(mine, theirs)
            for mine, theirs in zip(hashes[later], hashes[earlier], strict=True)
        )
        return texts, texts & ~labelled

    validation, validation_conflicts = overlap("validation", "train")
    test, test_conflicts = overlap("test", "train")
    tuned, tuned_conflicts = overlap("test", "validation")
    conflicting = validation_conflicts.sum() + (test_conflicts | tuned_conflicts).sum()
    return Duplicates(int(validation.sum()), int(test.sum()), int(tuned.sum()), int(conflicting))


def check_corpus(corpus: Corpus) -> None:
    """Refuse a corpus that breaks the contract of `Corpus`, whoever built it.

    Raises LoaderError naming the split and the row's id: for other columns or types, empty
    splits, missing values, ids used twice, labels out of range or twice in a row, a training
    label outside the label space, a main label that is none of the labels, a single-label row
    without exactly one label, a weight that is not a finite number of at least 0, and a group
    that straddles splits.
    """
    if len(corpus.labels) < 2:
        raise LoaderError(f"the label space holds {len(corpus.labels)} labels; two are the least")
    for split in SPLITS:
        dataset = getattr(corpus, split)
        if len(dataset) == 0:
            raise LoaderError(f"{split}: the split is empty")
        _check_schema(split, dataset)
        allowed = len(corpus.labels) + (0 if split == "train" else len(corpus.labels.unseen))
        for batch in _batches(dataset):
            _check_batch(split, batch, corpus.kind, allowed)
    _check_identities("", lambda split: _batches(getattr(corpus, split)))


class _Raw(NamedTuple):
    """A split as it came: an Arrow file with codes in order of appearance, and what is kept."""

    path: Path
    labels: splits.LabelSets
    groups: NDArray[np.int64]


def _write_raw(
    path: Path, kind: Kind, rows: Iterable[Row], codes: dict[str, int], options: BuildOptions
) -> _Raw:
    """Stream `rows` to `path`; add new labels to `codes`."""
    import numpy as np
    import pyarrow as pa

    where = f"{options.source}: {path.stem.removeprefix('raw-')}"
    flat, lengths, groups = array("q"), array("q", [0]), array("q")
    schema = _schema()
    with _writer(path) as writer:
        for batch in _rows_in_batches(rows):
            cells = []
            for row in batch:
                labels = _checked_labels(where, kind, row)
                own = [codes.setdefault(label, len(codes)) for label in labels]
                main = own[0] if kind == "single-label" else codes.get(row.main or "", -1)
                cells.append((row.id, row.text, own, main, row.group, row.weight))
                flat.extend(own)
                lengths.append(len(own))
                groups.append(_hash(row.group) if row.group else -1)
            columns = zip(zip(*cells, strict=True), schema, strict=True)
            arrays = [pa.array(values, column.type) for values, column in columns]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    if not groups:
        raise LoaderError(f"{where}: 0 rows; at least one is needed")
    sets = splits.LabelSets(np.array(flat, np.int64), np.cumsum(np.array(lengths, np.int64)))
    return _Raw(path, sets, np.array(groups, np.int64))


def _rows_in_batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield lists of rows, bounded in number and in characters."""
    batch: list[Row] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += len(row.text)
        if len(batch) == BATCH_ROWS or characters > BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _checked_labels(where: str, kind: Kind, row: Row) -> tuple[str, ...]:
    """Return the row's labels, each once; raise LoaderError where the row breaks its contract."""
    fault = ""
    labels = tuple(dict.fromkeys(row.labels))
    if not row.id:
        fault = "the id is empty"
    elif not row.text.strip():
        fault = "the text is empty"
    elif not all(labels):
        fault = "a label is empty"
    elif kind == "single-label" and len(row.labels) != 1:
        fault = f"expected one label, found {len(row.labels)}"
    elif row.main is not None and row.main not in labels:
        fault = f"the main label '{row.main}' is none of its labels"
    elif not (math.isfinite(row.weight) and row.weight >= 0):
        fault = f"expected a weight of at least 0, found {row.weight}"
    elif not _encodable(row):
        fault = "it holds half of a surrogate pair, which is no text"
    if fault:
        raise LoaderError(f"{where}: row '{row.id}': {fault}; mend the source")
    return labels


def _encodable(row: Row) -> bool:
    """Say whether all text of the row can be written as UTF-8."""
    try:
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
        writers = [stack.enter_context(_writer(folder / f"{split}.arrow")) for split in SPLITS]
        for split, part in raw.items():
            start = 0
            for batch in _stream(part.path):
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
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=_schema())


def _check_schema(split: Split, dataset: datasets.Dataset) -> None:
    """Refuse other columns or types than those of `Corpus`."""
    expected = {column.name: str(column.type) for column in _schema()}
    found = {column.name: str(column.type) for column in dataset.features.arrow_schema}
    # The name of a list's items carries nothing and differs between writers.
    found = {name: kind.replace("element:", "item:") for name, kind in found.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise LoaderError(
                f"{split}: column '{name}': expected {expected.get(name, 'no such column')}, "
                f"found {found.get(name, 'none')}"
            )


def _check_batch(split: Split, batch: pa.RecordBatch, kind: Kind, allowed: int) -> None:
    """Refuse the first row whose values break the contract."""
    import numpy as np

    for column in batch.columns:
        if column.null_count or (column.type.num_fields and column.flatten().null_count):
            near = batch.column("id")[0]
            raise LoaderError(f"{split}: a value is missing (null) near row '{near}'")
    labels = batch.column("labels")
    lengths = np.diff(labels.offsets.to_numpy())
    codes = labels.flatten().to_numpy()
    owners = np.repeat(np.arange(len(lengths)), lengths)
    main = batch.column("main").to_numpy()
    weights = batch.column("weight").to_numpy()
    main_found = main == -1
    main_found[owners[codes == main[owners]]] = True
    pairs = np.lexsort((codes, owners))
    again = (np.diff(owners[pairs]) == 0) & (np.diff(codes[pairs]) == 0)
    faults = {
        f"a label index is outside 0..{allowed - 1}": owners[(codes < 0) | (codes >= allowed)],
        "a label stands twice in it": owners[pairs][1:][again],
        "its main label is none of its labels": np.flatnonzero(~main_found),
        "its weight is no finite number of at least 0": np.flatnonzero(
            ~(np.isfinite(weights) & (weights >= 0))
        ),
    }
    if kind == "single-label":
        faults["a single-label row needs exactly one label"] = np.flatnonzero(lengths != 1)
        faults["the main label of a single-label row is its label"] = np.flatnonzero(main == -1)
    for fault, rows in faults.items():
        if len(rows):
            raise LoaderError(f"{split}: row '{batch.column('id')[int(rows[0])]}': {fault}")


def _check_identities(where: str, batches: Callable[[Split], Iterator[pa.RecordBatch]]) -> None:
    """Refuse ids that are used twice, and groups that straddle splits."""
    import numpy as np

    ids, groups = [], []
    for split in SPLITS:
        own_ids, own_groups = array("q"), array("q")
        for batch in batches(split):
            own_ids.extend(map(_hash, batch.column("id").to_pylist()))
            own_groups.extend(_hash(name) for name in batch.column("group").to_pylist() if name)
        ids.append(np.array(own_ids, np.int64))
        groups.append(np.unique(np.array(own_groups, np.int64)))
    for column, parts, fault in (
        ("id", ids, "is used twice; ids must be unique over all splits"),
        ("group", groups, "straddles splits; move its documents into one of them"),
    ):
        hashes, counts = np.unique(np.concatenate(parts), return_counts=True)
        if (counts > 1).any():
            again = hashes[counts > 1][0]
            split = [split for split, own in zip(SPLITS, parts, strict=True) if again in own][-1]
            names = (name for batch in batches(split) for name in batch.column(column).to_pylist())
            name = next(name for name in names if _hash(name) == again)
            raise LoaderError(f"{where}{split}: the {column} '{name}' {fault}")


def _text_hashes(dataset: datasets.Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return int64 hashes of the normalised texts, alone and together with the label set."""
    import numpy as np

    texts, labelled = array("q"), array("q")
    for batch in _batches(dataset.select_columns(["text", "labels"])):
        for text, codes in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
            texts.append(_hash(plain))
            labelled.append(_hash(f"{sorted(codes)}{plain}"))
    return np.array(texts, np.int64), np.array(labelled, np.int64)


def _hash(text: str) -> int:
    """Return 63 bits of BLAKE2b: never negative, so that -1 can stand for none."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def _canonical(value: object) -> bytes:
    """Return the one JSON line of a value."""
    return json.dumps(value, sort_keys=True, allow_nan=False).encode() + b"\n"


def _few(names: Sequence[str]) -> str:
    """List the first five names, and say how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _schema() -> pa.Schema:
    """Return the Arrow schema of a split."""
    import pyarrow as pa

    return pa.schema(
        {
            "id": pa.string(),
            "text": pa.string(),
            "labels": pa.list_(pa.int32()),
            "main": pa.int32(),
            "group": pa.string(),
            "weight": pa.float32(),
        }
    )


def _writer(path: Path) -> AbstractContextManager[Any]:
    """Open an Arrow stream for writing."""
    import pyarrow as pa

    return pa.ipc.new_stream(str(path), _schema())  # type: ignore[no-any-return]


def _stream(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the batches of an Arrow stream; read, not mapped, so that memory stays flat."""
    import pyarrow as pa

    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
        yield from reader


def _open(path: Path) -> datasets.Dataset:
    """Return the split that an Arrow stream holds, memory-mapped. Raises LoaderError."""
    import datasets
    import pyarrow as pa

    try:
        return datasets.Dataset.from_file(str(path))
    except (OSError, pa.ArrowException) as error:
        raise LoaderError(f"{path}: not an Arrow file ({error}); load the corpus again") from None


def _batches(dataset: datasets.Dataset) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches of a fixed number, whatever chunks they lie in.

    So few that documents of 16 MiB each still fit in one Arrow string array.
    """
    for table in dataset.with_format("arrow").iter(100):
        yield table.combine_chunks().to_batches()[0]
