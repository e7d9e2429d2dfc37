"""A model into memory: quantised or whole, on CPU and GPU alike, with a pad id that is safe."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchbench import GuardError, LoadedModel, Params, Skip
from benchbench.kit.guards import check_quantized
from benchbench_backbones.sources import Folder, HubRepository, Place

if TYPE_CHECKING:
    from torch import nn

PAD_WORD = re.compile(r"(?<![a-z])pad(?![a-z])")
RESERVED_WORD = re.compile(r"reserved|unused|^\[control_")


def load(
    source: Folder | HubRepository, kind: str, params: Params, *, device: str, dtype: str
) -> LoadedModel:
    """Return the model in eval mode with its tokenizer and facts.

    `kind` is "causal-lm" or "encoder", which comes without the head it was trained with.
    `params` holds quantization, dtype (over `dtype`, unless "auto") and revision. Raises Skip
    where the weights or the device cannot be had, GuardError where a quantisation that was
    asked for did not happen.
    """
    asked = str(params["dtype"])
    dtype = compute_dtype(device, dtype if asked == "auto" else asked)
    quantization, revision = str(params["quantization"]), str(params["revision"])
    place = source.place(revision)
    with _quiet():
        try:
            tokenizer = _load_tokenizer(place)
            model = _load_model(place, kind, quantization, device, dtype)
        except OSError as error:
            if isinstance(source, HubRepository):
                raise source.missing(revision, _first_line(error)) from error
            raise Skip(f"{place.name}: {_first_line(error)}") from error
        except ValueError as error:
            raise Skip(f"{place.name}: {_unsupported(error)}") from error
    found = check_quantized(model, quantization)
    _keep_cpu_weights(model, device)
    model.config.use_cache = False
    model.eval()
    pad = choose_pad(tokenizer, model.get_input_embeddings().num_embeddings)
    facts = _facts(model, found, device, dtype) | pad
    if kind == "encoder":  # some count positions from 2 on, which their tokenizers know
        longest = getattr(tokenizer, "model_max_length", facts["context"])
        facts["context"] = min(facts["context"] or longest, longest)
    return LoadedModel(model, tokenizer, facts | {"kind": kind})


def compute_dtype(device: str, dtype: str) -> str:
    """Return the dtype to compute in on `device` ("cpu", "cuda", "cuda:0"), "auto" settled.

    bfloat16 needs compute capability 8.0: older GPUs only emulate it, and say that they have it.
    Raises Skip where it was asked for on such a GPU, and where there is no such device.
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
    """Settle the pad id without adding a token, and return {"pad_token_id", "pad_source"}.

    The tokenizer's own, else a special token that is kept in reserve, else unk, else eos, else
    0. `vocabulary` is the number of embeddings: a token beyond them cannot be fed. Nothing
    reads the pad id but the embedding of positions that the attention mask hides.
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
    raise ValueError("a model without embeddings")


def count_parameters(model: nn.Module) -> int:
    """Count the parameters, each once; a packed 4-bit matrix counts with its real shape."""
    total = 0
    for parameter in model.parameters():
        state = getattr(parameter, "quant_state", None)
        total += state.shape.numel() if state is not None else parameter.numel()
    return total


def _load_tokenizer(place: Place) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(
        place.name, revision=place.revision, trust_remote_code=False
    )


def _load_model(place: Place, kind: str, quantization: str, device: str, dtype: str) -> Any:
    import torch
    from transformers import AutoModel, AutoModelForCausalLM

    factory = AutoModelForCausalLM if kind == "causal-lm" else AutoModel
    model, report = factory.from_pretrained(
        place.name,
        revision=place.revision,
        dtype=getattr(torch, dtype),
        device_map={"": device},
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **({"attn_implementation": "sdpa"} if kind == "causal-lm" else {}),  # MPNet has none
        **_quantization(quantization, dtype),
    )
    missing = sorted(report["missing_keys"])
    if kind == "encoder" and missing and all(name.startswith("pooler.") for name in missing):
        model.pooler = None  # BERT's layer for sentence pairs: never looked at here
        missing = []
    if missing:  # else they would hold random numbers
        raise GuardError(
            f"{place.name}: {len(missing)} weights of the model are not in its files, "
            f"e.g. '{missing[0]}'"
        )
    return model


def _quantization(quantization: str, dtype: str) -> dict[str, Any]:
    """Return what transformers is told; NF4 with double quantisation as in QLoRA."""
    import torch
    from transformers import BitsAndBytesConfig

    if quantization == "none":  # a config of None would hide what the checkpoint says of itself
        return {}
    if quantization == "int8":
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    four_bit = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, dtype),
    )
    return {"quantization_config": four_bit}


def _keep_cpu_weights(model: nn.Module, device: str) -> None:
    """Keep bitsandbytes from repacking 4-bit weights in eval mode on CPUs with AVX512-BF16.

    That would round activations to bfloat16 for good, give other numbers than in training and
    on other CPUs, and fail on layers whose width is not divisible by 32.
    """
    import bitsandbytes as bnb

    if device == "cpu":
        for module in model.modules():
            if isinstance(module, bnb.nn.Linear4bit):
                module.support_avx512bf16_for_cpu = False


def _facts(model: Any, found: Mapping[str, int], device: str, dtype: str) -> dict[str, Any]:
    import torch

    config = model.config.get_text_config()
    on_gpu = device.startswith("cuda")
    return {
        "total_parameters": count_parameters(model),
        "four_bit_modules": found["nf4"],
        "int8_modules": found["int8"],
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
    """Keep progress bars and advice of the libraries off the terminal while a model loads."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it advises at every forward, too
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


def _unsupported(error: ValueError) -> str:
    """Say in a line why transformers refuses a model."""
    text = str(error)
    if "trust_remote_code" in text:
        return "the model needs code from its own repository, which is not run here"
    if "Unrecognized configuration" in text:
        return "the model is none that transformers knows as what it should be"
    return _first_line(error)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
