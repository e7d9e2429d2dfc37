"""An adapter in the files of peft, for use without benchbench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchbench.kit.artifacts import save_tensors
from benchbench.kit.training.adapter_variants import ADAPTERS
from benchbench.kit.training.lora import adapter_tensors

MAGNITUDE = "lora_magnitude_vector"


def save_peft_adapter(model: Any, folder: Path, task: str, base: str = "") -> None:
    """Write `adapter_config.json` and `adapter_model.safetensors` of the adapter on a causal LM.

    `task` is a task type of peft: "CAUSAL_LM", or "FEATURE_EXTRACTION" for the model without its
    output head. `base` is the hub id of the base model.
    """
    from peft import LoraConfig

    settings = model.benchbench_adapter
    prefix = f"{model.base_model_prefix}." if task == "FEATURE_EXTRACTION" else ""
    tensors = {name.removeprefix(prefix): tensor for name, tensor in adapter_tensors(model).items()}
    config = LoraConfig(
        task_type=task,
        base_model_name_or_path=base,
        inference_mode=True,
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=sorted({name.partition(".lora_")[0] for name in tensors}),
        **ADAPTERS[settings.adapter].options,
    )
    config.save_pretrained(str(folder))
    renamed = {
        f"base_model.model.{name.replace(f'{MAGNITUDE}.weight', MAGNITUDE)}": tensor
        for name, tensor in tensors.items()
    }
    save_tensors(folder, "adapter_model", renamed)
