"""The generated datasets: files are written, and read by the plugins that read such files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchbench import Kind, Parameter, Params, Value
from benchbench_demo.company_table import write_table
from benchbench_demo.wipo_tree import write_tree

SEED = Parameter("data_seed", int, 0, "seed of the generator", minimum=0, maximum=999_999)


class DemoClaims:
    """A company's table of patents, filed under five units."""

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
        """Write the table under `folder`; return what the dataset `csv` needs to read it."""
        path = folder / "claims.csv"
        write_table(path, int(params["data_seed"]), int(params["documents"]))
        return {
            "path": str(path),
            "text": "title,abstract",
            "label": "unit",
            "id": "number",
            "group": "family",
            "test_fraction": 0.34,
        }


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
            "how far codes are read",
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
        """Return single-label where only main codes count."""
        return "single-label" if params["labels"] == "main" else "multi-label"

    def generate(self, params: Params, folder: Path) -> Mapping[str, Value]:
        """Write the tree under `folder`; return what the dataset `wipo-alpha` needs."""
        root = folder / "wipo-alpha"
        write_tree(root, int(params["data_seed"]), int(params["documents"]))
        return {"path": str(root), **{name: params[name] for name in ("level", "labels", "view")}}
