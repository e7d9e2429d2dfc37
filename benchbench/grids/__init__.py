"""Which cells a grid means."""

from benchbench.grids.expansion import Expansion, expand
from benchbench.grids.file import read_grid
from benchbench.grids.grid import CORES, Grid, Overrides
from benchbench.grids.learning import SHARES, parse_shares
from benchbench.grids.only import parse_only
from benchbench.grids.references import (
    dataset_member,
    find_backbone,
    find_dataset,
    find_method,
)

__all__ = [
    "CORES",
    "SHARES",
    "Expansion",
    "Grid",
    "Overrides",
    "dataset_member",
    "expand",
    "find_backbone",
    "find_dataset",
    "find_method",
    "parse_only",
    "parse_shares",
    "read_grid",
]
