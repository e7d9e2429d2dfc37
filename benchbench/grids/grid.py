"""A grid is a sum of products: blocks of datasets x methods x backbones x seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchbench.contract import Params, Value
from benchbench.grids.members import BackboneMember, DatasetMember, GridMember, MethodMember

NOUNS = ("dataset", "method", "backbone")
CORES = "cores"


@dataclass(frozen=True, slots=True)
class Block:
    """One product of a grid.

    - `params` go to every member that declares them, or to one member as `name.param`.
    - `search` maps parameters of methods to the values to try. All combinations are tried, and the
      leaderboard shows the combination with the best validation score.
    - `seeds` are used in place of the grid's.
    - `learning` has the shares of the training documents that every cell is also trained on.
    """

    datasets: tuple[DatasetMember, ...]
    methods: tuple[MethodMember, ...]
    backbones: tuple[BackboneMember, ...]
    params: Params = field(default_factory=dict)
    seeds: tuple[int, ...] | None = None
    search: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    learning: tuple[float, ...] = ()

    @property
    def members(self) -> tuple[GridMember, ...]:
        """The datasets, then the methods, then the backbones."""
        return (*self.datasets, *self.methods, *self.backbones)


@dataclass(frozen=True, slots=True)
class Grid:
    """A named sum of blocks.

    - `jobs` is how many cells run at once unless the user says so; CORES means one per core.
    - `note` is printed under the title of the leaderboard.
    - `closing` is the last line that a run of the grid prints.
    - `replaced` has a line for each kind of members that the command line replaces.
    """

    name: str
    title: str
    seeds: tuple[int, ...]
    blocks: tuple[Block, ...]
    jobs: int | str = 1
    note: str = ""
    closing: str = ""
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line sets in place of the grid's file. Empty means: as in the file."""

    datasets: tuple[DatasetMember, ...] = ()
    methods: tuple[MethodMember, ...] = ()
    backbones: tuple[BackboneMember, ...] = ()
    seeds: tuple[int, ...] = ()
    sets: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    limit: int | None = None
    learning: tuple[float, ...] = ()

    @property
    def replaces_members(self) -> bool:
        """Whether the members of the file are replaced by those of the command line."""
        return bool(self.datasets or self.methods or self.backbones)

    @property
    def params(self) -> dict[str, Value]:
        """The values of --set and --limit."""
        limit = {} if self.limit is None else {"limit": self.limit}
        return {**self.sets, **limit}
