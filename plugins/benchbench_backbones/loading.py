"""Loading: quantised or whole weights, on a CPU or a GPU, with checks of what was loaded."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import GuardError, LoadedModel, Skip
from benchbench.kit.dense_weights import unpack_exactly
from benchbench.kit.guards import check_quantized
from benchbench.kit.quantized_weights import quantized_share, weights
from benchbench_backbones.checkpoint import Checkpoint
from benchbench_backbones.checkpoint_files import MERGE_ADAPTER
from benchbench_backbones.compute_dtype import compute_dtype
from benchbench_backbones.gguf_file import stored_as
from benchbench_backbones.load_errors import explained, first_line
from benchbench_backbones.load_options import LoadOptions
from benchbench_backbones.pad_token import choose_pad
from benchbench_backbones.quantization import (
    QUANTIZATIONS,
    fused_experts,
    quantize_experts,
    quantize_loaded,
)
from benchbench_backbones.quantized_checkpoint import pays, quantized_model
from benchbench_backbones.sentencepiece_model import made_exact
from benchbench_backbones.stored_quantization import check_stored, recast
from benchbench_backbones.weight_checks import check_finite_weights, check_vocabulary
from benchbench_backbones.weight_sources import Source

if TYPE_CHECKING:
    from torch import nn

EXPERTS = "its experts, which are one parameter per layer"


@dataclass(frozen=True, slots=True)
class Target:
    """What a loaded model is to be: its quantisation, its device, the dtype it computes in."""

    quantization: str
    device: str
    dtype: str


def load(
    source: Source, kind: str, options: LoadOptions, *, device: str, dtype: str
) -> LoadedModel:
    """Return the model in eval mode with its tokenizer and facts.

    A model of kind "encoder" comes without its pretraining head. `dtype` applies where
    `options.dtype` is "auto". Raises Skip where the weights or the device are not here, GuardError
    where the model is not quantised as `options` asks, or its weights or tokenizer are at fault.
    """
    dtype = compute_dtype(device, dtype if options.dtype == "auto" else options.dtype)
    target = Target(options.quantization, device, dtype)
    checkpoint = source.checkpoint(options.revision)
    with explained(source, checkpoint, kind), _quiet():
        stored = _stored_as(checkpoint, target.quantization)
        with checkpoint.arguments() as located:
            tokenizer = made_exact(_load_tokenizer(located, checkpoint.name), checkpoint.name)
            is_done = stored is not None and checkpoint.gguf is None
            model = _quantized(located, checkpoint, kind, is_done, target)
    without_adapter = EXPERTS if fused_experts(model) else None
    _finish(model, checkpoint, stored, target)
    embeddings = model.get_input_embeddings().num_embeddings
    check_vocabulary(checkpoint.name, tokenizer, embeddings)
    check_finite_weights(checkpoint.name, model)
    facts = {
        **_facts(model, target),
        **choose_pad(tokenizer, embeddings),
        "kind": kind,
        "stored_as": stored,
        "without_adapter": without_adapter,
    }
    if kind == "encoder":
        facts["context"] = _encoder_context(facts["context"], tokenizer)
    return LoadedModel(model, tokenizer, facts)


def tokenizer_of(source: Source, kind: str, options: LoadOptions) -> Any:
    """Return the tokenizer of a model alone. Raises as `load` does where it is not here."""
    checkpoint = source.checkpoint(options.revision)
    with explained(source, checkpoint, kind), _quiet(), checkpoint.arguments() as located:
        return made_exact(_load_tokenizer(located, checkpoint.name), checkpoint.name)


def _stored_as(checkpoint: Checkpoint, quantization: str) -> str | None:
    """Return how the weights are quantised on disk. Raises like `check_stored`."""
    from transformers import PreTrainedConfig

    if checkpoint.gguf is not None:
        return stored_as(checkpoint.gguf)
    config, _ = PreTrainedConfig.get_config_dict(checkpoint.name, revision=checkpoint.revision)
    return check_stored(checkpoint.name, config, quantization)


def _finish(model: Any, checkpoint: Checkpoint, stored: str | None, target: Target) -> None:
    """Quantise what is still whole, and make the model ready to compute."""
    if stored and checkpoint.gguf is None:
        recast(model, target.dtype)
    if target.quantization == "nf4":
        quantize_experts(model)
    _keep_cpu_weights(model, target.device)
    model.config.use_cache = False
    model.eval()


def _encoder_context(positions: int | None, tokenizer: Any) -> int | None:
    """Return the context of an encoder in tokens.

    Some encoders number their positions from 2. Only their tokenizers know the real limit.
    """
    longest: int | None = getattr(tokenizer, "model_max_length", positions)
    return min(positions, longest) if positions and longest else longest


def _load_tokenizer(located: Mapping[str, Any], checkpoint: str) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(**located, trust_remote_code=False)
    except (OSError, ValueError, ImportError):
        raise
    except Exception as error:  # tokenizers raises Exception itself, transformers what it meets
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise Skip(
            f"{checkpoint}: the tokenizer cannot be read ({reason}); download its files again"
        ) from error


def _quantized(
    located: Mapping[str, Any],
    checkpoint: Checkpoint,
    kind: str,
    is_done: bool,
    target: Target,
) -> Any:
    """Return the model with its weights quantised, from the cells' cache where it is there.

    `is_done` says that they are quantised on disk.
    """

    def plain() -> Any:
        model = _load_model(located, checkpoint.name, kind, target)
        if checkpoint.gguf is not None:
            quantize_loaded(model, target.quantization, target.dtype, target.device)
        return model

    def restore(folder: Path) -> Any:
        kept = replace(target, quantization="none")  # its configuration says how it is quantised
        here = {"pretrained_model_name_or_path": str(folder)}
        return _load_model(here, checkpoint.name, kind, kept)

    if is_done or target.quantization == "none" or not pays(checkpoint, kind):
        return plain()
    device = target.device.partition(":")[0]
    return quantized_model({**asdict(target), "device": device, "kind": kind}, plain, restore)


def _load_model(located: Mapping[str, Any], name: str, kind: str, target: Target) -> Any:
    """Return the model with all of its weights; those of a GGUF file are whole, and on the CPU."""
    import torch
    from transformers import AutoModel, AutoModelForCausalLM

    factory = AutoModelForCausalLM if kind == "causal-lm" else AutoModel
    packed = "gguf_file" in located
    model, report = factory.from_pretrained(
        **located,
        dtype=getattr(torch, target.dtype),
        device_map={"": "cpu" if packed else target.device},
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **(_unpacked() if packed else QUANTIZATIONS[target.quantization](target.dtype)),
    )
    if getattr(model, "_hf_peft_config_loaded", False):
        raise Skip(f"{name}: {MERGE_ADAPTER}")
    missing = sorted(report["missing_keys"])
    if kind == "encoder" and missing and all(name.startswith("pooler.") for name in missing):
        model.pooler = None  # BERT's layer for sentence pairs, which no method here uses
    elif missing:  # transformers fills them with random numbers
        raise GuardError(
            f"{name}: {len(missing)} weights of the model are not in its files, "
            f"e.g. '{missing[0]}'; save the whole model again"
        )
    return model


def _unpacked() -> dict[str, Any]:
    """Return the arguments that turn the blocks of a GGUF file into floats."""
    from transformers import GgufConfig

    return {"quantization_config": GgufConfig(dequantize=True)}


def _keep_cpu_weights(model: nn.Module, device: str) -> None:
    """Keep bitsandbytes from repacking 4-bit weights in eval mode on CPUs with AVX512-BF16.

    Repacked weights round activations to bfloat16. The results would differ from those in
    training and on other CPUs, and layers whose width is not divisible by 32 would fail.
    """
    import bitsandbytes as bnb

    if device == "cpu":
        for module in model.modules():
            if isinstance(module, bnb.nn.Linear4bit):
                module.support_avx512bf16_for_cpu = False
        unpack_exactly()


def _facts(model: Any, target: Target) -> dict[str, Any]:
    """Return what the record says of a model. Raises like `check_quantized`."""
    import torch

    counts = check_quantized(model, target.quantization)
    config = model.config.get_text_config()
    stored = weights(model)
    on_gpu = target.device.startswith("cuda")
    return {
        "total_parameters": sum(weight.size for weight in stored),
        "whole_parameters": sum(weight.size for weight in stored if not weight.quantization),
        "quantized_share": round(quantized_share(model), 4),
        "four_bit_modules": counts["nf4"],
        "int8_modules": counts["int8"],
        "context": getattr(config, "max_position_embeddings", None),
        "hidden_size": config.hidden_size,
        "device": target.device,
        "gpu": torch.cuda.get_device_name(target.device) if on_gpu else None,
        "attention": config._attn_implementation,
        "dtype": target.dtype,
        "commit": getattr(model.config, "_commit_hash", None),
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress bars and warnings of libraries off the terminal while a model loads."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it also warns at every forward
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        # the bar of GGUF files heeds no setting; what goes wrong is raised, not written
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()
