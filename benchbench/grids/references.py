"""Looks up the references of a grid in the catalog. Nothing else in this room asks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from benchbench.catalog import Catalog
from benchbench.contract import Reference
from benchbench.grids.members import BackboneMember, DatasetMember, MethodMember


def dataset_member(reference: Reference, catalog: Catalog) -> DatasetMember:
    """Return the member that a reference to a dataset stands for; raise UnknownName."""
    dataset = catalog.dataset(reference.use)
    parameters = catalog.parameters("dataset", reference.use)
    return DatasetMember(reference, parameters, dataset.kind)


def find_dataset(text: str, catalog: Catalog) -> DatasetMember:
    """Return the member that a dataset's name or path stands for; raise UnknownName."""
    return dataset_member(catalog.dataset_reference(text), catalog)


def find_method(name: str, catalog: Catalog) -> MethodMember:
    """Return the member that a method's name stands for; raise UnknownName."""
    method = catalog.method(name)
    return MethodMember(
        Reference(name, name), method.parameters, method.kinds, method.backbone_kinds, method.seeded
    )


def find_backbone(text: str, catalog: Catalog) -> BackboneMember:
    """Return the member that a backbone's name, folder or hub id stands for.

    Raises UnknownName.
    """
    reference = catalog.backbone_reference(text)
    backbone = catalog.backbone(reference.use)
    return BackboneMember(reference, backbone.parameters, backbone.kind)


@dataclass(frozen=True, slots=True)
class Finders:
    """One function per noun: from the text in a file to the member that it stands for."""

    dataset: Callable[[str], DatasetMember]
    method: Callable[[str], MethodMember]
    backbone: Callable[[str], BackboneMember]

    @classmethod
    def of(cls, catalog: Catalog) -> Finders:
        """Return finders that ask the catalog once for each text, however often it occurs."""
        return cls(
            cache(lambda text: find_dataset(text, catalog)),
            cache(lambda text: find_method(text, catalog)),
            cache(lambda text: find_backbone(text, catalog)),
        )
