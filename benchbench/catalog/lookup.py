"""Names and references -> datasets, methods, backbones, baselines, grids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.catalog.adapters import FolderBackbone, GeneratedDataset
from benchbench.catalog.plugins import Plugin, installed, load_plugins
from benchbench.contract import (
    Backbone,
    BackboneFolder,
    Baseline,
    BenchbenchError,
    Cell,
    Dataset,
    Executor,
    Generator,
    Method,
    Metric,
    Parameter,
    Params,
    PluginError,
    Reference,
    UnknownName,
    Value,
    did_you_mean,
    resolve,
)
from benchbench.machine import one_line

if TYPE_CHECKING:
    from pluggy import PluginManager


COMMON_DATASET_PARAMETERS = (
    Parameter("limit", int, 0, "documents kept of every split, all classes (0: all)", minimum=0),
    Parameter("split_seed", int, 0, "seed of the split and of the sample", minimum=0),
)
NOUNS: Mapping[str, type[Any]] = {
    "dataset": Dataset, "method": Method, "backbone": Backbone, "executor": Executor,
}  # fmt: skip


@dataclass(frozen=True)
class Catalog:
    """Everything that plugins supply, by name. `sources` maps (noun, name) to the plugin."""

    manager: PluginManager
    plugins: Mapping[str, Plugin]
    datasets: dict[str, Dataset]
    methods: Mapping[str, Method]
    backbones: dict[str, Backbone]
    baselines: tuple[Baseline, ...]
    grids: Mapping[str, Path]
    executors: Mapping[str, Executor]
    metrics: tuple[Metric, ...]
    sources: dict[tuple[str, str], str] = field(default_factory=dict)

    def dataset(self, use: str) -> Dataset:
        """Return the dataset of that name; raise UnknownName."""
        known: Dataset = _known("dataset", use, self.datasets)
        return known

    def method(self, use: str) -> Method:
        """Return the method of that name; raise UnknownName."""
        known: Method = _known("method", use, self.methods)
        return known

    def backbone(self, use: str) -> Backbone:
        """Return the backbone that a name, a folder or a hub id stands for."""
        if use not in self.backbones:
            found = self._first("benchbench_resolve_backbone", use)
            if found is None:
                raise UnknownName(f"Unknown backbone {use!r}{did_you_mean(use, self.backbones)}")
            plugin, backbone = found
            _check(plugin, "backbone", backbone)
            self.backbones[use] = backbone
            self.sources["backbone", use] = plugin
        return self.backbones[use]

    def executor(self, name: str) -> Executor:
        """Return the executor of a plugin; raise UnknownName."""
        known: Executor = _known("executor", name, self.executors)
        return known

    def configured_executor(self, name: str, given: Params, jobs: int | None) -> Executor:
        """Return an executor with its parameters, and the most cells at once, settled."""
        executor: Any = self.executor(name)
        values, faults = resolve(name, getattr(executor, "parameters", ()), given)
        if faults:
            raise BenchbenchError("; ".join(faults))
        configured: Executor = (
            executor.configured(values, jobs) if hasattr(executor, "configured") else executor
        )
        return configured

    def dataset_reference(self, text: str) -> Reference:
        """Return the reference that a name or a path stands for; raise UnknownName."""
        if text in self.datasets:
            return Reference(text, text)
        found = self._first("benchbench_resolve_dataset", text)
        if found is None:
            raise UnknownName(f"Unknown dataset {text!r}{did_you_mean(text, self.datasets)}")
        reference: Reference = found[1]
        return reference

    def backbone_reference(self, text: str) -> Reference:
        """Return the reference that a name, a folder or a hub id stands for."""
        return Reference(text, self.backbone(text).name)

    def grid(self, name: str) -> Path:
        """Return the file of a named grid, or of a path that ends in .toml."""
        if name.endswith(".toml"):
            return Path(name)
        known: Path = _known("grid", name, self.grids)
        return known

    def parameters(self, noun: str, use: str) -> tuple[Parameter, ...]:
        """Return what a dataset, method or backbone declares, the common ones included."""
        if noun == "dataset":
            return (*self.dataset(use).parameters, *COMMON_DATASET_PARAMETERS)
        return self.method(use).parameters if noun == "method" else self.backbone(use).parameters

    def resolve(self, noun: str, reference: Reference) -> tuple[dict[str, Value], list[str]]:
        """Return (a value for every parameter of what `reference` names, faults)."""
        return resolve(reference.name, self.parameters(noun, reference.use), reference.params)

    def resolved(self, noun: str, reference: Reference) -> Params:
        """Return a value for every parameter, of a reference already found to be sound."""
        return self.resolve(noun, reference)[0]

    def plugins_of(self, cell: Cell) -> tuple[Plugin, ...]:
        """Return the plugins that supply what a cell is made of."""
        found = {*self.suppliers("dataset", cell.dataset), *self.suppliers("method", cell.method)}
        if cell.backbone:
            found.update(self.suppliers("backbone", cell.backbone))
        return tuple(sorted(found, key=lambda plugin: plugin.name))

    def suppliers(self, noun: str, reference: Reference) -> tuple[Plugin, ...]:
        """Return the plugin that supplies what is referred to, and the one it borrows from."""
        use = reference.use
        item = self.backbone(use) if noun == "backbone" else None
        names = [self.sources[noun, use]]
        if noun == "dataset" and isinstance(generated := self.dataset(use), GeneratedDataset):
            names.append(self.sources["dataset", generated.generator.reads])
        if isinstance(item, FolderBackbone):
            names.append(self._lender(item.shelf)[0])
        return tuple(self.plugins[name] for name in names if name in self.plugins)

    def _borrow(self) -> None:
        """Put what is supplied by way of another plugin into the form that all others have."""
        for name, dataset in self.datasets.items():
            if not isinstance(dataset, Dataset):
                self.datasets[name] = self._generated(dataset)
        for name, backbone in self.backbones.items():
            if isinstance(backbone, BackboneFolder):
                self.backbones[name] = self._borrowed(backbone)

    def _generated(self, generator: Generator) -> Dataset:
        return GeneratedDataset(
            generator, lambda: self.dataset(generator.reads), COMMON_DATASET_PARAMETERS
        )

    def _borrowed(self, shelf: BackboneFolder) -> Backbone:
        return FolderBackbone(shelf, lambda: self._lender(shelf)[1])

    def _lender(self, shelf: BackboneFolder) -> tuple[str, Backbone]:
        """Return (plugin name, backbone) of whatever loads a folder of weights."""
        found = self._first("benchbench_resolve_backbone", str(shelf.folder))
        if found is None:
            raise PluginError(
                f"Backbone '{shelf.name}' is a folder, and no installed plugin loads folders."
            )
        return found

    def _first(self, hook: str, reference: str) -> tuple[str, Any] | None:
        """Return (plugin name, answer) of the first resolver that knows the reference."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            plugin = implementation.plugin_name
            answer = _answer(plugin, hook, implementation.function, reference)
            if answer is not None:
                return plugin, answer
        return None


def load_catalog(manager: PluginManager | None = None) -> Catalog:
    """Return everything that the installed plugins supply.

    Raises PluginError where two plugins supply one name, or one supplies something that is not
    what its hook asks for.
    """
    manager = manager or load_plugins()
    sources: dict[tuple[str, str], str] = {}
    catalog = Catalog(
        manager,
        installed(manager),
        _collect(manager, "dataset", sources),
        _collect(manager, "method", sources),
        _collect(manager, "backbone", sources),
        tuple(_supplied(manager, "benchbench_baselines")),
        _grids(manager),
        _collect(manager, "executor", sources),
        tuple(_supplied(manager, "benchbench_metrics")),
        sources,
    )
    catalog._borrow()
    return catalog


def _collect(
    manager: PluginManager, noun: str, sources: dict[tuple[str, str], str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for implementation in getattr(manager.hook, f"benchbench_{noun}s").get_hookimpls()[::-1]:
        plugin = implementation.plugin_name
        for item in _listed(plugin, f"benchbench_{noun}s", implementation.function):
            _check(plugin, noun, item)
            if item.name in found:
                raise PluginError(
                    f"{noun.capitalize()} {item.name!r} is supplied by plugin "
                    f"{sources[noun, item.name]!r} and by plugin {plugin!r}; uninstall one."
                )
            found[item.name] = item
            sources[noun, item.name] = plugin
    return dict(sorted(found.items()))


def _supplied(manager: PluginManager, hook: str) -> Iterable[Any]:
    for implementation in getattr(manager.hook, hook).get_hookimpls()[::-1]:
        yield from _listed(implementation.plugin_name, hook, implementation.function)


def _listed(plugin: str, hook: str, function: Any) -> list[Any]:
    """Return what a supplier gives, and name it where it raises or gives no list."""
    listed: list[Any] = _answer(plugin, hook, lambda: list(function()))
    return listed


def _answer(plugin: str, hook: str, ask: Callable[..., Any], *arguments: Any) -> Any:
    """Return a plugin's answer; what it raises, other than a fault of the user's, names it."""
    try:
        return ask(*arguments)
    except BenchbenchError:
        raise
    except Exception as error:
        raise PluginError(f"Plugin {plugin!r}: hook {hook!r} raised {one_line(error)}") from error


def _check(plugin: str, noun: str, item: Any) -> None:
    if isinstance(item, BackboneFolder) and noun == "backbone":
        return
    generates = noun == "dataset" and hasattr(item, "generate")
    protocol: type[Any] = Generator if generates else NOUNS[noun]
    if isinstance(item, type):
        raise PluginError(
            f"Plugin {plugin!r} supplies the class {item.__name__} as a {noun}; "
            f"supply an object: {item.__name__}()."
        )
    wanted = sorted(getattr(protocol, "__protocol_attrs__", None) or _attributes(protocol))
    missing = [name for name in wanted if not hasattr(item, name)]
    if missing:
        raise PluginError(
            f"Plugin {plugin!r} supplies a {noun} that lacks {', '.join(missing)}: {item!r}. "
            f"See benchbench.contract.protocols.{protocol.__name__}."
        )


def _attributes(protocol: type[Any]) -> set[str]:
    """Return a protocol's members, on Pythons that do not list them."""
    own = {name for name in vars(protocol) if not name.startswith("_")}
    return own | set(getattr(protocol, "__annotations__", {}))


def _grids(manager: PluginManager) -> dict[str, Path]:
    ours = Path(str(files("benchbench") / "grids"))
    grids = {path.stem: path for path in sorted(ours.glob("*.toml"))}
    for implementation in manager.hook.benchbench_grids.get_hookimpls()[::-1]:
        plugin = implementation.plugin_name
        supplied = dict(_listed(plugin, "benchbench_grids", _items(implementation.function)))
        for name, path in supplied.items():
            if name in grids:
                raise PluginError(
                    f"Grid {name!r} of plugin {plugin!r} is there already: "
                    f"{grids[name]}; uninstall one."
                )
            grids[name] = Path(path)
    return grids


def _items(function: Any) -> Callable[[], Any]:
    return lambda: function().items()


def _known(noun: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise UnknownName(f"Unknown {noun} {name!r}{did_you_mean(name, known)}")
    return known[name]
