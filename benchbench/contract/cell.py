"""What is asked for: one cell of a grid, and the references that it is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchbench.contract.local_path import paths_in
from benchbench.contract.parameters import Json, Params


@dataclass(frozen=True, slots=True)
class Reference:
    """A dataset, method or backbone and its parameters: `{use = "csv", as = "x", path = "..."}`.

    `use` is a name in the catalog, or something that a plugin resolves (a folder, a hub id).
    `name` is what the leaderboard shows. `params` has only the parameters that were asked for.
    """

    use: str
    name: str
    params: Params = field(default_factory=dict, hash=False)

    @property
    def paths(self) -> tuple[tuple[str, str], ...]:
        """The paths in this reference as (path, name that may be published)."""
        found = paths_in({"use": self.use, **self.params})
        return tuple(pair for path in found for pair in path.spellings)

    def to_json(self) -> Json:
        """Return this reference as plain data."""
        return {"use": self.use, "name": self.name, "params": dict(self.params)}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a grid: what was asked for, and nothing else."""

    dataset: Reference
    method: Reference
    backbone: Reference | None
    seed: int

    def to_json(self) -> Json:
        """Return this cell as plain data."""
        return {
            "dataset": self.dataset.to_json(),
            "method": self.method.to_json(),
            "backbone": self.backbone.to_json() if self.backbone else None,
            "seed": self.seed,
        }

    @property
    def paths(self) -> tuple[tuple[str, str], ...]:
        """The paths in this cell as (path, name that may be published)."""
        references = filter(None, (self.dataset, self.method, self.backbone))
        return tuple(pair for reference in references for pair in reference.paths)

    @property
    def title(self) -> str:
        """The name of this cell for people: method, backbone, dataset and seed."""
        backbone = f" · {self.backbone.name}" if self.backbone else ""
        return f"{self.method.name}{backbone} · {self.dataset.name} · seed {self.seed}"
