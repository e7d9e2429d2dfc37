"""The generated datasets: they write files, and the plugins that read such files read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchbench import Kind, Parameter, Params, Value
from benchbench.kit.typed_parameters import read_parameters
from benchbench_demo.company_table import write_table
from benchbench_demo.wipo_tree import write_tree

SEED = Parameter("data_seed", int, 0, "seed of the generator", minimum=0, maximum=999_999)


@dataclass(frozen=True, slots=True)
class ClaimsOptions:
    """The parameters of `demo-claims`, with a value for each."""

    documents: int
    data_seed: int


class DemoClaims:
    """A company's table of patents with five units as labels."""

    name = "demo-claims"
    description = "generated: a company's CSV of patents, 5 units, single-label"
    reads = "csv"
    parameters = (
        Parameter("documents", int, 600, "rows of the table", minimum=60),
        SEED,
    )

    def kind(self, params: Params) -> Kind:
        """Return single-label."""
        return "single-label"

    def generate(self, params: Params, folder: Path) -> Mapping[str, Value]:
        """Write the table under `folder`; return the parameters for the dataset `csv`."""
        options = read_parameters(ClaimsOptions, params)
        path = folder / "claims.csv"
        write_table(path, options.data_seed, options.documents)
        return {
            "path": str(path),
            "text": "title,abstract",
            "label": "unit",
            "id": "number",
            "group": "family",
            "test_fraction": 0.34,
        }


@dataclass(frozen=True, slots=True)
class PatentsOptions:
    """The parameters of `demo-patents`, with a value for each."""

    documents: int
    data_seed: int
    level: str
    labels: str
    view: str


class DemoPatents:
    """A WIPO-Alpha tree of patents with main and secondary codes."""

    name = "demo-patents"
    description = "generated: a WIPO-Alpha tree of patents, 19 IPC subclasses, multi-label"
    reads = "wipo-alpha"
    parameters = (
        Parameter("documents", int, 600, "documents of the tree", minimum=150),
        SEED,
        Parameter(
            "level",
            str,
            "subclass",
            "level of the classification to which codes are cut",
            choices=("section", "class", "subclass", "main-group"),
        ),
        Parameter(
            "labels",
            str,
            "main+secondary",
            "codes of a document that are its labels",
            choices=("main", "main+secondary"),
        ),
        Parameter("view", str, "title,abstract", "texts of a document, as for wipo-alpha"),
    )

    def kind(self, params: Params) -> Kind:
        """Return single-label where main codes are the only labels."""
        options = read_parameters(PatentsOptions, params)
        return "single-label" if options.labels == "main" else "multi-label"

    def generate(self, params: Params, folder: Path) -> Mapping[str, Value]:
        """Write the tree under `folder`; return the parameters for the dataset `wipo-alpha`."""
        options = read_parameters(PatentsOptions, params)
        root = folder / "wipo-alpha"
        write_tree(root, options.data_seed, options.documents)
        return {
            "path": str(root),
            "level": options.level,
            "labels": options.labels,
            "view": options.view,
        }
