"""What a method says of its training: what it minimises, and what it uses validation for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from benchbench.contract.parameters import Json

LONGEST = 200
"""The most characters of a statement: it stands in a cell of a table."""


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What the table "what was tuned on what" says of a method, a few words each.

    A classifier gives it as plain data: `facts["training"] = TrainingFacts(...).to_json()`.

    - `minimises`: the loss on train and over what it is taken, e.g. "cross-entropy over the
      labels"; "nothing" where no weight is trained.
    - `early_stopping`: the loss on validation that ends the training or chooses its epoch.
    - `class_weights`: how rare labels weigh more, e.g. "balanced".
    - `tuned`: the parameters that the method itself chose on validation.

    The harness adds what it tunes for every method: the threshold, the temperature and the tries
    of a search.
    """

    minimises: str
    early_stopping: str = "no"
    class_weights: str = "no"
    tuned: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return these facts as plain data."""
        return {**asdict(self), "tuned": list(self.tuned)}

    @classmethod
    def of(cls, facts: Mapping[str, object]) -> TrainingFacts | None:
        """Return what `facts["training"]` says; None where it is missing or has another form."""
        said = facts.get("training")
        if not isinstance(said, dict) or {*said} != {*cls.__slots__}:
            return None
        tuned = said["tuned"]
        if not isinstance(tuned, list | tuple):
            return None
        made = cls(**{**said, "tuned": tuple(tuned)})
        words = (made.minimises, made.early_stopping, made.class_weights, *made.tuned)
        return made if all(isinstance(w, str) and len(w) <= LONGEST for w in words) else None
