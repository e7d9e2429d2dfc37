"""Which tables of a source are the splits, and the documents in their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from benchbench import SPLITS, LoaderError, Split, did_you_mean
from benchbench.kit.data import Document
from benchbench_hub.columns import UNLABELLED, RowReader
from benchbench_hub.options import AUTO, CUT, HubOptions
from benchbench_hub.row_tally import RowTally, UnusableRow
from benchbench_hub.sources import LocalFiles, Source

if TYPE_CHECKING:
    from benchbench_hub.tables import Table

VALIDATION_NAMES = ("validation", "valid", "val", "dev")
TEST = "test"
BATCH_ROWS = 1000


def choose_splits(
    name: str,
    source: Source,
    tables: Mapping[str, Table],
    options: HubOptions,
    test_split: str = TEST,
) -> dict[Split, Table]:
    """Return the table of every split that is not to be cut from training.

    `test_split` is the split that is test by default. Raises LoaderError for a split that is not
    there and for one that is used twice.
    """
    if isinstance(source, LocalFiles):  # its files were given split by split
        return {split: tables[split] for split in SPLITS if split in tables}
    test = _name(options.test, (test_split, TEST), tables)
    free = [other for other in VALIDATION_NAMES if other != test]
    validation = _name(options.validation, free, tables)
    names: dict[Split, str] = {"train": options.train, "validation": validation, "test": test}
    names = {split: chosen for split, chosen in names.items() if chosen}
    for split, chosen in names.items():
        if chosen not in tables:
            raise LoaderError(
                f"{source.origin}: unknown split '{chosen}'{did_you_mean(chosen, tables)} "
                f"Set {name}.{split} to one of them"
            )
    if len(set(names.values())) < len(names):
        used = ", ".join(f"{split}={chosen}" for split, chosen in names.items())
        raise LoaderError(
            f"{source.origin}: one split is used twice ({used}); set {name}.validation={CUT}"
        )
    return {split: tables[chosen] for split, chosen in names.items()}


def _name(value: str, usual: Sequence[str], tables: Mapping[str, Table]) -> str:
    """Return the name of a split in the source; "" where it is cut from training."""
    if value == AUTO:
        return next((name for name in usual if name in tables), "")
    return "" if value == CUT else value


def refuse_unlabelled(name: str, origin: str, splits: Mapping[Split, Table], label: str) -> None:
    """Raise LoaderError for a split in which no row has a label, as in a test kept secret."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for split, table in splits.items():
        if label not in table.column_names:
            raise LoaderError(
                f"{origin}: {split}: unknown column '{label}'"
                f"{did_you_mean(label, table.column_names)}"
            )
        column = table.data.column(label)
        labelled = column.drop_null()
        if pa.types.is_integer(column.type):
            labelled = labelled.filter(pc.not_equal(labelled, UNLABELLED))
        if len(column) and not len(labelled):
            other = "validation" if split == TEST and "validation" in splits else CUT
            raise LoaderError(
                f"{origin}: {split}: no row has a label ('{label}' is {UNLABELLED} or missing in "
                f"all of them); set {name}.{split}={other}"
            )


def rows_of(split: Split, table: Table, reader: RowReader, tally: RowTally) -> Iterator[Document]:
    """Yield the good rows of a split and count all rows in `tally`. Raises LoaderError."""
    for name in reader.columns.names:
        if name not in table.column_names:
            raise LoaderError(
                f"{tally.source}: {split}: unknown column '{name}'"
                f"{did_you_mean(name, table.column_names)}"
            )
    number = 0
    for batch in table.select_columns(list(reader.columns.names)).iter(BATCH_ROWS):
        for cells in zip(*batch.values(), strict=True):
            number += 1
            tally.seen += 1
            row = dict(zip(batch, cells, strict=True))
            try:
                text, labels = reader.text(row), reader.labels(row)
            except UnusableRow as fault:
                tally.bad(f"{split}, row {number}", str(fault))
                continue
            main = None if reader.multi_label else labels[0]
            yield Document(f"{split}:{number}", text, labels, main)
