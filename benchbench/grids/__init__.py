"""Which cells a grid means."""

from benchbench.grids.expansion import CORES, Expansion, Grid, Overrides, expand, parse_only
from benchbench.grids.file import find, read_grid

__all__ = [
    "CORES",
    "Expansion",
    "Grid",
    "Overrides",
    "expand",
    "find",
    "parse_only",
    "read_grid",
]
