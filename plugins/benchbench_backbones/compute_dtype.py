"""The dtype that a model computes in on a device."""

from __future__ import annotations

from benchbench import Skip


def compute_dtype(device: str, dtype: str) -> str:
    """Return the dtype to compute in on `device` ("cpu", "cuda", "cuda:0"); resolves "auto".

    bfloat16 needs compute capability 8.0. Older GPUs emulate it and still report that they have
    it. Raises Skip where bfloat16 is asked for on such a GPU, and where the device does not exist.
    """
    import torch

    if not device.startswith("cuda"):
        return "float32" if dtype == "auto" else dtype
    if not torch.cuda.is_available():
        raise Skip(f"device '{device}': no CUDA device is visible; use device cpu")
    modern = torch.cuda.get_device_capability(device) >= (8, 0)
    if dtype == "auto":
        return "bfloat16" if modern else "float16"
    if dtype == "bfloat16" and not modern:
        raise Skip(f"device '{device}' only emulates bfloat16; set dtype to float16 or float32")
    return dtype
