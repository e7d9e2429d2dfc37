"""Runs the contract checks of `benchbench.testing` on all that an installed plugin supplies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from benchbench import testing
from benchbench.catalog import Catalog
from benchbench.contract import BenchbenchError, Method, Skip, did_you_mean
from benchbench.grids import read_grid
from benchbench.machine import one_line

BACKBONES = {"causal-lm": "nano-llama", "encoder": "nano-patent-bert"}
"""The backbone with which a method is checked, by the kind that it takes."""


@dataclass(frozen=True, slots=True)
class ContractCheck:
    """One check: of what, how it ended, and why unless that is "ok"."""

    plugin: str
    about: str
    level: Literal["ok", "skipped", "fault"]
    reason: str = ""


def check_plugin(catalog: Catalog, plugin: str) -> Iterator[ContractCheck]:
    """Check everything that a plugin supplies; yield each check as it ends.

    Raises BenchbenchError for a plugin that is not installed.
    """
    if plugin not in catalog.plugins:
        raise BenchbenchError(f"Unknown plugin '{plugin}'{did_you_mean(plugin, catalog.plugins)}")
    yield ContractCheck(plugin, "it loads, and its hooks exist", "ok")
    for (noun, name), owner in sorted(catalog.sources.items()):
        if owner == plugin:
            for about, check in _checks(catalog, noun, name):
                yield _checked(plugin, about, check)


def _checks(catalog: Catalog, noun: str, name: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the checks of one thing, each with its title."""
    title = f"{noun} {name}"
    if noun == "dataset":
        yield title, lambda: testing.check_dataset(catalog.datasets[name])
    elif noun == "backbone":
        yield title, lambda: testing.check_backbone(catalog.backbones[name])
    elif noun == "method":
        yield from _method_checks(title, catalog.methods[name])
    elif noun == "metric":
        (metric,) = [metric for metric in catalog.metrics if metric.name == name]
        yield title, lambda: testing.check_metric(metric)
    elif noun == "grid":
        yield title, lambda: read_grid(catalog.grids[name], catalog)
    else:
        yield f"{title}: its members", lambda: None  # loading the plugin has looked at them


def _method_checks(title: str, method: Method) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield a check for each kind of data and of backbone that a method takes."""
    for kind in method.kinds:
        for backbone in method.backbone_kinds or (None,):
            name = BACKBONES[backbone] if backbone else None
            yield (
                f"{title}, {kind}" + (f", {name}" if name else ""),
                lambda kind=kind, name=name: testing.check_method(  # type: ignore[misc]
                    method, kind=kind, backbone=name
                ),
            )


def _checked(plugin: str, about: str, check: Callable[[], Any]) -> ContractCheck:
    """Run a check; whatever a plugin raises is its result."""
    try:
        check()
    except Skip as reason:
        return ContractCheck(plugin, about, "skipped", one_line(reason))
    except (Exception, SystemExit) as error:
        plain = isinstance(error, AssertionError | BenchbenchError) and str(error)
        return ContractCheck(plugin, about, "fault", plain or one_line(error))
    return ContractCheck(plugin, about, "ok")
