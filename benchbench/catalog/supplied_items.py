"""Collects what the installed plugins supply, and refuses a name that exists already."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.catalog.checks import check_item
from benchbench.contract import Baseline, BenchbenchError, Metric, PluginError
from benchbench.evaluation.metric_names import taken_for
from benchbench.evaluation.registry import METRICS
from benchbench.machine import one_line

if TYPE_CHECKING:
    from pluggy import PluginManager


@dataclass(frozen=True, slots=True)
class SuppliedItems:
    """What plugins supply. `owners` maps (noun, key) to a plugin, or to None for the harness."""

    manager: PluginManager
    owners: dict[tuple[str, Hashable], str | None] = field(default_factory=dict)

    def items(self, noun: str) -> dict[str, Any]:
        """Return the datasets, methods, backbones or executors of all plugins, sorted by name."""
        items: dict[str, Any] = {}
        for plugin, item in self._supplied(f"benchbench_{noun}s"):
            check_item(plugin, noun, item)
            self._claim(plugin, noun, item.name)
            items[item.name] = item
        return dict(sorted(items.items()))

    def baselines(self) -> tuple[Baseline, ...]:
        """Return the published scores of all plugins."""
        baselines = []
        for plugin, baseline in self._supplied("benchbench_baselines"):
            _check_type(plugin, "baseline", baseline, Baseline)
            params = repr(sorted(baseline.params.items()))
            key = (baseline.name, baseline.dataset, params, baseline.metric)
            self._claim(plugin, "baseline", baseline.name, key)
            baselines.append(baseline)
        return tuple(baselines)

    def grids(self) -> dict[str, Path]:
        """Return the file of each named grid, those of the harness first."""
        ours = Path(str(files("benchbench") / "grids"))
        grids = {path.stem: path for path in sorted(ours.glob("*.toml"))}
        for name in grids:
            self._claim(None, "grid", name)
        for plugin, (name, path) in self._supplied("benchbench_grids", _pairs):
            self._claim(plugin, "grid", name)
            grids[name] = Path(path)
        return grids

    def metrics(self) -> tuple[Metric, ...]:
        """Return the metrics of all plugins; none has the name of a metric of the harness."""
        for name in (metric.name for metric in METRICS):
            self._claim(None, "metric", name)
        metrics = []
        for plugin, metric in self._supplied("benchbench_metrics"):
            _check_type(plugin, "metric", metric, Metric)
            self._claim(plugin, "metric", metric.name)
            if ours := taken_for(metric.name, metric.title):
                raise PluginError(
                    f"Plugin {plugin!r} supplies the metric {metric.name!r} with the title "
                    f"{metric.title!r}, which readers would take for benchbench's {ours!r}; "
                    "rename it, or uninstall the plugin."
                )
            metrics.append(metric)
        return tuple(metrics)

    def sources(self) -> dict[tuple[str, str], str]:
        """Return (noun, name) -> plugin for everything that has a unique name."""
        return {
            (noun, key): plugin
            for (noun, key), plugin in self.owners.items()
            if plugin is not None and isinstance(key, str)
        }

    def _supplied(
        self, hook: str, pairs: Callable[[Any], Iterable[Any]] = iter
    ) -> Iterator[tuple[str, Any]]:
        """Yield (plugin, item) for everything that plugins return from a hook."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls()[::-1]:
            plugin, function = implementation.plugin_name, implementation.function
            for item in answer_of(plugin, hook, _listing(function, pairs)):
                yield plugin, item

    def _claim(self, plugin: str | None, noun: str, name: str, key: Hashable | None = None) -> None:
        """Note who supplies a name; raise PluginError if it is taken.

        `key` is what must be unique, where that is more than the name.
        """
        taken = (noun, name if key is None else key)
        if taken not in self.owners:
            self.owners[taken] = plugin
            return
        owner = self.owners[taken]
        if owner == plugin:
            raise PluginError(f"Plugin {plugin!r} supplies the {noun} {name!r} twice; rename one.")
        if owner is None:
            raise PluginError(
                f"{noun.capitalize()} {name!r} is supplied by benchbench itself and by plugin "
                f"{plugin!r}; rename the plugin's, or uninstall the plugin."
            )
        first, second = sorted((owner, str(plugin)))
        raise PluginError(
            f"{noun.capitalize()} {name!r} is supplied by plugin {first!r} and by plugin "
            f"{second!r}; uninstall one."
        )


def answer_of(plugin: str, hook: str, ask: Callable[..., Any], *arguments: Any) -> Any:
    """Return a plugin's answer to a hook; raise PluginError with its name if the hook fails.

    A BenchbenchError has a message for the user already and is raised as it is.
    """
    try:
        return ask(*arguments)
    except BenchbenchError:
        raise
    except Exception as error:
        raise PluginError(f"Plugin {plugin!r}: hook {hook!r} raised {one_line(error)}") from error


def _listing(function: Any, pairs: Callable[[Any], Iterable[Any]]) -> Callable[[], list[Any]]:
    """Return a call that lists what a supplier returns, so that a generator fails inside it."""
    return lambda: list(pairs(function()))


def _pairs(grids: Any) -> Iterable[tuple[str, Any]]:
    return ((str(name), path) for name, path in grids.items())


def _check_type(plugin: str, noun: str, item: Any, wanted: type[Any]) -> None:
    if not isinstance(item, wanted):
        raise PluginError(
            f"Plugin {plugin!r} supplies a {noun} that is no benchbench.{wanted.__name__}: {item!r}"
        )
