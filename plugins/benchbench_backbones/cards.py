"""The published models that have a name here: one row per model."""

# ruff: noqa: E501 - one row per model

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """A published model; `context` is in tokens, as its configuration says.

    An empty licence means that its terms could not be confirmed. Look them up before use.
    """

    name: str
    family: str
    hub_id: str
    parameters: int
    licence: str
    gated: bool
    context: int
    kind: str = "causal-lm"

    @property
    def description(self) -> str:
        """Describe the model and its terms in one line."""
        billions, millions = self.parameters / 1e9, self.parameters / 1e6
        size = f"{billions:.2f}B" if billions >= 1 else f"{millions:.0f}M"
        licence = f"licence {self.licence}" if self.licence else "licence unconfirmed"
        terms = licence + (", gated" if self.gated else "")
        return f"{self.hub_id}: {size} parameters, {self.context:,} tokens, {terms}"


# fmt: off
CARDS = (
    Card("llama-3.2-1b", "llama", "meta-llama/Llama-3.2-1B", 1_235_814_400, "llama3.2", True, 131072),
    Card("llama-3.2-3b", "llama", "meta-llama/Llama-3.2-3B", 3_212_749_824, "llama3.2", True, 131072),
    Card("llama-3.1-8b", "llama", "meta-llama/Llama-3.1-8B", 8_030_261_248, "llama3.1", True, 131072),
    Card("mistral-7b-v0.3", "mistral", "mistralai/Mistral-7B-v0.3", 7_248_023_552, "apache-2.0", False, 32768),
    Card("mistral-nemo-12b", "mistral", "mistralai/Mistral-Nemo-Base-2407", 12_247_782_400, "apache-2.0", False, 131072),
    Card("ministral-8b-instruct", "mistral", "mistralai/Ministral-8B-Instruct-2410", 8_019_808_256, "mistral-research", True, 32768),
    Card("qwen2.5-0.5b", "qwen", "Qwen/Qwen2.5-0.5B", 494_032_768, "apache-2.0", False, 32768),
    Card("qwen2.5-1.5b", "qwen", "Qwen/Qwen2.5-1.5B", 1_543_714_304, "apache-2.0", False, 32768),
    Card("qwen2.5-3b", "qwen", "Qwen/Qwen2.5-3B", 3_085_938_688, "qwen-research", False, 32768),
    Card("qwen2.5-7b", "qwen", "Qwen/Qwen2.5-7B", 7_615_616_512, "apache-2.0", False, 131072),
    Card("qwen3-0.6b", "qwen", "Qwen/Qwen3-0.6B-Base", 596_049_920, "apache-2.0", False, 32768),
    Card("qwen3-1.7b", "qwen", "Qwen/Qwen3-1.7B-Base", 1_720_574_976, "apache-2.0", False, 32768),
    Card("qwen3-4b", "qwen", "Qwen/Qwen3-4B-Base", 4_022_468_096, "apache-2.0", False, 32768),
    Card("qwen3-8b", "qwen", "Qwen/Qwen3-8B-Base", 8_190_735_360, "apache-2.0", False, 32768),
    Card("smollm2-135m-instruct", "llama", "HuggingFaceTB/SmolLM2-135M-Instruct", 134_515_008, "apache-2.0", False, 8192),
    Card("bert-for-patents", "bert", "anferico/bert-for-patents", 346_000_000, "apache-2.0", False, 512, "encoder"),
    Card("patentbert", "bert", "ZoeYou/patentbert-pytorch", 110_000_000, "gpl-3.0", False, 512, "encoder"),
    Card("patentsberta", "mpnet", "AI-Growth-Lab/PatentSBERTa", 109_000_000, "", False, 512, "encoder"),
    Card("modernbert-base", "modernbert", "answerdotai/ModernBERT-base", 149_000_000, "apache-2.0", False, 8192, "encoder"),
    Card("modernbert-large", "modernbert", "answerdotai/ModernBERT-large", 395_000_000, "apache-2.0", False, 8192, "encoder"),
    Card("all-minilm-l6-v2", "bert", "sentence-transformers/all-MiniLM-L6-v2", 22_713_216, "apache-2.0", False, 512, "encoder"),
)
# fmt: on
