"""Finds plugins: first-party ones by the same entry points as everyone else's."""

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
    """An installed plugin: the name of its entry point, its distribution and its module."""

    name: str
    distribution: str
    version: str
    module: ModuleType

    @property
    def source(self) -> str:
        """The plugin's name with its distribution, as in a record's key."""
        return f"{self.distribution}:{self.name}"


def versions_of(plugins: Iterable[Plugin]) -> dict[str, str]:
    """Return plugin name -> distribution and version."""
    return {plugin.name: f"{plugin.distribution} {plugin.version}" for plugin in plugins}


def load_plugins() -> PluginManager:
    """Return a manager with every installed plugin, in order of name.

    The names in BENCHBENCH_DISABLE_PLUGINS (comma-separated) are left out. Raises PluginError if

    - two plugins have one name,
    - a plugin does not import,
    - a plugin was written for another API version,
    - a plugin implements a hook that does not exist.
    """
    manager = PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    off = disabled()
    enabled = (point for point in entry_points(group=GROUP) if point.name not in off)
    points = sorted(enabled, key=lambda point: point.name)
    _refuse_duplicates(points)
    for point in points:
        _register(manager, point)
    try:
        manager.check_pending()
    except PluginValidationError as error:
        home = {point.name: _home(point) for point in points}[manager.get_name(error.plugin) or ""]
        raise PluginError(
            f"Misspelled hook in {home}: {error}. The hooks are listed in "
            "benchbench.contract.hookspecs. Correct or uninstall that plugin, or set "
            f"{DISABLE}={manager.get_name(error.plugin)}."
        ) from error
    return manager


def disabled() -> frozenset[str]:
    """Return the names of the plugins that the user has switched off."""
    return frozenset(filter(None, os.environ.get(DISABLE, "").replace(" ", "").split(",")))


def installed(manager: PluginManager) -> dict[str, Plugin]:
    """Return plugin name -> plugin, for every plugin that was loaded."""
    points = {point.name: point for point in entry_points(group=GROUP)}
    plugins = {}
    for name, _ in manager.list_name_plugin():
        point = points.get(name)
        if point is not None and point.dist is not None:
            # an entry point may name an object in a module; then the module is the source
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
        reason = " ".join(str(error).split())
        raise PluginError(f"Plugin {point.name!r} from {_home(point)}: {reason}") from error


def _refuse_duplicates(points: list[EntryPoint]) -> None:
    """Raise PluginError for two plugins of one name: pluggy would keep the first silently."""
    for name, count in Counter(point.name for point in points).items():
        if count > 1:
            homes = " and ".join(_home(point) for point in points if point.name == name)
            raise PluginError(f"Plugin {name!r} is offered by {homes}; uninstall one.")


def _home(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value
