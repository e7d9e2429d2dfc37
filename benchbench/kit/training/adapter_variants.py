"""The kinds of adapters. Another kind is another row of `ADAPTERS`.

Methods take their choices from the table. What is trained, saved, loaded and counted is read off
the model. `lora_linear` looks at each layer and computes only those that add s B A x to W x; all
others keep peft's own forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchbench.contract import Parameter


@dataclass(frozen=True, slots=True)
class AdapterVariant:
    """A kind of adapter: what it computes, in words, and the arguments of `peft.LoraConfig`.

    `quantizations` are those of the backbones that peft can put it on.
    """

    description: str
    options: Mapping[str, Any] = field(default_factory=dict)
    quantizations: tuple[str, ...] = ("none", "nf4", "int8")


ADAPTERS: dict[str, AdapterVariant] = {
    "lora": AdapterVariant("W x + alpha / rank * B A x (Hu et al., 2021)"),
    "dora": AdapterVariant(
        "W + alpha / rank * B A with each row scaled to a trained length (Liu et al., 2024)",
        {"use_dora": True},
        quantizations=("none", "nf4"),  # peft measures W before int8 weights can be read
    ),
    "rslora": AdapterVariant(
        "W x + alpha / sqrt(rank) * B A x (Kalajdzievski, 2023)", {"use_rslora": True}
    ),
}
"""Every kind by name. W is frozen; A [rank, in] and B [out, rank] are trained."""
DEFAULT = "lora"


def adapter_parameter() -> Parameter:
    """Return a method's parameter `adapter`, whose choices are the rows of `ADAPTERS`."""
    described = "; ".join(f"{name}: {row.description}" for name, row in ADAPTERS.items())
    help = f"kind of adapter. {described}"
    return Parameter("adapter", str, DEFAULT, help, choices=tuple(ADAPTERS))
