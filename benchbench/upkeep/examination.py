"""Everything that can be wrong with an installation, from the quick checks to a whole cell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchbench.contract import BenchbenchError
from benchbench.upkeep.device_checks import check_devices
from benchbench.upkeep.health import Health
from benchbench.upkeep.surroundings_checks import check_disk, check_hub, check_memory
from benchbench.upkeep.trial_cell import check_cell
from benchbench.upkeep.version_checks import check_versions


def examine(store: Path, cache: Path, *, offline: bool = False) -> Iterator[Health]:
    """Yield how everything is, as it is found. `offline` leaves out the network."""
    yield from check_versions()
    yield from check_devices()
    yield check_disk("store", store)
    yield check_disk("cache", cache)
    yield from check_memory()
    if not offline:
        yield check_hub()
    yield check_plugins()
    yield check_cell()


def check_plugins() -> Health:
    """Return whether all installed plugins load, and which they are."""
    from benchbench.catalog import load_catalog

    try:
        catalog = load_catalog()
    except BenchbenchError as error:
        message, _, remedy = str(error).rpartition(". ")
        return Health("fault", "plugins", message or str(error), remedy if message else "")
    return Health("ok", "plugins", ", ".join(catalog.plugins) or "none")
