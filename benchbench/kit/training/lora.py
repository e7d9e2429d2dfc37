"""Low-rank adapters (Hu et al., 2021) on a frozen base, the same for every method."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.contract import GuardError, Parameter, Params
from benchbench.kit.artifacts import check_names, load_tensors, save_tensors
from benchbench.kit.training.lora_linear import fuse_adapters

if TYPE_CHECKING:
    from torch import nn

LORA_PARAMETERS = (
    Parameter("rank", int, 16, "rank of the LoRA adapters", minimum=1, maximum=1024),
    Parameter("alpha", float, 32.0, "LoRA scale: updates count alpha / rank times", minimum=0.001),
    Parameter("dropout", float, 0.05, "dropout before the adapters", minimum=0, maximum=0.9),
)
ADAPTER = "adapter"


def target_modules(model: Any) -> list[str]:
    """Return the names of the linear layers that get an adapter: all but the output head.

    In the Llama, Mistral and Qwen families these are the q, k, v, o, gate, up and down
    projections of every layer.
    """
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and module is not head
    ]


def attach(model: Any, params: Params, seed: int) -> None:
    """Put float32 adapters on all target modules, in place, and freeze everything else.

    `params` holds rank, alpha and dropout. `seed` alone decides the initial weights; an adapter
    begins as the identity (its B is zero), so the model's answers do not change.
    """
    import torch

    settings = {
        "rank": int(params["rank"]),
        "alpha": float(params["alpha"]),
        "dropout": float(params["dropout"]),
        "targets": target_modules(model),
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _inject(model, settings)


def adapter_tensors(model: Any) -> dict[str, nn.Parameter]:
    """Return the adapter's parameters by the names under which they are saved."""
    return {
        name.replace(".default.", "."): parameter
        for name, parameter in model.named_parameters()
        if ".lora_" in name
    }


def adapter_outputs(model: Any) -> list[nn.Parameter]:
    """Return every LoRA B: zero at the start, so a change shows that the adapter is trained."""
    return [tensor for name, tensor in adapter_tensors(model).items() if ".lora_B." in name]


def save_adapter(model: Any, folder: Path) -> None:
    """Write `adapter.safetensors` and `adapter.json`; raise GuardError where nothing was learned.

    An untrained adapter has zeros for all its B matrices: saving one means that what was trained
    is not what is being saved.
    """
    if not any(bool(tensor.detach().any()) for tensor in adapter_outputs(model)):
        raise GuardError("the adapter to be saved is missing or was never trained")
    save_tensors(folder, ADAPTER, adapter_tensors(model))
    config = model.peft_config["default"]
    settings = {
        "rank": config.r,
        "alpha": config.lora_alpha,
        "dropout": config.lora_dropout,
        # not peft's own list, which it shortens to suffixes where there are many modules
        "targets": sorted({name.partition(".lora_")[0] for name in adapter_tensors(model)}),
    }
    text = json.dumps(settings, indent=1, sort_keys=True)
    (folder / f"{ADAPTER}.json").write_text(text + "\n", encoding="utf-8")


def load_adapter(model: Any, folder: Path) -> None:
    """Put the adapter of `save_adapter` on `model`, in place.

    Raises GuardError where the model lacks a layer, or the file a tensor, or a shape differs.
    """
    import torch

    path = folder / f"{ADAPTER}.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GuardError(f"{path}: cannot be read ({error})") from error
    check_names(path, settings["targets"], target_modules(model))
    _inject(model, settings)
    parameters = adapter_tensors(model)
    tensors = load_tensors(folder, ADAPTER, parameters)
    with torch.no_grad():
        for name, parameter in parameters.items():
            if parameter.shape != tensors[name].shape:
                shapes = f"{tuple(tensors[name].shape)}, not {tuple(parameter.shape)}"
                raise GuardError(f"{folder / ADAPTER}.safetensors: '{name}' is {shapes}")
            parameter.copy_(tensors[name])


def trainable_parameters(*modules: nn.Module) -> int:
    """Count the parameters that are trained, each once."""
    trained = {id(p): p.numel() for module in modules for p in module.parameters()}
    frozen = {id(p) for module in modules for p in module.parameters() if not p.requires_grad}
    return sum(count for key, count in trained.items() if key not in frozen)


def _inject(model: Any, settings: dict[str, Any]) -> None:
    """Let peft wrap the target modules, and hold the adapters in float32."""
    from peft import LoraConfig, inject_adapter_in_model

    targets: Sequence[str] = settings["targets"]
    config = LoraConfig(
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        lora_dropout=settings["dropout"],
        target_modules=list(targets),
    )
    model.requires_grad_(False)
    inject_adapter_in_model(config, model)
    for parameter in adapter_tensors(model).values():
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)
    fuse_adapters(model)
