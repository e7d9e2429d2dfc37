"""Adapters for things that need a second plugin, which their own plugin does not have to know.

- A generator writes files; the dataset named by `reads` reads them.
- A folder of weights is a backbone; the plugin that loads folders loads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchbench.contract import (
    Address,
    Backbone,
    BackboneFolder,
    Corpus,
    Dataset,
    Generator,
    HasAddress,
    HasShape,
    HasTokenizer,
    Kind,
    LoadedModel,
    Parameter,
    Params,
    PluginError,
    Shape,
    Skip,
    resolve,
)
from benchbench.machine import fsio


@dataclass(frozen=True, slots=True)
class GeneratedDataset:
    """A dataset whose files are generated. `reader` returns the dataset that reads them."""

    generator: Generator
    reader: Callable[[], Dataset]
    """Called when the dataset is used: plugins are collected in any order."""
    common: tuple[Parameter, ...] = ()
    """The parameters that all datasets have."""

    @property
    def name(self) -> str:
        """The name that selects it."""
        return self.generator.name

    @property
    def description(self) -> str:
        """One line for `benchbench ls`."""
        return self.generator.description

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The generator's parameters."""
        return self.generator.parameters

    def kind(self, params: Params) -> Kind:
        """Return the kind of corpus that these parameters give, without generating it."""
        return self.generator.kind(params)

    def source(self, params: Params) -> str:
        """Return which dataset reads the files; code and parameters decide everything else."""
        return f"generated for {self.generator.reads}"

    def load(self, params: Params, folder: Path) -> Corpus:
        """Generate the files and read them into Arrow files, both under `folder`."""
        reader = self.reader()
        files = folder / "generated"
        fsio.make_folder(files)
        split_seed = {name: params[name] for name in ("split_seed",) if name in params}
        settings = {**split_seed, **self.generator.generate(params, files)}
        values, faults = resolve(reader.name, (*reader.parameters, *self.common), settings)
        if faults:
            raise PluginError(
                f"Dataset '{self.name}' gives its reader '{reader.name}' wrong parameters: "
                f"{'; '.join(faults)}"
            )
        return reader.load(values, folder / "read")


@dataclass(frozen=True, slots=True)
class FolderBackbone:
    """A folder of weights with a name. `loader` returns the backbone that loads it."""

    folder: BackboneFolder
    loader: Callable[[], Backbone]
    """Called when the backbone is used: plugins are collected in any order."""
    name: str = field(init=False)
    kind: str = field(init=False)
    family: str = field(init=False)
    description: str = field(init=False)
    licence: str = field(init=False)

    def __post_init__(self) -> None:
        """Copy the description of the folder."""
        for name in ("name", "kind", "family", "description", "licence"):
            object.__setattr__(self, name, getattr(self.folder, name))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of the backbone that loads the folder."""
        return self.loader().parameters

    def identity(self, params: Params, *, offline: bool) -> str:
        """Return the content hash of the folder; raise Skip if it is absent."""
        return self.loader().identity(params, offline=offline)

    def shape(self) -> Shape | None:
        """Return the sizes of the model; None if the backbone that loads it does not know them."""
        loader = self.loader()
        return loader.shape() if isinstance(loader, HasShape) else None

    def tokenizer(self, params: Params) -> Any:
        """Return the tokenizer; raise Skip where the backbone that loads the folder has none."""
        loader = self.loader()
        if not isinstance(loader, HasTokenizer):
            raise Skip(f"{self.name}: its tokenizer cannot be loaded without the model")
        return loader.tokenizer(params)

    def address(self, params: Params) -> Address:
        """Return where its weights are found."""
        loader = self.loader()
        return loader.address(params) if isinstance(loader, HasAddress) else Address()

    def load(self, params: Params, *, device: str, dtype: str) -> LoadedModel:
        """Bring the model into memory; raise Skip if it is absent or does not fit."""
        return self.loader().load(params, device=device, dtype=dtype)
