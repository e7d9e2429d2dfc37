"""What a plugin supplies by way of another one, which it need not know.

A dataset may generate its files and leave the reading to the dataset that reads such files; a
backbone may be a folder, loaded by whichever plugin loads folders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchbench.contract import (
    Backbone,
    BackboneFolder,
    Corpus,
    Dataset,
    Generator,
    Kind,
    LoadedModel,
    Parameter,
    Params,
    PluginError,
    Shape,
    resolve,
)
from benchbench.machine import fsio


@dataclass(frozen=True, slots=True)
class GeneratedDataset:
    """A dataset whose files are generated; `reader` is the dataset that then reads them."""

    generator: Generator
    reader: Callable[[], Dataset]
    """Looked up late, for the plugins are collected in any order."""
    common: tuple[Parameter, ...] = ()
    """What every dataset takes beside its own parameters."""

    @property
    def name(self) -> str:
        """The name it is asked for by."""
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
        """Say which kind of corpus these parameters give, without generating it."""
        return self.generator.kind(params)

    def source(self, params: Params) -> str:
        """Return what is generated from: nothing but the code, the parameters and the reader."""
        return f"generated for {self.generator.reads}"

    def load(self, params: Params, folder: Path) -> Corpus:
        """Generate the files and read them into Arrow files, both under `folder`."""
        reader = self.reader()
        files = folder / "generated"
        fsio.make_folder(files)
        own = {name: params[name] for name in ("split_seed",) if name in params}
        given = {**own, **self.generator.generate(params, files)}
        values, faults = resolve(reader.name, (*reader.parameters, *self.common), given)
        if faults:
            raise PluginError(f"Dataset '{self.name}' generates for another: {'; '.join(faults)}")
        return reader.load(values, folder / "read")


@dataclass(frozen=True, slots=True)
class FolderBackbone:
    """A folder of weights under a name of its own; `lender` gives the backbone that loads it."""

    shelf: BackboneFolder
    lender: Callable[[], Backbone]
    name: str = field(init=False)
    kind: str = field(init=False)
    family: str = field(init=False)
    description: str = field(init=False)
    licence: str = field(init=False)

    def __post_init__(self) -> None:
        """Take over what the plugin says of its folder."""
        for name in ("name", "kind", "family", "description", "licence"):
            object.__setattr__(self, name, getattr(self.shelf, name))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of the backbone that loads the folder."""
        return self.lender().parameters

    def identity(self, params: Params, *, offline: bool) -> str:
        """Return the content hash of the folder; raise Skip where it is absent."""
        return self.lender().identity(params, offline=offline)

    def shape(self) -> Shape | None:
        """Return its sizes, as the backbone that loads it knows them."""
        known = getattr(self.lender(), "shape", None)
        return known() if known else None

    def load(self, params: Params, *, device: str, dtype: str) -> LoadedModel:
        """Bring the model into memory; raise Skip where it cannot be had or held."""
        return self.lender().load(params, device=device, dtype=dtype)
