"""Train all weights of a small model to answer with labels, so that it is sure of some.

A miniature's own words are those of its generated texts: adapters on a frozen output head cannot
teach it others. Takes its settings as JSON, in a process of its own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from benchbench.kit.batching import length_bucketed_batches
from benchbench.kit.scoring.tree_scoring import chain_scores

BATCH = 16
RATE = 2e-3


def main(settings: dict[str, Any]) -> None:
    """Train on prompts and their answers, write the model."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    torch.set_num_threads(settings["threads"])
    asked = json.loads(Path(settings["asked"]).read_text(encoding="utf-8"))
    prompts, answers = asked["prompts"], asked["answers"]
    model = AutoModelForCausalLM.from_pretrained(settings["model"], dtype=torch.float32).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    lengths = [len(prompt) for prompt in prompts]
    steps = settings["epochs"] * -(-len(prompts) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for epoch in range(settings["epochs"]):
        for rows in length_bucketed_batches(lengths, BATCH, 0, epoch):
            scores = chain_scores(
                model, [prompts[row] for row in rows], [answers[row] for row in rows], 0
            )
            (-scores.mean()).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    model.save_pretrained(settings["folder"])
    AutoTokenizer.from_pretrained(settings["model"]).save_pretrained(settings["folder"])
    print(json.dumps({}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
