"""The versions of Python and of the packages, against what benchbench's metadata ask for."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from benchbench.upkeep.health import Health

NAMED = ("torch", "transformers", "peft", "bitsandbytes", "datasets")
"""The packages that are always named; any other one only if it is missing or too old."""


def check_versions(package: str = "benchbench") -> Iterator[Health]:
    """Yield how Python and the packages are that `package` needs."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    python, needs = platform.python_version(), metadata(package)["Requires-Python"]
    yield Health("ok", package, version(package))
    if needs and not SpecifierSet(needs).contains(python, prereleases=True):
        yield Health("fault", "Python", f"{python}, needed is {needs}",
                     f"Install {package} with Python {needs}.")  # fmt: skip
    else:
        yield Health("ok", "Python", python)
    for line in requires(package) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            health = check_version(requirement.name, str(requirement.specifier))
            if health.level != "ok" or requirement.name in NAMED:
                yield health


def check_version(name: str, needed: str) -> Health:
    """Return how one package is, which `needed` bounds, as in ">=2.10"."""
    from packaging.specifiers import SpecifierSet

    remedy = f"Install it: pip install '{name}{needed}'."
    try:
        found = version(name)
    except PackageNotFoundError:
        return Health("fault", name, f"it is not installed, needed is {needed}", remedy)
    if not SpecifierSet(needed).contains(found, prereleases=True):
        return Health("fault", name, f"{found}, needed is {needed}", remedy)
    return Health("ok", name, found)
