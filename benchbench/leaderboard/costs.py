"""What a system costs: its training, its predictions and its memory, in the mean over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, log10
from statistics import fmean

from benchbench.contract import Record

DOCUMENTS = 1000
"""A system's price is that of its training and of so many predictions."""
LEAST = 1e-9
"""A smaller amount of money is none."""


@dataclass(frozen=True, slots=True)
class SystemCost:
    """Means over the seeds of a system; None where no record has a number.

    `peak_mib` is the memory of a GPU where `on_gpu` is true, else the main memory. `beside` says
    whether other cells ran at the same time. `energy_kwh` is what the machine used while a cell
    ran, from its start to its end; `estimated` says whether the part of the CPU is an estimate.
    """

    trainable_parameters: int | None
    fit_seconds: float | None
    documents_per_second: float | None
    peak_mib: float | None
    on_gpu: bool
    beside: bool
    energy_kwh: float | None = None
    estimated: bool = False

    @classmethod
    def of(cls, records: Sequence[Record]) -> SystemCost:
        """Return what the cells of a system have cost."""
        trained = [record.facts.get("trainable_parameters") for record in records]
        gpu = _mean(records, "peak_gpu_mib")
        return cls(
            next((count for count in trained if isinstance(count, int)), None),
            _mean(records, "fit_seconds"),
            _mean(records, "documents_per_second"),
            gpu if gpu is not None else _mean(records, "peak_ram_mib"),
            gpu is not None,
            any(record.cost.get("cells_beside") for record in records),
            _mean(records, "energy_kwh"),
            any(record.cost.get("energy_estimated") for record in records),
        )

    @property
    def seconds(self) -> float | None:
        """The seconds of training and of `DOCUMENTS` predictions; None where one is not known."""
        if self.fit_seconds is None or not self.documents_per_second:
            return None
        return self.fit_seconds + DOCUMENTS / self.documents_per_second

    def training_price(self, per_hour: float) -> float | None:
        """Return what the training costs at a price per hour of the machine."""
        return None if self.fit_seconds is None else self.fit_seconds * per_hour / 3600

    def prediction_price(self, per_hour: float) -> float | None:
        """Return what `DOCUMENTS` predictions cost at a price per hour of the machine."""
        rate = self.documents_per_second
        return DOCUMENTS / rate * per_hour / 3600 if rate else None

    def words(self, per_hour: float | None = None) -> str:
        """Return the cost as the end of a sentence, as in "trains in 4 min and takes 512 MiB"."""
        about = "about " if self.beside else ""
        seconds, rate, memory = self.fit_seconds, self.documents_per_second, self.peak_mib
        prices = ("", "")
        if per_hour is not None:
            training, prediction = self.training_price(per_hour), self.prediction_price(per_hour)
            prices = f" for {money(training)}", f" at {money(prediction)} per {DOCUMENTS:,}"
        parts = (
            f"trains in {_spent(seconds, about)}{prices[0]}" if seconds is not None else "",
            f"predicts {about}{_rate(rate)} documents per second{prices[1]}" if rate else "",
            f"takes {memory:,.0f} MiB{' of the GPU' * self.on_gpu}" if memory else "",
            self._energy(),
        )
        *first, last = [part for part in parts if part] or [""]
        return f"{', '.join(first)} and {last}" if first else last

    def _energy(self) -> str:
        """Return the energy as in "uses 0.012 kWh (estimated)"; empty where it is not known."""
        if self.energy_kwh is None:
            return ""
        return f"uses {kilowatt_hours(self.energy_kwh)} kWh{' (estimated)' * self.estimated}"


def kilowatt_hours(energy: float) -> str:
    """Return an energy in kWh with two digits that count.

    >>> kilowatt_hours(1.234), kilowatt_hours(0.0000312)
    ('1.2', '0.000031')
    """
    digits = max(1 - floor(log10(energy)), 0) if energy > LEAST else 0
    return f"{energy:,.{digits}f}"


def money(amount: float | None) -> str:
    """Return an amount of money, small ones with two digits; a dash where it is not known.

    >>> money(1234.5), money(0.0313), money(0.000421), money(0.0), money(None)
    ('1,234.50', '0.031', '0.00042', '0', '–')
    """
    if amount is None:
        return "–"
    if amount >= 0.1:
        return f"{amount:,.2f}"
    digits = 1 - floor(log10(amount)) if amount >= LEAST else 0
    return f"{amount:.{digits}f}"


def duration(seconds: float) -> str:
    """Return seconds in the unit that people would use.

    >>> [duration(seconds) for seconds in (4.2, 600, 8000)]
    ['4 s', '10 min', '2.2 h']
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.1f} h"


def _spent(seconds: float, about: str) -> str:
    return f"{about}{duration(seconds)}" if seconds >= 0.5 else "less than a second"


def _rate(documents: float) -> str:
    """Return a rate with two digits that count."""
    rounded = float(f"{documents:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:,}"


def _mean(records: Iterable[Record], name: str) -> float | None:
    values = [value for record in records if (value := record.cost.get(name)) is not None]
    return fmean(values) if values else None
