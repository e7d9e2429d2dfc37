"""The miniature backbones in `models/`; the `card.json` of each says how it was made."""

from __future__ import annotations

from pathlib import Path

from benchbench import BackboneFolder

MODELS = Path(__file__).parent / "models"
MINIATURE = "a miniature of 1.0M parameters, pretrained on generated patents: shows how the "
MINIATURE += "harness works, not how real models do"


def _miniature(name: str, kind: str, family: str) -> BackboneFolder:
    return BackboneFolder(name, kind, family, f"{family}, {MINIATURE}", MODELS / name, "Apache-2.0")


BACKBONES = (
    _miniature("nano-llama", "causal-lm", "llama"),
    _miniature("nano-mistral", "causal-lm", "mistral"),
    _miniature("nano-qwen", "causal-lm", "qwen"),
    _miniature("nano-patent-bert", "encoder", "modernbert"),
)
