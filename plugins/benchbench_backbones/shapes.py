"""The sizes of models that are known by their cards."""

from __future__ import annotations

from collections.abc import Mapping

from benchbench import Shape

# fmt: off
SHAPES: Mapping[str, Shape] = {   # layers, width, inner, heads, key heads, head width, vocabulary
    "llama-3.2-1b": Shape(16, 2048, 8192, 32, 8, 64, 128_256),
    "llama-3.2-3b": Shape(28, 3072, 8192, 24, 8, 128, 128_256),
    "llama-3.1-8b": Shape(32, 4096, 14_336, 32, 8, 128, 128_256, tied=False),
    "mistral-7b-v0.3": Shape(32, 4096, 14_336, 32, 8, 128, 32_768, tied=False),
    "mistral-nemo-12b": Shape(40, 5120, 14_336, 32, 8, 128, 131_072, tied=False),
    "ministral-8b-instruct": Shape(36, 4096, 12_288, 32, 8, 128, 131_072, tied=False),
    "qwen2.5-0.5b": Shape(24, 896, 4864, 14, 2, 64, 151_936),
    "qwen2.5-1.5b": Shape(28, 1536, 8960, 12, 2, 128, 151_936),
    "qwen2.5-3b": Shape(36, 2048, 11_008, 16, 2, 128, 151_936),
    "qwen2.5-7b": Shape(28, 3584, 18_944, 28, 4, 128, 152_064, tied=False),
    "qwen3-0.6b": Shape(28, 1024, 3072, 16, 8, 128, 151_936),
    "qwen3-1.7b": Shape(28, 2048, 6144, 16, 8, 128, 151_936),
    "qwen3-4b": Shape(36, 2560, 9728, 32, 8, 128, 151_936),
    "qwen3-8b": Shape(36, 4096, 12_288, 32, 8, 128, 151_936, tied=False),
    "smollm2-135m-instruct": Shape(30, 576, 1536, 9, 3, 64, 49_152),
    "bert-for-patents": Shape(24, 1024, 4096, 16, 16, 64, 39_859, gated=False, output_head=False),
    "patentbert": Shape(12, 768, 3072, 12, 12, 64, 30_522, gated=False, output_head=False),
    "patentsberta": Shape(12, 768, 3072, 12, 12, 64, 30_527, gated=False, output_head=False),
    "modernbert-base": Shape(22, 768, 1152, 12, 12, 64, 50_368, output_head=False),
    "modernbert-large": Shape(28, 1024, 2624, 16, 16, 64, 50_368, output_head=False),
    "all-minilm-l6-v2": Shape(6, 384, 1536, 12, 12, 32, 30_522, gated=False, output_head=False),
}
# fmt: on
