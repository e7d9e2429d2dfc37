"""Finds plugins. First-party ones take the same road as everyone else's."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from pluggy import PluginManager, PluginValidationError

from benchbench.contract import PluginError, hookspecs
from benchbench.machine import one_line

GROUP = "benchbench"
DISABLE = "BENCHBENCH_DISABLE_PLUGINS"


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed plugin: its entry point's name, its distribution and its module."""

    name: str
    distribution: str
    version: str
    module: ModuleType

    @property
    def source(self) -> str:
        """Name the plugin with its distribution, as a record's key does."""
        return f"{self.distribution}:{self.name}"


def versions_of(plugins: Iterable[Plugin]) -> dict[str, str]:
    """Return the distribution and version of each plugin, by its name."""
    return {plugin.name: f"{plugin.distribution} {plugin.version}" for plugin in plugins}


def load_plugins() -> PluginManager:
    """Return a manager holding every installed plugin, in order of name.

    Raises PluginError for two plugins of one name, one that does not import, one written for
    another API version, and one that implements a hook that does not exist. The names in
    BENCHBENCH_DISABLE_PLUGINS (comma-separated) are left out.
    """
    manager = PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    off = disabled()
    found = (point for point in entry_points(group=GROUP) if point.name not in off)
    points = sorted(found, key=lambda point: point.name)
    _refuse_duplicates(points)
    for point in points:
        _register(manager, point)
    try:
        manager.check_pending()
    except PluginValidationError as error:
        home = {point.name: _home(point) for point in points}[manager.get_name(error.plugin) or ""]
        raise PluginError(
            f"Misspelled hook in {home}: {error}. The hooks are listed in "
            "benchbench.contract.hookspecs. Mend or uninstall that plugin, or set "
            f"{DISABLE}={manager.get_name(error.plugin)}."
        ) from error
    return manager


def disabled() -> frozenset[str]:
    """Return the names that the user has switched off."""
    return frozenset(filter(None, os.environ.get(DISABLE, "").replace(" ", "").split(",")))


def installed(manager: PluginManager) -> dict[str, Plugin]:
    """Return what is known of each loaded plugin, by name."""
    points = {point.name: point for point in entry_points(group=GROUP)}
    plugins = {}
    for name, _ in manager.list_name_plugin():
        point = points.get(name)
        if point is not None and point.dist is not None:
            # an entry point may name an object in a module; its source is the module's
            module = sys.modules[point.module]
            plugins[name] = Plugin(name, point.dist.name, point.dist.version, module)
    return plugins


def _register(manager: PluginManager, point: EntryPoint) -> None:
    try:
        module: Any = point.load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"Plugin {point.name!r} from {_home(point)} did not load: {one_line(error)}. "
            f"Uninstall {_distribution(point)}, or set {DISABLE}={point.name}."
        ) from error
    written_for = getattr(module, "BENCHBENCH_API_VERSION", hookspecs.API_VERSION)
    if written_for != hookspecs.API_VERSION:
        raise PluginError(
            f"Plugin {point.name!r} from {_home(point)} was written for plugin API "
            f"{written_for}, this benchbench has {hookspecs.API_VERSION}. "
            f"Install a release of {_distribution(point)} that matches, or set "
            f"{DISABLE}={point.name}."
        )
    try:
        manager.register(module, name=point.name)
    except (PluginValidationError, ValueError) as error:
        told = " ".join(str(error).split())
        raise PluginError(f"Plugin {point.name!r} from {_home(point)}: {told}") from error


def _refuse_duplicates(points: list[EntryPoint]) -> None:
    """Say what pluggy would not: of two namesakes it keeps the first it meets."""
    for name, count in Counter(point.name for point in points).items():
        if count > 1:
            homes = " and ".join(_home(point) for point in points if point.name == name)
            raise PluginError(f"Plugin {name!r} is offered by {homes}; uninstall one.")


def _home(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value
