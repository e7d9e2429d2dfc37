"""Loading: quantised or whole weights, on a CPU or a GPU, and a pad token that is safe."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchbench import GuardError, LoadedModel, Skip
from benchbench.kit.guards import check_quantized
from benchbench_backbones.load_options import LoadOptions
from benchbench_backbones.quantization import QUANTIZATIONS
from benchbench_backbones.weight_sources import Checkpoint, Folder, HubRepository

if TYPE_CHECKING:
    from torch import nn

PAD_WORD = re.compile(r"(?<![a-z])pad(?![a-z])")
RESERVED_WORD = re.compile(r"reserved|unused|^\[control_")


def load(
    source: Folder | HubRepository, kind: str, options: LoadOptions, *, device: str, dtype: str
) -> LoadedModel:
    """Return the model in eval mode with its tokenizer and facts.

    A model of kind "encoder" comes without its pretraining head. `dtype` applies where
    `options.dtype` is "auto". Raises Skip where the weights or the device are not here, GuardError
    where the model is not quantised as `options` asks.
    """
    dtype = compute_dtype(device, dtype if options.dtype == "auto" else options.dtype)
    checkpoint = source.checkpoint(options.revision)
    try:
        with _quiet():
            tokenizer = _load_tokenizer(checkpoint)
            model = _load_model(checkpoint, kind, options.quantization, device, dtype)
    except OSError as error:
        if isinstance(source, HubRepository):
            raise source.missing(options.revision, _first_line(error)) from error
        raise Skip(f"{checkpoint.name}: {_first_line(error)}") from error
    except ValueError as error:
        raise Skip(f"{checkpoint.name}: {_unsupported(error, kind)}") from error
    module_counts = check_quantized(model, options.quantization)
    _keep_cpu_weights(model, device)
    model.config.use_cache = False
    model.eval()
    pad = choose_pad(tokenizer, model.get_input_embeddings().num_embeddings)
    facts = _facts(model, module_counts, device, dtype) | pad | {"kind": kind}
    if kind == "encoder":
        facts["context"] = _encoder_context(facts["context"], tokenizer)
    return LoadedModel(model, tokenizer, facts)


def _encoder_context(positions: int | None, tokenizer: Any) -> int | None:
    """Return the context of an encoder in tokens.

    Some encoders number their positions from 2. Only their tokenizers know the real limit.
    """
    longest: int | None = getattr(tokenizer, "model_max_length", positions)
    return min(positions, longest) if positions and longest else longest


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


def choose_pad(tokenizer: Any, vocabulary: int) -> dict[str, Any]:
    """Choose the pad id without adding a token; return {"pad_token_id", "pad_source"}.

    It is the first of these that exists: the tokenizer's own pad token, a reserved special
    token, unk, eos, 0. `vocabulary` is the number of embeddings: an id beyond it has none. The
    pad id only decides embeddings of positions that the attention mask hides.
    """
    specials = sorted(
        (index, token)
        for token, index in tokenizer.get_added_vocab().items()
        if index < vocabulary and token not in (tokenizer.bos_token, tokenizer.eos_token)
    )
    reserve = [index for index, token in specials if PAD_WORD.search(token.lower())]
    reserve += [index for index, token in specials if RESERVED_WORD.search(token.lower())]
    candidates = {
        "pad": tokenizer.pad_token_id,
        "reserved": reserve[0] if reserve else None,
        "unk": tokenizer.unk_token_id,
        "eos": tokenizer.eos_token_id,
        "zero": 0,
    }
    for source, index in candidates.items():
        if index is not None and index < vocabulary:
            if source != "zero":
                tokenizer.pad_token = tokenizer.convert_ids_to_tokens(index)
            return {"pad_token_id": index, "pad_source": source}
    raise ValueError("the model has no embeddings")


def count_parameters(model: nn.Module) -> int:
    """Count the parameters, each once; a packed 4-bit matrix counts with its unpacked shape."""
    total = 0
    for parameter in model.parameters():
        state = getattr(parameter, "quant_state", None)
        total += state.shape.numel() if state is not None else parameter.numel()
    return total


def _load_tokenizer(checkpoint: Checkpoint) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(
        checkpoint.name, revision=checkpoint.revision, trust_remote_code=False
    )


def _load_model(
    checkpoint: Checkpoint, kind: str, quantization: str, device: str, dtype: str
) -> Any:
    import torch
    from transformers import AutoModel, AutoModelForCausalLM

    factory = AutoModelForCausalLM if kind == "causal-lm" else AutoModel
    model, report = factory.from_pretrained(
        checkpoint.name,
        revision=checkpoint.revision,
        dtype=getattr(torch, dtype),
        device_map={"": device},
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **({"attn_implementation": "sdpa"} if kind == "causal-lm" else {}),  # MPNet has none
        **QUANTIZATIONS[quantization](dtype),
    )
    missing = sorted(report["missing_keys"])
    if kind == "encoder" and missing and all(name.startswith("pooler.") for name in missing):
        model.pooler = None  # BERT's layer for sentence pairs, which no method here uses
    elif missing:  # transformers fills them with random numbers
        raise GuardError(
            f"{checkpoint.name}: {len(missing)} weights of the model are not in its files, "
            f"e.g. '{missing[0]}'; save the whole model again"
        )
    return model


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


def _facts(model: Any, module_counts: Mapping[str, int], device: str, dtype: str) -> dict[str, Any]:
    import torch

    config = model.config.get_text_config()
    on_gpu = device.startswith("cuda")
    return {
        "total_parameters": count_parameters(model),
        "four_bit_modules": module_counts["nf4"],
        "int8_modules": module_counts["int8"],
        "context": getattr(config, "max_position_embeddings", None),
        "hidden_size": config.hidden_size,
        "device": device,
        "gpu": torch.cuda.get_device_name(device) if on_gpu else None,
        "attention": config._attn_implementation,
        "dtype": dtype,
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()


def _unsupported(error: ValueError, kind: str) -> str:
    """Say in one line why transformers refuses a model."""
    text = str(error)
    if "trust_remote_code" in text:
        return "the model needs code from its own repository, which benchbench does not run"
    if "Unrecognized configuration" in text:
        return f"transformers has no {kind} class for this type of model"
    return _first_line(error)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
