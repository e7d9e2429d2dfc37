"""A dataset that is not read yet: one that reads files, or one that generates them first."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from benchbench.contract.corpus import Corpus, Kind
from benchbench.contract.parameters import Parameter, Params


@runtime_checkable
class Dataset(Protocol):
    """A named dataset, not yet read."""

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        ...

    @property
    def description(self) -> str:
        """One line for `benchbench ls`."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters it takes."""
        ...

    def kind(self, params: Params) -> Kind:
        """Say which kind of corpus these parameters give, without reading it."""
        ...

    def source(self, params: Params) -> str:
        """Return a digest of all that `load` would read; cheap beside `load`.

        Raises LoaderError where the source is missing or cannot be read.
        """
        ...

    def load(self, params: Params, folder: Path) -> Corpus:
        """Read the source into Arrow files under `folder`. Raises LoaderError."""
        ...


@runtime_checkable
class Generator(Protocol):
    """A dataset that generates its files. The dataset named `reads` reads them."""

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        ...

    @property
    def description(self) -> str:
        """One line for `benchbench ls`."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters it takes; all but the common ones are the generator's own."""
        ...

    @property
    def reads(self) -> str:
        """The name of the dataset that reads what is generated."""
        ...

    def kind(self, params: Params) -> Kind:
        """Say which kind of corpus these parameters give, without generating it."""
        ...

    def generate(self, params: Params, folder: Path) -> Params:
        """Write the files under `folder`; return the parameters to read them with."""
        ...
