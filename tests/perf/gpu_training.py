"""Print both trainings beside Trainer and SFTTrainer on a GPU, on the true shapes of real models.

Run it: python tests/perf/gpu_training.py [--shape llama-3.2-1b] [--batch-size 8]

The weights are random and the documents generated, with lengths spread as real ones are; the
tokenizer is Llama's. What is printed: documents a second and their ratio, peak GPU memory, and
the share of a measured bf16 matrix product that our training reaches. With --device cpu and
--shape tiny it runs anywhere, which says nothing of a GPU and shows that the script works.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import numpy as np  # noqa: E402
import shared_data  # noqa: E402
from peers.environment import SHARED, python_of, run  # noqa: E402
from peers.ratio import Ratio, table  # noqa: E402

LLAMA = {"vocab_size": 128256, "head_dim": 64, "num_attention_heads": 32,
         "num_key_value_heads": 8, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5,
         "bos_token_id": 128000, "eos_token_id": 128001}  # fmt: skip
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "llama-3.2-1b": {**LLAMA, "hidden_size": 2048, "intermediate_size": 8192,
                     "num_hidden_layers": 16, "tie_word_embeddings": True},
    "llama-3.1-8b": {**LLAMA, "hidden_size": 4096, "intermediate_size": 14336,
                     "num_hidden_layers": 32, "head_dim": 128},
    "tiny": {**LLAMA, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16},
}  # fmt: skip
LABELS = tuple(f"category {number:02}" for number in range(20))
COMMON = "the of a method for use in wherein said first second layer signal device"
LONGEST = 1024
MEDIAN = 220
METHODS = {"embedding-head": ("trainer", []), "instruction": ("trl", ["trl"])}


def write_model(shape: str, folder: Path) -> Path:
    """Write a model of random weights in bfloat16, with Llama's own tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(SHARED / "tokenizers" / "llama3.1" / file, folder / file)
    torch.set_default_dtype(torch.bfloat16)
    LlamaForCausalLM(LlamaConfig(**SHAPES[shape])).save_pretrained(folder)
    torch.set_default_dtype(torch.float32)
    return folder


def documents(count: int) -> dict[str, Any]:
    """Return rows of common words; their lengths are log-normal, cut at LONGEST."""
    random = np.random.default_rng(0)
    words = COMMON.split()

    def rows(count: int) -> list[dict[str, Any]]:
        lengths = np.minimum(random.lognormal(np.log(MEDIAN), 0.8, count), LONGEST).astype(int)
        return [
            {
                "text": " ".join(random.choice(words, max(1, length))),
                "labels": [number % len(LABELS)],
            }
            for number, length in enumerate(lengths)
        ]

    return {"kind": "single-label", "labels": list(LABELS), "train": rows(count),
            "validation": rows(32), "test": rows(32)}  # fmt: skip


def matrix_product(device: str) -> float:
    """Return the FLOP/s of a large product in bfloat16, the best of some."""
    import torch

    size = 8192 if device == "cuda" else 512
    one = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    best = 0.0
    for _ in range(10):
        start = time.perf_counter()
        one @ one
        if device == "cuda":
            torch.cuda.synchronize()
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best


def training_flops(shape: str, data: Mapping[str, Any], epochs: int) -> float:
    """Return the operations of the frozen layers: 2 a weight and token forwards, as many back."""
    values = SHAPES[shape]
    width, inner, heads = values["hidden_size"], values["intermediate_size"], values["head_dim"]
    attention = width * heads * (2 * values["num_attention_heads"])
    attention += width * heads * (2 * values["num_key_value_heads"])
    weights = values["num_hidden_layers"] * (attention + 3 * width * inner)
    tokens = sum(len(row["text"].split()) for row in data["train"])  # a word of these is a token
    return 4.0 * weights * tokens * epochs


def ratio_of(
    method: str, settings: Mapping[str, Any], data: Mapping[str, Any], asked: str
) -> tuple[Ratio, float]:
    """Return the ratio of one method, and our seconds."""
    peer, requirements = METHODS[method]
    script = HERE / "peers" / ("trl_sft.py" if peer == "trl" else "hf_trainer.py")
    theirs = run(python_of(peer, requirements), script,
                 {**settings, "data": asked if peer == "trl" else settings["data"]})  # fmt: skip
    names = ("epochs", "batch_size", "rank", "dropout", "learning_rate", "document_tokens")
    params = {name: settings[name] for name in names} | {
        "alpha": float(settings["alpha"]), "patience": 0,
        **({"label_list": "never"} if method == "instruction" else {}),
    }  # fmt: skip
    ours = run(sys.executable, HERE / "our_training.py",
               {**settings, "method": method, "params": params, "threads": 2})  # fmt: skip
    count = len(data["train"]) * settings["epochs"]
    found = Ratio(method, peer, count / theirs["train_seconds"], count / ours["train_seconds"],
                  1.8, "", "", theirs["peak_mb"], ours["peak_mb"])  # fmt: skip
    return found, ours["train_seconds"]


def main() -> None:
    """Print the table and what share of the card's limit our training reaches."""
    from training_speed import conversations

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="llama-3.2-1b")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--documents", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=8)
    arguments = parser.parse_args()
    data = documents(arguments.documents)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model").mkdir()
        model = write_model(arguments.shape, folder / "model")
        settings = {
            "model": str(model), "data": shared_data.write(data, folder / "data.json"),
            "folder": str(folder / "out"), "device": arguments.device, "seed": 0, "epochs": 1,
            "batch_size": arguments.batch_size, "eval_batch_size": 8, "rank": 16, "alpha": 32,
            "dropout": 0.05, "learning_rate": 2e-4, "warmup": 4, "document_tokens": LONGEST,
            "max_length": LONGEST + 64,
        }  # fmt: skip
        asked = conversations(data, model, LONGEST, LONGEST + 256)
        written = shared_data.write(asked, folder / "conversations.json")
        found = [ratio_of(method, settings, data, written) for method in METHODS]
    print(table(ratio for ratio, _ in found))
    limit, operations = matrix_product(arguments.device), training_flops(arguments.shape, data, 1)
    print(f"\nA bf16 matrix product: {limit / 1e12:.1f} TFLOP/s.")
    for ratio, seconds in found:
        print(f"{ratio.task}: {operations / seconds / limit:.1%} of it.")


if __name__ == "__main__":
    main()
