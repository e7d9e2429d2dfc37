"""A dataset that is not read yet: one that reads files, or one that generates them first."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from benchbench.contract.corpus import Corpus, Kind
from benchbench.contract.parameters import Parameter, Params


@runtime_checkable
class Dataset(Protocol):
    """A named dataset, not yet read. All members below are required."""

    @property
    def name(self) -> str:
        """The name that selects it."""
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
        """Return the kind of corpus that these parameters give, without reading it."""
        ...

    def source(self, params: Params) -> str:
        """Return a digest of everything that `load` would read. It must be much faster than `load`.

        Raises LoaderError if the source is missing or cannot be read, Skip if it is not on this
        machine and cannot be fetched.
        """
        ...

    def load(self, params: Params, folder: Path) -> Corpus:
        """Read the source into Arrow files under `folder`. Raises LoaderError, Skip."""
        ...


@runtime_checkable
class Generator(Protocol):
    """A dataset that generates its files; the dataset named `reads` reads them.

    All members below are required.
    """

    @property
    def name(self) -> str:
        """The name that selects it."""
        ...

    @property
    def description(self) -> str:
        """One line for `benchbench ls`."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of the generator; the harness adds those common to all datasets."""
        ...

    @property
    def reads(self) -> str:
        """The name of the dataset that reads the generated files."""
        ...

    def kind(self, params: Params) -> Kind:
        """Return the kind of corpus that these parameters give, without generating it."""
        ...

    def generate(self, params: Params, folder: Path) -> Params:
        """Write the files under `folder`; return the parameters that `reads` needs for them."""
        ...
