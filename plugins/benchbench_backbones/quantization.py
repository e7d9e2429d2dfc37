"""Ways to quantise the weights of a model, one function each; a new one is added here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _nf4(dtype: str) -> dict[str, Any]:
    """Return the arguments for 4-bit NormalFloat with double quantisation, as in QLoRA."""
    import torch
    from transformers import BitsAndBytesConfig

    four_bit = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, dtype),
    )
    return {"quantization_config": four_bit}


def _int8(dtype: str) -> dict[str, Any]:
    """Return the arguments for 8-bit integers."""
    from transformers import BitsAndBytesConfig

    return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}


def _whole(dtype: str) -> dict[str, Any]:
    """Return no argument: a configuration of None would hide the checkpoint's own one."""
    return {}


QUANTIZATIONS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "nf4": _nf4,
    "int8": _int8,
    "none": _whole,
}
"""Name -> function from the compute dtype to the arguments of `from_pretrained`."""


def quantize_loaded(model: Any, quantization: str, dtype: str, device: str) -> None:
    """Quantise a model that was loaded whole, in place, and move it to `device`.

    It becomes what `from_pretrained` makes with the same arguments. Layers move one by one, so
    the device never holds the whole weights.
    """
    from torch import nn
    from transformers.quantizers import AutoHfQuantizer

    arguments = QUANTIZATIONS[quantization](dtype)
    if arguments:
        quantizer = AutoHfQuantizer.from_config(
            arguments["quantization_config"], pre_quantized=False
        )
        whole = dict(model.named_modules())
        quantizer.preprocess_model(model=model, device_map={"": device})
        operation = quantizer.get_quantize_ops()
        for name, module in list(model.named_modules()):
            layer = whole.pop(name)
            if module is not layer:
                weight = f"{name}.weight"
                values = {weight: layer.weight.data.to(device)}
                packed = operation.convert(values, full_layer_name=weight, model=model)
                module.weight, module.bias = packed[weight], layer.bias
        quantizer.postprocess_model(model)
    nn.Module.to(model, device)


def quantize_experts(model: Any) -> None:
    """Quantise to nf4 the experts of a mixture that are one parameter per layer, in place.

    Transformers quantises linear layers alone, and such experts are most of a model. Their
    weights are unpacked whenever a layer runs.
    """
    from bitsandbytes.nn.parametrize import replace_parameter_4bit

    for module, name in fused_experts(model):
        replace_parameter_4bit(module, name, compress_statistics=True, quant_type="nf4")


def fused_experts(model: Any) -> list[tuple[Any, str]]:
    """Return (module, name) of every parameter [experts, ., .] with all experts of a layer."""
    from torch.nn.modules.conv import _ConvNd

    return [
        (module, name)
        for module in model.modules()
        if not isinstance(module, _ConvNd)
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.dim() == 3
    ]
