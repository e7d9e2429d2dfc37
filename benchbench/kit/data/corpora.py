"""From documents to a Corpus of Arrow files: the label space, the splits, the checks.

Documents stream through in batches. Only label codes and 8-byte hashes of ids and groups stay in
memory, so a file larger than memory loads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.contract import SPLITS, Corpus, Kind, LabelSpace, LoaderError, LoadReport, Split
from benchbench.kit.data import splits
from benchbench.kit.data.arrow_files import open_split, open_writer, schema, stream
from benchbench.kit.data.corpus_checks import check_identities
from benchbench.kit.data.document import Document
from benchbench.kit.data.raw_splits import RawSplit, write_raw_split

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

MAIN_METRICS: Mapping[Kind, str] = {"single-label": "macro_f1", "multi-label": "micro_f1"}


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How documents become a corpus.

    The fractions are shares of the training documents that a missing split is cut from.
    `unseen_labels` decides about labels that occur only outside training: "error" refuses them,
    "keep" keeps them as gold labels that no system can predict. `declared`, `texts` and
    `parents` go to the label space. `source` names the origin in messages.
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
    documents: Mapping[Split, Iterable[Document]],
    *,
    options: BuildOptions | None = None,
    report: Callable[[], LoadReport] | None = None,
) -> Corpus:
    """Write the documents into Arrow files under `folder` and return the corpus they make.

    `documents` must have "train"; a missing "validation" or "test" is cut from it. `report` is
    called once, after the last document was read and before labels are checked; without it
    every document counts as loaded. Raises LoaderError.

    >>> from tempfile import TemporaryDirectory
    >>> labels = ("pump", "valve")
    >>> documents = [Document(str(n), f"text {n}", (labels[n % 2],)) for n in range(20)]
    >>> with TemporaryDirectory() as folder:
    ...     corpus = build_corpus(Path(folder), "single-label", {"train": documents})
    ...     len(corpus.train), len(corpus.validation), len(corpus.test)
    (14, 2, 4)
    """
    options = options or BuildOptions()
    if "train" not in documents:
        raise LoaderError(f"{options.source}: no training rows were given")
    folder.mkdir(parents=True, exist_ok=True)
    codes: dict[str, int] = {}
    raw: dict[Split, RawSplit] = {}
    for split in SPLITS:
        if split in documents:
            path, where = folder / f"raw-{split}.arrow", f"{options.source}: {split}"
            raw[split] = write_raw_split(path, kind, documents[split], codes, where)
    total = sum(len(part.labels) for part in raw.values())
    loaded = report() if report else LoadReport(seen=total, loaded=total)
    labels = _label_space(raw, codes, options)
    loaded = _with_unseen(loaded, labels.unseen)
    _write_splits(folder, raw, _plan(raw, options), _final_codes(codes, labels))
    for part in raw.values():
        part.path.unlink()
    parts = {split: open_split(folder / f"{split}.arrow") for split in SPLITS}
    corpus = Corpus(kind, MAIN_METRICS[kind], labels, **parts, report=loaded)
    check_identities(f"{options.source}: ", lambda split: stream(folder / f"{split}.arrow"))
    return corpus


def _with_unseen(report: LoadReport, unseen: Sequence[str]) -> LoadReport:
    """Return the report with a warning that names the labels that training never saw."""
    if not unseen:
        return report
    warning = (
        f"{len(unseen)} labels occur outside training only and count as missed: {_few(unseen)}"
    )
    return replace(report, warnings=(*report.warnings, warning))


def _label_space(
    raw: Mapping[Split, RawSplit], codes: Mapping[str, int], options: BuildOptions
) -> LabelSpace:
    """Return the space of training and declared labels; check labels that occur elsewhere."""
    import numpy as np

    occurring = list(codes)
    training = {occurring[code] for code in np.unique(raw["train"].labels.codes)}
    known = training | set(options.declared)
    counts = np.bincount(np.concatenate([part.labels.codes for part in raw.values()]))
    unseen = sorted(set(occurring) - known)
    if unseen and options.unseen_labels != "keep":
        listed = _few([f"'{label}' ({counts[codes[label]]})" for label in unseen])
        raise LoaderError(
            f"{options.source}: {len(unseen)} labels occur outside training only: {listed}; "
            "correct them, add training rows, or set unseen_labels=keep"
        )
    if len(training) < 2:
        only = "".join(f" ('{label}')" for label in training)
        raise LoaderError(
            f"{options.source}: train: {len(training)} label{only} in all rows; "
            "at least two are needed: check the label column"
        )
    names = tuple(sorted(known))
    texts = tuple(options.texts.get(name, name) for name in names)
    return LabelSpace(names, texts, dict(options.parents), tuple(unseen))


def _final_codes(codes: Mapping[str, int], labels: LabelSpace) -> NDArray[np.int32]:
    """Return int32 [n_codes + 1]: code in order of appearance -> index; the last maps -1 to -1."""
    import numpy as np

    index = {name: i for i, name in enumerate((*labels.names, *labels.unseen))}
    return np.array([*(index[name] for name in codes), -1], np.int32)


def _plan(raw: Mapping[Split, RawSplit], options: BuildOptions) -> NDArray[np.int64]:
    """Return int64 [n_train]: which split, by its place in SPLITS, each row of train goes to."""
    import numpy as np

    shares = {"validation": options.validation_fraction, "test": options.test_fraction}
    missing = [split for split in SPLITS if split not in raw]
    fractions = [shares[split] for split in missing]
    if sum(fractions) >= 1 or any(fraction <= 0 for fraction in fractions):
        raise LoaderError(
            f"{options.source}: fractions of {' and '.join(missing)} must be above 0 and leave "
            f"something for training; found {', '.join(map(str, fractions))}"
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
                f"large, to cut a {split} split from them; give a {split} file or more rows"
            )
        plan[indices] = SPLITS.index(split)
    return plan


def _write_splits(
    folder: Path, raw: Mapping[Split, RawSplit], plan: NDArray[np.int64], final: NDArray[np.int32]
) -> None:
    """Write the final Arrow files: `plan` moves rows of train, all others stay in their split."""
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
    """Return the batch with codes in order of appearance turned into indices of the label space."""
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
