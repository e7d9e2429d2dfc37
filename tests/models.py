"""Tiny random models and tokenizers, written to a folder as Hugging Face lays them out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

FAMILIES = ("llama", "mistral", "qwen2")
WORDS = (
    "a the of and to in is for with on pump valve water pressure light lens camera image "
    "engine gear wheel brake protein cell gene drug circuit signal antenna network"
)


def write_tokenizer(
    folder: Path,
    texts: Sequence[str],
    *,
    vocabulary: int = 300,
    bos: bool = True,
    pad: bool = False,
    chat_template: str | None = None,
) -> Path:
    """Train a byte-level BPE tokenizer on `texts` and write it to `folder`.

    Its specials are <s>, </s> and, where asked for, <pad>; with `bos` it begins every text with
    <s>, as Llama's does, else it adds nothing, as Qwen's does. No text is ever unknown to it.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<s>", "</s>", *(["<pad>"] if pad else [])]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(list(texts) or [WORDS], trainer)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)]
        )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>" if pad else None,
    )
    if chat_template is not None:
        fast.chat_template = chat_template
    fast.save_pretrained(folder)
    return folder


def write_model(
    folder: Path,
    texts: Sequence[str] = (),
    *,
    family: str = "llama",
    hidden: int = 32,
    layers: int = 2,
    context: int = 256,
    seed: int = 0,
    vocabulary: int = 300,
    **tokenizer: Any,
) -> Path:
    """Write a random causal LM of `family` and a tokenizer trained on `texts` to `folder`.

    The intermediate width is 3 * hidden and the vocabulary is padded to a multiple of 8, so
    that every projection can be quantised. Takes well under a second.
    """
    import torch
    import transformers
    from transformers import AutoTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder, texts, vocabulary=vocabulary, **tokenizer)
    size = len(AutoTokenizer.from_pretrained(folder))
    classes = {"llama": "Llama", "mistral": "Mistral", "qwen2": "Qwen2"}
    config = getattr(transformers, f"{classes[family]}Config")(
        vocab_size=-(-size // 8) * 8,
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=hidden // 4,
        max_position_embeddings=context,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=None,
        initializer_range=0.1,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, f"{classes[family]}ForCausalLM")(config)
    model.save_pretrained(folder)
    return folder


def load_model(folder: Path, quantization: str = "none", **params: Any) -> Any:
    """Return the LoadedModel of a folder on CPU in float32."""
    return bind_model(folder, quantization, **params).load()


def bind_model(folder: Path, quantization: str = "none", **params: Any) -> Any:
    """Return the BoundBackbone of a folder, for CPU in float32."""
    from benchbench_backbones.backbone import CausalLM

    from benchbench import BoundBackbone

    backbone = CausalLM.from_folder(folder)
    settled = {parameter.name: parameter.default for parameter in backbone.parameters}
    settled |= {"quantization": quantization, **params}
    return BoundBackbone(backbone, settled, "cpu", "float32")
