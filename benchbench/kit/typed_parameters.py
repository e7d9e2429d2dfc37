"""A method's parameters as a frozen dataclass, read once."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar

from benchbench.contract import Json, PluginError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def read_parameters(cls: type[T], params: Json, **settled: Any) -> T:
    """Return the frozen dataclass `cls`, each field from the parameter of the same name.

    `params` are `task.params`, whose values have the declared types already, or saved settings.
    A field with a default may be missing there; parameters that are no field are left out.
    `settled` values go before those of `params`, e.g. where one says "auto". Raises PluginError.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, slots=True)
    ... class Ridge:
    ...     penalty: float
    ...     steps: int = 100
    >>> read_parameters(Ridge, {"penalty": 0.5, "batch_size": 16})
    Ridge(penalty=0.5, steps=100)
    >>> read_parameters(Ridge, {"penalty": "auto", "steps": 20}, penalty=0.1)
    Ridge(penalty=0.1, steps=20)
    """
    declared = [field for field in fields(cls) if field.init]
    values = {field.name: params[field.name] for field in declared if field.name in params}
    values |= settled
    for field in declared:
        required = field.default is MISSING and field.default_factory is MISSING
        if required and field.name not in values:
            present = ", ".join(sorted(params)) or "none"
            raise PluginError(
                f"{cls.__name__} needs the parameter '{field.name}', which is missing; "
                f"present: {present}"
            )
    return cls(**values)
