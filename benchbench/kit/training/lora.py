"""Low-rank adapters on a frozen model (Hu et al., 2021), the same for every method."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchbench.contract import (
    BenchbenchError,
    GuardError,
    Parameter,
    Params,
    UnknownName,
    did_you_mean,
)
from benchbench.kit.artifacts import check_names, load_tensors, save_tensors
from benchbench.kit.dense_weights import unpack_scales
from benchbench.kit.frozen_layers import decoder_layers, frozen_count
from benchbench.kit.quantized_weights import quantized_modules
from benchbench.kit.training.adapter_variants import ADAPTERS, DEFAULT, adapter_parameter
from benchbench.kit.training.fused_norms import fuse_norms
from benchbench.kit.training.lora_linear import fuse_adapters
from benchbench.kit.typed_parameters import read_parameters

if TYPE_CHECKING:
    from torch import nn

LORA_PARAMETERS = (
    adapter_parameter(),
    Parameter("rank", int, 16, "rank of the adapters", minimum=1, maximum=1024),
    Parameter("alpha", float, 32.0, "scale of the adapters: see adapter", minimum=0.001),
    Parameter("dropout", float, 0.05, "dropout before the adapters", minimum=0, maximum=0.9),
    Parameter(
        "adapter_layers",
        int,
        "all",
        "how many layers get adapters, from the last one down; those below are computed once per "
        "document where there is a cache",
        words=("all",),
        minimum=1,
    ),
    Parameter(
        "fused",
        bool,
        True,
        "adapters, and on a GPU norms, computed in few operations; false: as peft and transformers "
        "have them",
    ),
)
ADAPTER = "adapter"


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """The parameters of an adapter: `LORA_PARAMETERS`."""

    rank: int
    alpha: float
    dropout: float
    adapter: str = DEFAULT
    adapter_layers: int | str = "all"
    fused: bool = True

    def __post_init__(self) -> None:
        """Raise UnknownName where `adapter` is no name of `ADAPTERS`."""
        if self.adapter not in ADAPTERS:
            hint = did_you_mean(self.adapter, ADAPTERS)
            raise UnknownName(f"unknown adapter '{self.adapter}'{hint}")


def target_modules(model: Any, adapter_layers: int | str = "all") -> list[str]:
    """Return the names of the linear layers that get an adapter: all except the output head.

    In the Llama, Mistral and Qwen families these are the q, k, v, o, gate, up and down
    projections of every layer, or of the last `adapter_layers`. Raises like `frozen_count`.
    """
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    part = {id(module) for module in _adapted(model, adapter_layers)}
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and module is not head and id(module) in part
    ]


def attach(model: Any, params: Params, seed: int) -> None:
    """Put float32 adapters on all target modules, in place, and freeze everything else.

    `params` has a value for each of `LORA_PARAMETERS`. `seed` alone decides the initial weights.
    B is zero at first, so the model's answers do not change. Raises BenchbenchError where the
    kind of adapter cannot be put on the model's weights.
    """
    import torch

    settings = read_parameters(AdapterSettings, params)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _inject(model, settings, target_modules(model, settings.adapter_layers))


def adapter_tensors(model: Any) -> dict[str, nn.Parameter]:
    """Return the adapter's parameters by the names under which they are saved."""
    return {
        name.replace(".default.", "."): parameter
        for name, parameter in model.named_parameters()
        if ".lora_" in name
    }


def adapter_outputs(model: Any) -> list[nn.Parameter]:
    """Return every B. It is zero at first, so any other value shows that the adapter is trained."""
    return [tensor for name, tensor in adapter_tensors(model).items() if ".lora_B." in name]


def adapter_groups(model: Any) -> dict[str, list[nn.Parameter]]:
    """Return the parameters that must change in the first step: every B, and what else is trained.

    Every A is left out: its gradient is zero while B is zero.
    """
    groups: dict[str, list[nn.Parameter]] = {"adapter": adapter_outputs(model)}
    for name, tensor in adapter_tensors(model).items():
        kind = name.partition(".lora_")[2].partition(".")[0]
        if kind not in ("A", "B"):
            groups.setdefault(f"adapter's {kind}", []).append(tensor)
    return groups


def save_adapter(model: Any, folder: Path) -> None:
    """Write `adapter.safetensors` and `adapter.json`.

    Raises GuardError where every B is zero: then what was trained is not what is being saved.
    """
    if not any(bool(tensor.detach().any()) for tensor in adapter_outputs(model)):
        raise GuardError("the adapter to be saved is missing or was never trained")
    save_tensors(folder, ADAPTER, adapter_tensors(model))
    settings = {
        **asdict(model.benchbench_adapter),
        # peft's own list would not do: it shortens names to suffixes where modules are many
        "targets": sorted({name.partition(".lora_")[0] for name in adapter_tensors(model)}),
    }
    text = json.dumps(settings, indent=1, sort_keys=True)
    (folder / f"{ADAPTER}.json").write_text(text + "\n", encoding="utf-8")


def load_adapter(model: Any, folder: Path) -> None:
    """Put the adapter that `save_adapter` wrote on `model`, in place.

    The files say which kind it is. Raises GuardError where the model lacks a layer, the file
    lacks a tensor, or a shape differs.
    """
    import torch

    settings, targets = _saved_settings(folder / f"{ADAPTER}.json")
    try:
        expected = target_modules(model, settings.adapter_layers)
    except BenchbenchError as error:
        raise GuardError(f"{folder / ADAPTER}.json: {error}") from error
    check_names(folder / f"{ADAPTER}.json", targets, expected)
    _inject(model, settings, targets)
    parameters = adapter_tensors(model)
    tensors = load_tensors(folder, ADAPTER, parameters)
    with torch.no_grad():
        for name, parameter in parameters.items():
            if parameter.shape != tensors[name].shape:
                shapes = f"{tuple(tensors[name].shape)}, not {tuple(parameter.shape)}"
                raise GuardError(
                    f"{folder / ADAPTER}.safetensors: the shape of '{name}' is {shapes}"
                )
            parameter.copy_(tensors[name])


def trainable_parameters(*modules: nn.Module) -> int:
    """Count the parameters that are trained, none of them twice."""
    parameters = {id(p): p for module in modules for p in module.parameters()}
    return sum(p.numel() for p in parameters.values() if p.requires_grad)


def _adapted(model: Any, adapter_layers: int | str) -> Iterable[nn.Module]:
    """Return the modules that may get an adapter."""
    if isinstance(adapter_layers, str):
        return cast("nn.Module", model).modules()
    layers = decoder_layers(model)[frozen_count(model, adapter_layers) :]
    return chain.from_iterable(layer.modules() for layer in layers)


def _saved_settings(path: Path) -> tuple[AdapterSettings, list[str]]:
    """Return what `save_adapter` wrote as JSON: the settings, and the layers that are adapted."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GuardError(f"{path}: cannot be read ({error})") from error
    try:
        saved = {"adapter_layers": "all", "fused": True, **saved}  # older files know neither
        settings = AdapterSettings(
            **{field.name: saved[field.name] for field in fields(AdapterSettings)}
        )
        return settings, list(saved["targets"])
    except (KeyError, TypeError, UnknownName) as error:
        raise GuardError(f"{path}: does not describe an adapter ({error!r})") from error


def _inject(model: Any, settings: AdapterSettings, targets: Sequence[str]) -> None:
    """Let peft wrap the target modules, with adapters in float32."""
    from peft import LoraConfig, inject_adapter_in_model

    _check_base(model, settings.adapter)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(targets),
        **ADAPTERS[settings.adapter].options,
    )
    model.requires_grad_(False)
    inject_adapter_in_model(config, model)
    model.benchbench_adapter = settings
    for parameter in adapter_tensors(model).values():
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)
    if settings.fused:
        fuse_adapters(model)
        fuse_norms(model)
        unpack_scales(model)


def _check_base(model: Any, adapter: str) -> None:
    """Raise BenchbenchError where a kind of adapter cannot be put on the model's weights."""
    possible = ADAPTERS[adapter].quantizations
    for kind, count in quantized_modules(model).items():
        if count and kind not in possible:
            raise BenchbenchError(
                f"adapter={adapter} cannot be put on a backbone in {kind}: set its quantization "
                f"to {' or '.join(possible)}"
            )
