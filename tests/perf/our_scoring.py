"""One way of ours to score labels, in a process of its own, as the peer's script has it.

Takes its settings as JSON; the last line it prints is the result. "way" is complete, certified,
code, or floor: the prompts alone, one after another, with the model's own forward.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchbench.kit.batching import pad, prediction_batches
from benchbench.kit.scoring.certified import certified_scores
from benchbench.kit.scoring.radix import RadixTrie
from benchbench.kit.scoring.scorer import Scorer
from benchbench.kit.scoring.trie import Continuation, TokenTrie

BATCH = 32


def main(settings: dict[str, Any]) -> None:
    """Score every prompt, print."""
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(settings["threads"])
    asked = json.loads(Path(settings["asked"]).read_text(encoding="utf-8"))
    prompts, labels = asked["prompts"], asked["labels"]
    model = AutoModelForCausalLM.from_pretrained(settings["model"], dtype=torch.float32).eval()
    trie = TokenTrie.build([Continuation((), tuple(label)) for label in labels])
    scorer = Scorer(model, 0, True)
    radix = RadixTrie.build(labels)
    found, left_out = [], []

    def score(some: list[list[int]], reader: Any) -> torch.Tensor:
        if settings["way"] == "floor":
            ids, mask = pad(some, 0, side="left")
            positions = (mask.cumsum(-1) - 1).clamp(min=0)
            return model(
                input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=1
            ).logits[:, 0, : len(labels)]
        reading = reader.read(some)
        if settings["way"] == "certified":
            certified = certified_scores(reading, radix)
            found.extend(certified.exact)
            left_out.extend(certified.left_out)
            return certified.scores
        return reading.scores(trie)

    def all_scores() -> torch.Tensor:
        scores = torch.empty(len(prompts), len(labels))
        reader = scorer.reader(prompts)
        for rows in prediction_batches([len(prompt) for prompt in prompts], BATCH):
            scores[rows] = score([prompts[row] for row in rows], reader)
        return scores

    with torch.no_grad():
        score(prompts[:BATCH], scorer.reader(prompts))
        found.clear()
        seconds = []
        for _ in range(settings["rounds"]):
            start = time.perf_counter()
            scores = all_scores()
            seconds.append(time.perf_counter() - start)
    result = {"seconds": min(seconds), "scores": scores.tolist(), "found": found,
              "left_out": left_out}  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
