"""Print training's documents a second beside those of Trainer and SFTTrainer, with macro-F1.

Run it: python tests/perf/training_speed.py [--seeds 3] [--rounds 1] [--only head|instruction]

Same model, documents, batch size, epochs, LoRA and learning rate; every run is a process of its
own with two threads, and the two take turns, so that a busy machine is busy for both.

The head starts from nano-llama. Adapters on that model's frozen output head cannot learn words
that it has hardly seen, so the instruction method starts from a nano-llama that has first answered
other documents, all of it trained; how good that one is stands beside the two.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import shared_data  # noqa: E402
from labeller import MODEL, THREADS, trained  # noqa: E402
from peers.environment import python_of, run  # noqa: E402
from peers.ratio import Ratio, table  # noqa: E402

RATE = 2e-3


@dataclass(frozen=True, slots=True)
class Budget:
    """What both sides are given."""

    documents: int
    epochs: int
    batch_size: int = 16
    document_tokens: int = 256
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05

    @property
    def warmup(self) -> int:
        """Return a tenth of all steps."""
        return math.ceil(0.1 * self.epochs * math.ceil(self.documents / self.batch_size))


INSTRUCTION = Budget(1500, 2)
LEARNED_BEFORE = 4000
"""Documents from which the instruction method's start has learned; nobody sees them again."""
EPOCHS = 3
"""So often it has seen them: half learned, so that there is something left to learn."""
TEST = {"head": 600, "instruction": 250}
HEAD = {
    "banking77": (Budget(4000, 3), 2.2),
    "patents": (Budget(600, 2), 1.8),
}


def head_ratio(name: str, seeds: int, folder: Path) -> Ratio:
    """Return the embedding head against Trainer on one data set."""
    budget, target = HEAD[name]
    data = getattr(shared_data, name)(budget.documents, TEST["head"])
    path = shared_data.write(data, folder / f"{name}.json")
    python = python_of("trainer", [])
    theirs, ours = [], []
    for seed in range(seeds):
        theirs.append(run(python, HERE / "peers" / "hf_trainer.py",
                          peer_settings(budget, path, seed, folder), THREADS))  # fmt: skip
        ours.append(run(sys.executable, HERE / "our_training.py",
                        own_settings(budget, path, seed, "embedding-head"), THREADS))  # fmt: skip
    return _ratio(f"training the head, {name}", "Trainer", budget, target, data, theirs, ours)


def instruction_ratio(seeds: int, folder: Path) -> Ratio:
    """Return the instruction method against SFTTrainer on banking77; both scored by us."""
    budget = INSTRUCTION
    data = shared_data.banking77(budget.documents + LEARNED_BEFORE, TEST["instruction"])
    data["validation"] = data["validation"][:32]  # argmax needs no threshold
    model = str(trained({**data, "train": data["train"][:LEARNED_BEFORE]}, "text", EPOCHS, folder))
    data["train"] = data["train"][LEARNED_BEFORE:]
    path = shared_data.write(data, folder / "instruction.json")
    asked = shared_data.write(
        conversations(data, MODEL, budget.document_tokens, 512), folder / "conversations.json"
    )
    python = python_of("trl", ["trl"])
    theirs, ours = [], []

    def own(seed: int, **more: Any) -> Any:
        params = {"label_list": "never"}
        settings = own_settings(budget, path, seed, "instruction", params)
        return run(sys.executable, HERE / "our_training.py",
                   {**settings, "model": model, **more}, THREADS)  # fmt: skip

    start = _quality("SFTTrainer", data, [own(0, adapter=None)])
    for seed in range(seeds):
        settings = {**peer_settings(budget, asked, seed, folder), "model": model}
        found = run(python, HERE / "peers" / "trl_sft.py", settings, THREADS)
        theirs.append({**found, "logits": own(seed, adapter=found["adapter"])["logits"]})
        ours.append(own(seed))
    task = f"training by instruction, banking77, from {start}"
    return _ratio(task, "SFTTrainer", budget, 2.5, data, theirs, ours)


def conversations(
    data: Mapping[str, Any], model: Path, document_tokens: int, context: int,
    label_list: str = "never",
) -> list[dict[str, str]]:  # fmt: skip
    """Return our own prompts and answers, as text in SFTTrainer's columns."""
    from benchbench_finetune.prompt_format import PromptSettings, prompt_format
    from transformers import AutoTokenizer

    from benchbench import LabelSpace

    tokenizer = AutoTokenizer.from_pretrained(model)
    settings = PromptSettings("one-label", document_tokens, label_list=label_list)
    format = prompt_format(tokenizer, LabelSpace(tuple(data["labels"])), settings, context)
    prompts, _ = format.encode(tokenizer, [row["text"] for row in data["train"]])
    start = 1 if prompts[0][0] == tokenizer.bos_token_id else 0  # the peer's tokenizer adds it
    return [
        {
            "prompt": tokenizer.decode(prompt[start:]),
            "completion": tokenizer.decode(format.labels[row["labels"][0]]),
        }
        for prompt, row in zip(prompts, data["train"], strict=True)
    ]


def peer_settings(budget: Budget, path: str, seed: int, folder: Path) -> dict[str, Any]:
    """Return what the peers' scripts are given."""
    return {
        "model": str(MODEL), "data": path, "seed": seed, "folder": str(folder / "trainer"),
        "epochs": budget.epochs, "batch_size": budget.batch_size, "eval_batch_size": 32,
        "document_tokens": budget.document_tokens, "rank": budget.rank, "alpha": budget.alpha,
        "dropout": budget.dropout, "learning_rate": RATE, "warmup": budget.warmup,
        "max_length": 512, "device": "cpu",
    }  # fmt: skip


def own_settings(
    budget: Budget, path: str, seed: int, method: str, params: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what `our_training.py` is given."""
    same = {
        "epochs": budget.epochs, "batch_size": budget.batch_size, "rank": budget.rank,
        "alpha": float(budget.alpha), "dropout": budget.dropout, "learning_rate": RATE,
        "document_tokens": budget.document_tokens, "patience": 0,
    }  # fmt: skip
    return {"model": str(MODEL), "data": path, "seed": seed, "method": method,
            "params": {**same, **(params or {})}, "threads": THREADS, "device": "cpu"}  # fmt: skip


def _ratio(
    task: str,
    peer: str,
    budget: Budget,
    target: float,
    data: Mapping[str, Any],
    theirs: list[Mapping[str, Any]],
    ours: list[Mapping[str, Any]],
) -> Ratio:
    """Return the medians over the seeds, and macro-F1 as mean ± deviation."""
    documents = budget.documents * budget.epochs

    def rate(runs: list[Mapping[str, Any]]) -> float:
        return documents / statistics.median(one["train_seconds"] for one in runs)

    def peak(runs: list[Mapping[str, Any]]) -> float:
        return max(one["peak_mb"] for one in runs)

    return Ratio(task, peer, rate(theirs), rate(ours), target, _quality(peer, data, theirs),
                 _quality(peer, data, ours), peak(theirs), peak(ours))  # fmt: skip


def _quality(peer: str, data: Mapping[str, Any], runs: list[Mapping[str, Any]]) -> str:
    """Return macro-F1 over the seeds, and where labels are scored, what training lowers."""
    told = f"macro-F1 {spread([macro_f1(data, one['logits']) for one in runs])}"
    if peer != "SFTTrainer":
        return told
    return f"{told}, answer's loss {spread([answer_loss(data, one['logits']) for one in runs])}"


def macro_f1(data: Mapping[str, Any], logits: Any) -> float:
    """Return macro-F1 on the test documents, by the harness's own rule of decision.

    That is argmax, or one threshold for all labels, the best for micro-F1 on validation.
    """
    import numpy as np
    from sklearn.metrics import f1_score

    scores, split = np.asarray(logits), len(data["validation"])
    if data["kind"] == "single-label":
        gold = [row["labels"][0] for row in data["test"]]
        return float(f1_score(gold, scores[split:].argmax(1), average="macro"))
    gold = np.zeros(scores.shape, dtype=int)
    for row, document in enumerate(data["validation"] + data["test"]):
        gold[row, document["labels"]] = 1
    thresholds = np.quantile(scores[:split], np.linspace(0.01, 0.99, 99))
    best = max(
        thresholds, key=lambda t: f1_score(gold[:split], scores[:split] > t, average="micro")
    )
    return float(f1_score(gold[split:], scores[split:] > best, average="macro", zero_division=0))


def answer_loss(data: Mapping[str, Any], logits: Any) -> float:
    """Return the mean of -log p(the right label's text) on the test documents.

    It is what both trainings lower, and the instruction method's logits are these scores.
    """
    rows = data["test"]
    scores = logits[-len(rows) :]
    return -statistics.mean(
        score[row["labels"][0]] for score, row in zip(scores, rows, strict=True)
    )


def spread(values: list[float]) -> str:
    """Return mean ± deviation over the seeds, or the one value."""
    deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{deviation}"


def ratios(seeds: int, only: str | None) -> Iterator[Ratio]:
    """Yield a ratio for every training."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if only in (None, "head"):
            for data in HEAD:
                yield head_ratio(data, seeds, folder)
        if only in (None, "instruction"):
            yield instruction_ratio(seeds, folder)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=("head", "instruction"))
    arguments = parser.parse_args()
    print(table(ratios(arguments.seeds, arguments.only)))


if __name__ == "__main__":
    main()
