"""The benches' model, and what it is asked."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import shared_data
from peers.environment import ROOT, run

HERE = Path(__file__).resolve().parent
MODEL = ROOT / "plugins" / "benchbench_demo" / "models" / "nano-llama"
THREADS = 2


def trained(data: Mapping[str, Any], verbalizer: str, epochs: int, folder: Path) -> Path:
    """Return nano-llama, all of it trained to answer the training documents."""
    question = asked(data["train"], data["labels"], verbalizer)
    own = [question["labels"][row["labels"][0]] for row in data["train"]]
    path = shared_data.write({**question, "answers": own}, folder / "train.json")
    settings = {"model": str(MODEL), "asked": path, "folder": str(folder / verbalizer),
                "epochs": epochs, "threads": THREADS}  # fmt: skip
    run(sys.executable, HERE / "train_labeller.py", settings, THREADS)
    return folder / verbalizer


def asked(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], verbalizer: str,
    model: Path = MODEL, context: int = 512,
) -> Any:  # fmt: skip
    """Return {"prompts", "labels"} as token ids, for documents and the names of labels."""
    from benchbench_finetune.prompt_format import PromptSettings, prompt_format
    from transformers import AutoTokenizer

    from benchbench import LabelSpace

    tokenizer = AutoTokenizer.from_pretrained(model)
    settings = PromptSettings("one-label", 256, label_list="never", verbalizer=verbalizer)
    format = prompt_format(tokenizer, LabelSpace(tuple(names)), settings, context)
    prompts, _ = format.encode(tokenizer, [row["text"] for row in rows])
    end = [] if format.coded else [format.end]
    return {"prompts": prompts, "labels": [[*label, *end] for label in format.labels]}
