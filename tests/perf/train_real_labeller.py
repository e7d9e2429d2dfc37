"""Train a real model's adapters to answer with labels, and write the two merged in float32.

Takes the settings of `our_training.py` as JSON, and the folder "merged".
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from our_training import corpus_of, task_of

from benchbench.catalog.lookup import load_catalog
from benchbench.kit.dense_weights import dense_weight


def main(settings: dict[str, Any]) -> None:
    """Train, merge, write."""
    import torch

    torch.set_num_threads(settings["threads"])
    with tempfile.TemporaryDirectory() as folder:
        corpus = corpus_of(Path(settings["data"]), Path(folder))
        classifier = load_catalog().method(settings["method"]).fit(task_of(settings, corpus))
    merge(classifier.loaded.model, settings["model"], Path(settings["merged"]))
    print(json.dumps({}))


def merge(adapted: Any, folder: str, merged: Path) -> None:
    """Write the model of a folder with the weights that its adapted copy computes with."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    layers = {name: layer for name, layer in adapted.named_modules() if hasattr(layer, "lora_A")}
    with torch.no_grad():
        for name, layer in layers.items():
            down, up = (part["default"].weight for part in (layer.lora_A, layer.lora_B))
            weight = dense_weight(layer.base_layer, torch.float32)
            target = model.get_submodule(name).weight
            target.copy_(weight + layer.scaling["default"] * up @ down)
    model.save_pretrained(merged)
    AutoTokenizer.from_pretrained(folder).save_pretrained(merged)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
