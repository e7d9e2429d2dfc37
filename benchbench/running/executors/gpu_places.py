"""Which GPU a local cell computes on: an idle one, else one whose memory holds one more cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchbench.machine import Device, usable_gpus
from benchbench.planning import RESERVED_MIB


@dataclass(frozen=True, slots=True)
class GpuPlace:
    """A GPU by the name that CUDA_VISIBLE_DEVICES takes, and its memory in MiB, None if unknown."""

    name: str
    memory_mib: int | None = None


@dataclass(frozen=True, slots=True)
class Guest:
    """A running cell: the name of its GPU, and its need of memory in MiB, None if unknown."""

    place: str
    memory_mib: int | None = None


def places_on(device: Device) -> tuple[GpuPlace, ...]:
    """Return the GPUs that cells may use, none where the run uses the CPU."""
    if device.kind != "cuda":
        return ()
    found = enumerate(usable_gpus())
    return tuple(GpuPlace(gpu.uuid or str(index), gpu.memory_mib) for index, gpu in found)


def place_for(
    memory_mib: int | None, places: Sequence[GpuPlace], guests: Sequence[Guest]
) -> GpuPlace | None:
    """Return the GPU for a cell with this need of memory, None where it has to wait.

    It is the first GPU without a guest, else the one with the fewest guests of those that hold all
    of them and the cell. A cell or a GPU of unknown size shares with none.

    >>> card = GpuPlace("0", 80_000)
    >>> place_for(30_000, [card], [Guest("0", 30_000)]) == card
    True
    >>> place_for(60_000, [card], [Guest("0", 30_000)]) is None
    True
    """
    here = {place.name: [g for g in guests if g.place == place.name] for place in places}
    holding = [place for place in places if _holds(place, here[place.name], memory_mib)]
    return min(holding, key=lambda place: len(here[place.name]), default=None)


def _holds(place: GpuPlace, guests: Sequence[Guest], memory_mib: int | None) -> bool:
    """Say whether a GPU holds one more cell; an idle one does."""
    if not guests:
        return True
    needs = [memory_mib, *(guest.memory_mib for guest in guests)]
    known = [need + RESERVED_MIB for need in needs if need is not None]
    if place.memory_mib is None or len(known) < len(needs):
        return False
    return sum(known) <= place.memory_mib
