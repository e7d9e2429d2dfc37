"""The energy that this machine uses while a cell runs, measured by codecarbon where it is there.

codecarbon is installed with `benchbench[energy]`. It reads the counters of the CPU (RAPL) and of
GPUs. Where the counters of the CPU cannot be read, it estimates the power of the CPU from its load.
It measures the machine. So nothing is measured where several cells run at once, or elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

from benchbench.machine import one_line

PACKAGE = "codecarbon"
ESTIMATES = ("cpu_load", "constant")
"""The modes of codecarbon in which the power of a CPU is not read from counters."""
COUNTRY = "DEU"
"""codecarbon asks for one, to tell emissions; the energy does not depend on it."""
Start = Callable[[], Any]
Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """The energy of a cell, and how it was measured; `estimated` is that of the CPU."""

    kwh: float
    estimated: bool
    source: str

    @property
    def cost(self) -> dict[str, float | int | None]:
        """What the cost of a record says of it."""
        return {"energy_kwh": self.kwh, "energy_estimated": int(self.estimated)}


class EnergyMeter:
    """Measures one cell after the other; a fault of the tracker ends all measuring with a line."""

    def __init__(self, start: Start, warn: Warn) -> None:
        self._start, self._warn, self._cell = start, warn, ""
        self._tracker: Any = None

    def begin(self, cell: str) -> None:
        """Begin to measure the cell with that id."""
        self._cell = cell
        self._guarded(lambda: self._running().start_task(cell))

    def end(self, cell: str) -> EnergyUse | None:
        """Return what the cell has used; None where it was not measured."""
        if cell != self._cell:
            return None
        self._cell = ""
        found: EnergyUse | None = self._guarded(lambda: self._use(cell))
        return found

    def _use(self, cell: str) -> EnergyUse:
        tracker = self._running()
        kwh = float(tracker.stop_task(cell).energy_consumed)
        modes = [str(mode) for part in tracker._hardware if (mode := getattr(part, "_mode", None))]
        estimated = not modes or any(mode in ESTIMATES for mode in modes)
        how = "estimated from its load" if estimated else f"read by {', '.join(modes)}"
        return EnergyUse(round(kwh, 9), estimated, f"{PACKAGE} {_version()}: CPU {how}")

    def _running(self) -> Any:
        """Return the tracker; the first time, it finds the hardware, which takes seconds."""
        if self._tracker is None:
            self._tracker = self._start()
            self._tracker.start_task("setup")
            self._tracker.stop_task("setup")
        return self._tracker

    def _guarded(self, call: Callable[[], Any]) -> Any:
        """Return what the call returns; None, and a line, where it raises."""
        if self._start is _nothing:
            return None
        try:
            return call()
        except Exception as error:  # a result must not be lost for want of it
            self._warn(f"energy is not measured any more: {PACKAGE} raised {one_line(error)}")
            self._start = _nothing
            return None


def energy_meter(parallel: int, warn: Warn) -> EnergyMeter | None:
    """Return a meter; None without codecarbon, and where the energy of a cell is not separable."""
    if find_spec(PACKAGE) is None:
        return None
    if parallel > 1:
        warn(
            f"energy is not measured: {parallel} cells run at once, and what one of them uses "
            "cannot be told apart; --jobs 1 measures it."
        )
        return None
    return EnergyMeter(_codecarbon, warn)


def _codecarbon() -> Any:
    """Return a tracker that needs no network and writes no file."""
    return import_module(PACKAGE).OfflineEmissionsTracker(
        country_iso_code=COUNTRY, save_to_file=False, log_level="critical", allow_multiple_runs=True
    )


def _nothing() -> Any:
    """Stand for a tracker that has failed."""


def _version() -> str:
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return "of an unknown version"
