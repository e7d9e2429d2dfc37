"""A model with its adapter added to its weights.

    lora, rslora:  W' = W + s B A                     s = alpha / rank, alpha / sqrt(rank)
    dora:          W' = m (W + s B A) / |W + s B A|   row by row

W is what 4-bit weights stand for. The sum is made in float32 and rounded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.contract import BenchbenchError
from benchbench.kit.dense_weights import dense_weight
from benchbench.kit.quantized_weights import packed_experts, quantized_modules

if TYPE_CHECKING:
    from torch import Tensor

ADAPTER = "default"


def merged_model(model: Any, dtype: str = "bfloat16") -> Any:
    """Return a new model of the same class without adapters, on the CPU and in `dtype`.

    Raises BenchbenchError where weights are packed in a way that cannot be read back.
    """
    import torch

    if quantized_modules(model)["int8"] or any(map(packed_experts, model.modules())):
        raise BenchbenchError(
            "8-bit weights and packed experts cannot be merged: leave out --merge"
        )
    config = type(model.config).from_dict(model.config.to_dict())
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.dtype = getattr(torch, dtype)
    with torch.device("meta"):
        plain = type(model)(config)
    for name, part in model._modules.items():
        if part is None:  # an encoder whose layer for sentence pairs was taken off
            setattr(plain, name, None)
    plain.load_state_dict(_merged_weights(model, config.dtype), strict=False, assign=True)
    plain.tie_weights()
    missing = [name for name, weight in plain.named_parameters() if weight.is_meta]
    if missing:
        raise BenchbenchError(f"{len(missing)} weights could not be merged, e.g. '{missing[0]}'")
    return plain


def _merged_weights(model: Any, dtype: Any) -> dict[str, Tensor]:
    """Return the weights of a model by the names that they have without adapters."""
    from peft.tuners.lora import LoraLayer

    merged: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        if isinstance(module, LoraLayer):
            merged[f"{name}.weight"] = _merged_matrix(module).to("cpu", dtype)
            bias = module.get_base_layer().bias
            if bias is not None:
                merged[f"{name}.bias"] = bias.detach().to("cpu", dtype)
        elif ".lora_" not in name and not name.endswith(".base_layer"):
            merged |= {key: weight.to("cpu", dtype) for key, weight in _own(name, module)}
    return merged


def _own(name: str, module: Any) -> list[tuple[str, Tensor]]:
    """Return the weights and buffers that belong to a module itself, 4-bit ones unpacked."""
    import torch

    state = module._parameters | {
        key: buffer
        for key, buffer in module._buffers.items()
        if key not in module._non_persistent_buffers_set
    }
    found = []
    for key, tensor in state.items():
        if tensor is None:
            continue
        packed = key == "weight" and getattr(tensor, "quant_state", None) is not None
        whole = dense_weight(module, torch.float32) if packed else tensor.detach()
        found.append((f"{name}.{key}" if name else key, whole))
    return found


def _merged_matrix(layer: Any) -> Tensor:
    """Return the float32 weight of a layer with its adapter added."""
    import torch

    base = dense_weight(layer.get_base_layer(), torch.float32)
    merged: Tensor = base + layer.get_delta_weight(ADAPTER).float().to(base.device)
    if layer.use_dora.get(ADAPTER):
        length = layer.lora_magnitude_vector[ADAPTER].weight.detach().float()
        merged = merged * (length / merged.norm(dim=1))[:, None]
    return merged.detach()
