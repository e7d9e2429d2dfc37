"""Looks up names and references: datasets, methods, backbones, baselines, grids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.catalog.adapters import FolderBackbone, GeneratedDataset
from benchbench.catalog.checks import check_item
from benchbench.catalog.plugins import Plugin, installed, load_plugins
from benchbench.catalog.supplied_items import SuppliedItems, answer_of
from benchbench.catalog.training_share import TRAINING_SHARE, share_of, whole_of
from benchbench.contract import (
    Backbone,
    BackboneFolder,
    Baseline,
    BenchbenchError,
    Cell,
    Configurable,
    Dataset,
    Executor,
    Generator,
    LocalPath,
    Method,
    Metric,
    Parameter,
    Params,
    PluginError,
    Reference,
    UnknownName,
    Value,
    as_given,
    did_you_mean,
    resolve,
)

if TYPE_CHECKING:
    from pluggy import PluginManager

BESIDE = "./"
"""It stands before the name of a backbone's folder, so that no name of the catalog is meant."""
COMMON_DATASET_PARAMETERS = (
    Parameter("limit", int, 0, "documents kept of every split, all classes (0: all)", minimum=0),
    Parameter("split_seed", int, 0, "seed of the split and of the sample", minimum=0),
)


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
            answer = self._first("benchbench_resolve_backbone", as_given(use))
            if answer is None:
                raise UnknownName(f"Unknown backbone {use!r}{did_you_mean(use, self.backbones)}")
            plugin, backbone = answer
            check_item(plugin, "backbone", backbone)
            self.backbones[use] = backbone
            self.sources["backbone", use] = plugin
        return self.backbones[use]

    def executor(self, name: str) -> Executor:
        """Return the executor of a plugin; raise UnknownName."""
        known: Executor = _known("executor", name, self.executors)
        return known

    def configured_executor(self, name: str, params: Params, jobs: int | None) -> Executor:
        """Return an executor with a value for each of its parameters and `jobs` cells at once.

        Raises BenchbenchError for values that it does not take.
        """
        executor = self.executor(name)
        configurable = executor if isinstance(executor, Configurable) else None
        values, faults = resolve(name, configurable.parameters if configurable else (), params)
        if faults:
            raise BenchbenchError("; ".join(faults))
        return configurable.configured(values, jobs) if configurable else executor

    def dataset_reference(self, text: str) -> Reference:
        """Return the reference that a name or a path stands for; raise UnknownName."""
        if text in self.datasets:
            return Reference(text, text)
        answer = self._first("benchbench_resolve_dataset", text)
        if answer is None:
            raise UnknownName(f"Unknown dataset {text!r}{did_you_mean(text, self.datasets)}")
        reference: Reference = answer[1]
        return reference

    def backbone_reference(self, text: str) -> Reference:
        """Return the reference that a name, a folder or a hub id stands for."""
        named = any(name == text and type(name) is str for name in self.backbones)
        use = text if named else LocalPath.of(text, BESIDE)
        return Reference(use, self.backbone(use).name)

    def grid(self, name: str) -> Path:
        """Return the file of a named grid, or of a path that ends in .toml."""
        if name.endswith(".toml"):
            return Path(name)
        known: Path = _known("grid", name, self.grids)
        return known

    def parameters(self, noun: str, use: str) -> tuple[Parameter, ...]:
        """Return the parameters of a dataset, method or backbone.

        Those of a dataset include the parameters that all datasets have.
        """
        if noun == "dataset":
            return (*self.dataset(use).parameters, *COMMON_DATASET_PARAMETERS)
        return self.method(use).parameters if noun == "method" else self.backbone(use).parameters

    def resolve(self, noun: str, reference: Reference) -> tuple[dict[str, Value], list[str]]:
        """Return (a value for every parameter of what `reference` stands for, faults).

        A dataset has the share of its training documents among them only where it is not whole,
        so that the keys of whole ones do not depend on it.
        """
        share, asked = 1.0, reference
        if noun == "dataset":
            share, asked = share_of(reference), whole_of(reference)
        values, faults = resolve(asked.name, self.parameters(noun, asked.use), asked.params)
        return (values if share == 1 else {**values, TRAINING_SHARE: share}), faults

    def resolved(self, noun: str, reference: Reference) -> Params:
        """Return a value for every parameter of a reference that has no faults."""
        return self.resolve(noun, reference)[0]

    def plugins_of(self, cell: Cell) -> tuple[Plugin, ...]:
        """Return the plugins that supply the dataset, the method and the backbone of a cell."""
        plugins = {*self.suppliers("dataset", cell.dataset), *self.suppliers("method", cell.method)}
        if cell.backbone:
            plugins.update(self.suppliers("backbone", cell.backbone))
        return tuple(sorted(plugins, key=lambda plugin: plugin.name))

    def suppliers(self, noun: str, reference: Reference) -> tuple[Plugin, ...]:
        """Return the plugin that supplies a reference, and the one that reads or loads for it."""
        use = reference.use
        item = self.backbone(use) if noun == "backbone" else None
        names = [self.sources[noun, use]]
        if noun == "dataset" and isinstance(generated := self.dataset(use), GeneratedDataset):
            names.append(self.sources["dataset", generated.generator.reads])
        if isinstance(item, FolderBackbone):
            names.append(self._loader_of(item.folder)[0])
        return tuple(self.plugins[name] for name in names if name in self.plugins)

    def _adapt(self) -> None:
        """Turn generators and folders of weights into datasets and backbones like all others."""
        for name, dataset in self.datasets.items():
            if not isinstance(dataset, Dataset):
                self.datasets[name] = self._generated_dataset(dataset)
        for name, backbone in self.backbones.items():
            if isinstance(backbone, BackboneFolder):
                self.backbones[name] = self._folder_backbone(backbone)

    def _generated_dataset(self, generator: Generator) -> Dataset:
        return GeneratedDataset(
            generator, lambda: self.dataset(generator.reads), COMMON_DATASET_PARAMETERS
        )

    def _folder_backbone(self, folder: BackboneFolder) -> Backbone:
        return FolderBackbone(folder, lambda: self._loader_of(folder)[1])

    def _loader_of(self, folder: BackboneFolder) -> tuple[str, Backbone]:
        """Return (plugin name, backbone) of the plugin that loads a folder of weights."""
        answer = self._first("benchbench_resolve_backbone", str(folder.folder))
        if answer is None:
            raise PluginError(
                f"Backbone '{folder.name}' is a folder, and no installed plugin loads folders."
            )
        return answer

    def _first(self, hook: str, reference: str) -> tuple[str, Any] | None:
        """Return (plugin name, answer) of the first resolver that knows the reference."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            plugin = implementation.plugin_name
            answer = answer_of(plugin, hook, implementation.function, reference)
            if answer is not None:
                return plugin, answer
        return None


def load_catalog(manager: PluginManager | None = None) -> Catalog:
    """Return everything that the installed plugins supply.

    Raises PluginError if a name is supplied twice, or if a thing is not what its hook asks for.
    """
    manager = manager or load_plugins()
    supplied = SuppliedItems(manager)
    catalog = Catalog(
        manager,
        installed(manager),
        supplied.items("dataset"),
        supplied.items("method"),
        supplied.items("backbone"),
        supplied.baselines(),
        supplied.grids(),
        supplied.items("executor"),
        supplied.metrics(),
        supplied.sources(),
    )
    catalog._adapt()
    return catalog


def _known(noun: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise UnknownName(f"Unknown {noun} {name!r}{did_you_mean(name, known)}")
    return known[name]
