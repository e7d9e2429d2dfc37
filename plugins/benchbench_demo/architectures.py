"""The architectures of the miniatures, built from transformers' own classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VOCABULARY = 1536
WIDTH = 128
LAYERS = 4
HEADS = 4
CONTEXT = 512


@dataclass(frozen=True, slots=True)
class Architecture:
    """A miniature's classes, and what its configuration adds to the common sizes.

    `starts` says whether its family's tokenizer puts a start token before a text.
    """

    name: str
    kind: str
    config: str
    model: str
    extra: Mapping[str, Any]
    starts: bool

    def build(self, tokenizer: Any) -> Any:
        """Return the model with random float32 weights."""
        import transformers

        sizes = {
            "vocab_size": VOCABULARY, "hidden_size": WIDTH, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "max_position_embeddings": CONTEXT,
            "tie_word_embeddings": True, "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        }  # fmt: skip
        config = getattr(transformers, self.config)(**sizes, **self.extra)
        return getattr(transformers, self.model)(config)


ARCHITECTURES: Mapping[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture("nano-llama", "causal-lm", "LlamaConfig", "LlamaForCausalLM",
                     {"num_key_value_heads": 2, "intermediate_size": 416}, True),
        Architecture("nano-mistral", "causal-lm", "MistralConfig", "MistralForCausalLM",
                     {"num_key_value_heads": 1, "intermediate_size": 448, "sliding_window": 128},
                     True),
        Architecture("nano-qwen", "causal-lm", "Qwen3Config", "Qwen3ForCausalLM",
                     {"num_key_value_heads": 2, "intermediate_size": 416, "head_dim": 32}, False),
        Architecture("nano-patent-bert", "encoder", "ModernBertConfig", "ModernBertForMaskedLM",
                     {"intermediate_size": 384, "global_attn_every_n_layers": 2}, True),
    )
}  # fmt: skip
