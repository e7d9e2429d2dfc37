"""The datasets of this plugin: how the tables of a source become a corpus."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench import SPLITS, Corpus, Kind, LoaderError, Parameter, Params, Skip, Split
from benchbench.kit.data import BuildOptions, build_corpus, unseen_labels
from benchbench.kit.typed_parameters import read_parameters
from benchbench_hub.cards import DatasetCard
from benchbench_hub.columns import ColumnNames, RowReader, chosen, first_present, label_names
from benchbench_hub.options import (
    AUTO,
    OF_A_CARD,
    OF_ANY_SET,
    HubOptions,
    revision,
)
from benchbench_hub.row_tally import RowTally
from benchbench_hub.sources import DatasetRepository, Source, find_source
from benchbench_hub.splits import choose_splits, refuse_unlabelled, rows_of
from benchbench_hub.tables import first_row, open_tables

if TYPE_CHECKING:
    from benchbench_hub.tables import Table


@dataclass(frozen=True, slots=True)
class NamedDataset:
    """A published dataset that has a card."""

    card: DatasetCard

    @property
    def name(self) -> str:
        """The name that selects it."""
        return self.card.name

    @property
    def description(self) -> str:
        """One line for `benchbench ls`."""
        return self.card.description

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters it takes."""
        return (
            *OF_A_CARD,
            revision(self.card.revision),
            unseen_labels(self.card.unseen_labels),
        )

    def kind(self, params: Params) -> Kind:
        """Return the kind that the card says."""
        return self.card.kind

    def source(self, params: Params) -> str:
        """Return a digest of the files, or the commit on the hub. Raises LoaderError, Skip."""
        return self._source(read_parameters(HubOptions, params)).digest()

    def load(self, params: Params, folder: Path) -> Corpus:
        """Read the source into Arrow files under `folder`. Raises LoaderError, Skip."""
        options, card = read_parameters(HubOptions, params), self.card
        source = self._source(options)
        config = card.config if isinstance(source, DatasetRepository) else ""
        tables = open_tables(source, config, folder / "tables")
        splits = choose_splits(card.name, source, tables, options, card.test_split)
        available = splits["train"].column_names
        columns = first_present(source.origin, card.columns, available)
        reader = RowReader(
            columns,
            label_names(splits["train"].features[columns.label]) or card.label_names,
            card.kind == "multi-label",
        )
        return _corpus(card.name, source, splits, reader, options, folder)

    def _source(self, options: HubOptions) -> Source:
        return find_source(self.card.name, self.card.hub_id, options)


@dataclass(frozen=True, slots=True)
class AnyHubDataset:
    """Any dataset of the hub, or a folder or file that has the layout of one."""

    name: str = "hub"
    description: str = "any dataset of the Hugging Face hub: --set hub.path=ORG/NAME"
    parameters: tuple[Parameter, ...] = (
        *OF_ANY_SET,
        revision("main"),
        unseen_labels(),
    )

    def kind(self, params: Params) -> Kind:
        """Return the kind that the parameters say, else that of the first row's label cell.

        A source that cannot be read counts as single-label; `source` says what is wrong with it.
        """
        options = read_parameters(HubOptions, params)
        if options.kind != AUTO:
            return "multi-label" if options.kind == "multi-label" else "single-label"
        if options.label_separator:
            return "multi-label"
        try:
            source = find_source(self.name, "", options)
            with tempfile.TemporaryDirectory() as scratch:
                row = first_row(source, options.config, options.train, Path(scratch))
            label = chosen(source.origin, options.text, options.label, list(row))[-1]
        except (LoaderError, Skip):
            return "single-label"
        return "multi-label" if isinstance(row[label], list) else "single-label"

    def source(self, params: Params) -> str:
        """Return a digest of the files, or the commit on the hub. Raises LoaderError, Skip."""
        return find_source(self.name, "", read_parameters(HubOptions, params)).digest()

    def load(self, params: Params, folder: Path) -> Corpus:
        """Read the source into Arrow files under `folder`. Raises LoaderError, Skip."""
        options = read_parameters(HubOptions, params)
        source = find_source(self.name, "", options)
        tables = open_tables(source, options.config, folder / "tables")
        splits = choose_splits(self.name, source, tables, options)
        available = splits["train"].column_names
        *text, label = chosen(source.origin, options.text, options.label, available)
        reader = RowReader(
            ColumnNames(tuple(text), label, options.label_separator),
            label_names(splits["train"].features[label]),
            self.kind(params) == "multi-label",
        )
        return _corpus(self.name, source, splits, reader, options, folder)


def _corpus(
    name: str,
    source: Source,
    splits: dict[Split, Table],
    reader: RowReader,
    options: HubOptions,
    folder: Path,
) -> Corpus:
    """Return the corpus of the chosen splits. Raises LoaderError."""
    refuse_unlabelled(name, source.origin, splits, reader.columns.label)
    tally = RowTally(source.origin, options.on_bad_row == "skip", options.max_skipped)
    tally.facts.update(f"{split}_cut_from_training" for split in SPLITS if split not in splits)
    if isinstance(source, DatasetRepository):  # the name of the count keeps the commit
        rows = sum(len(table) for table in splits.values())
        tally.facts[f"rows_of_{source.hub_id}@{source.snapshot().name}"] = rows
    return build_corpus(
        folder,
        "multi-label" if reader.multi_label else "single-label",
        {split: rows_of(split, table, reader, tally) for split, table in splits.items()},
        options=BuildOptions(
            validation_fraction=options.validation_fraction,
            test_fraction=options.test_fraction,
            split_seed=options.split_seed,
            unseen_labels=options.unseen_labels,
            source=source.origin,
        ),
        report=tally.report,
    )
