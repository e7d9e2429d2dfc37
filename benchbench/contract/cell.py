"""What is asked for: a named thing with its parameters, and one square of a grid."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchbench.contract.parameters import Json, Params


@dataclass(frozen=True, slots=True)
class Reference:
    """A named thing and the parameters asked for: `{use = "csv", as = "claims", path = "..."}`.

    `use` is a name of the catalog or something a resolver knows (a folder, a hub id); `name` is
    what the leaderboard shows.
    """

    use: str
    name: str
    params: Params = field(default_factory=dict, hash=False)

    def to_json(self) -> Json:
        """Return this reference as plain data."""
        return {"use": self.use, "name": self.name, "params": dict(self.params)}

    @classmethod
    def from_json(cls, data: Json) -> Reference:
        """Return the reference that `to_json` wrote."""
        return cls(data["use"], data["name"], dict(data["params"]))


@dataclass(frozen=True, slots=True)
class Cell:
    """One square of the grid: what was asked for, and nothing else."""

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

    @classmethod
    def from_json(cls, data: Json) -> Cell:
        """Return the cell that `to_json` wrote."""
        backbone = data["backbone"]
        return cls(
            Reference.from_json(data["dataset"]),
            Reference.from_json(data["method"]),
            Reference.from_json(backbone) if backbone else None,
            data["seed"],
        )

    @property
    def title(self) -> str:
        """Name this cell for people: method, backbone, dataset, seed."""
        backbone = f" · {self.backbone.name}" if self.backbone else ""
        return f"{self.method.name}{backbone} · {self.dataset.name} · seed {self.seed}"
