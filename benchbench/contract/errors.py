"""Everything benchbench raises on purpose. A message says what, where, and the way out."""

from __future__ import annotations

from collections.abc import Sequence


class BenchbenchError(Exception):
    """A fault that the user can mend: shown as one line, without a traceback, exit code 2."""


class PluginError(BenchbenchError):
    """A plugin could not be loaded, or broke a hook's contract."""


class UnknownName(BenchbenchError):
    """Nothing of that kind carries that name."""


class LoaderError(BenchbenchError):
    """A dataset's source cannot be read as it should be. Names file, line and remedy."""


class StoreError(BenchbenchError):
    """The store cannot be read or written."""


class GridError(BenchbenchError):
    """A grid is malformed; all its faults are listed at once."""

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        lines = [f"{source}: {faults[0]}"] if len(faults) == 1 else [f"{source}:"]
        if len(faults) > 1:
            lines += [f"  - {fault}" for fault in faults]
        super().__init__("\n".join(lines))


class GuardError(Exception):
    """A silent failure was caught. The cell fails with this message; no score is kept."""


class HeadFrozen(GuardError):
    """A parameter that must be trained is frozen or did not change."""


class Diverged(GuardError):
    """A loss, a weight or a logit is not a finite number."""


class Skip(Exception):
    """Raised where a cell cannot be run here, e.g. Skip("the weights are not on this machine")."""
