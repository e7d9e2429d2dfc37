"""The errors that benchbench raises. A message says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence


class BenchbenchError(Exception):
    """An error that the user can fix: shown as one line without a traceback; exit code 2."""


class PluginError(BenchbenchError):
    """A plugin could not be loaded, or broke a hook's contract."""


class UnknownName(BenchbenchError):
    """There is nothing with the name that was asked for."""


class LoaderError(BenchbenchError):
    """A dataset's source cannot be read. The message names the file, the line and the remedy."""


class StoreError(BenchbenchError):
    """The store cannot be read or written."""


class GridError(BenchbenchError):
    """A grid has faults; the message lists all of them."""

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        lines = [f"{source}: {faults[0]}"] if len(faults) == 1 else [f"{source}:"]
        if len(faults) > 1:
            lines += [f"  - {fault}" for fault in faults]
        super().__init__("\n".join(lines))


class GuardError(Exception):
    """A guard caught a silent failure. The cell fails with this message and has no score."""


class HeadFrozen(GuardError):
    """A parameter that must be trained is frozen or did not change."""


class Diverged(GuardError):
    """A loss, a weight or a logit is not a finite number."""


class Skip(Exception):
    """Raise this where a cell cannot run, e.g. Skip("the weights are not on this machine")."""
