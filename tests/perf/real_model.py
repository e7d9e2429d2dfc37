"""Print the three comparisons on a real model: the head, instruction tuning, scoring.

Run it: python tests/perf/real_model.py [--rounds 3] [--only head|instruction|scoring]

The model is SmolLM2-135M-Instruct, the folder `smollm2-135m-instruct` in `BENCHBENCH_MODELS`. Both
sides train one epoch of 128 documents in batches of 16, in NF4, with LoRA of rank 16, two threads.
They take turns, and rates are medians. The share of the machine's matrix rate is the number of
operations by the model's shape, divided by the time and by the rate of one large product of the
same dtype, measured in the same process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import numpy as np  # noqa: E402
import scoring_speed  # noqa: E402
import shared_data  # noqa: E402
from labeller import THREADS, asked  # noqa: E402
from peers.environment import python_of, run  # noqa: E402
from peers.ratio import Ratio, table  # noqa: E402
from training_speed import Budget, conversations, macro_f1, own_settings, peer_settings  # noqa: E402

MODEL = Path(os.environ.get("BENCHBENCH_MODELS", ".")) / "smollm2-135m-instruct"
BUDGET = Budget(128, 1)
TESTED = 96
RATE = 1.4e-3
"""What learning_rate = auto gives for this model's width."""
HEAD = {"banking77": 2.2, "patents": 2.0}
INSTRUCTION = {"never": ("labels not listed", 2.5), "always": ("77 labels listed", 6.0)}
SCORING = {"complete": 25.0, "certified": 45.0, "code": 150.0}
LEARNED = 1024
"""Documents from which the model that scores has learned."""
SCORED, SCORED_BY_PEER = 96, 8


def head(name: str, rounds: int, folder: Path) -> Ratio:
    """Return the embedding head against Trainer on one data set."""
    data = _with_known_labels(getattr(shared_data, name)(BUDGET.documents, TESTED))
    path = shared_data.write(data, folder / f"{name}.json")
    python = python_of("trainer", [])
    theirs, ours = _in_turn(
        rounds,
        lambda seed: run(python, HERE / "peers" / "hf_trainer.py",
                         _peer(path, seed, folder), THREADS),
        lambda seed: _ours("embedding-head", path, seed),
    )  # fmt: skip
    return _ratio(f"the head, {name}", "Trainer", HEAD[name], theirs, ours, data)


def instruction(label_list: str, rounds: int, folder: Path) -> Ratio:
    """Return instruction tuning against SFTTrainer on the same prompts."""
    what, target = INSTRUCTION[label_list]
    data = _with_known_labels(shared_data.banking77(BUDGET.documents, TESTED))
    path = shared_data.write(data, folder / "instruction.json")
    prompts = conversations(data, MODEL, BUDGET.document_tokens, 2048, label_list)
    file = shared_data.write(prompts, folder / "conversations.json")
    python = python_of("trl", ["trl"])
    params = {"label_list": label_list}
    theirs, ours = _in_turn(
        rounds,
        lambda seed: run(python, HERE / "peers" / "trl_sft.py",
                         _peer(file, seed, folder) | {"max_length": 2048}, THREADS),
        lambda seed: _ours("instruction", path, seed, **params),
    )  # fmt: skip
    for seed, one in enumerate(theirs):
        one["logits"] = _ours("instruction", path, seed, adapter=one["adapter"], **params)["logits"]
    return _ratio(f"by instruction, {what}", "SFTTrainer", target, theirs, ours, data)


def scoring(rounds: int, folder: Path) -> Iterator[Ratio]:
    """Yield three ways to score 77 labels against lm-evaluation-harness, on a trained model."""
    data = _with_known_labels(shared_data.banking77(LEARNED, SCORED))
    path = shared_data.write(data, folder / "learned.json")
    model = folder / "answering"
    settings = _settings("instruction", path, 0, label_list="never")
    run(sys.executable, HERE / "train_real_labeller.py", settings | {"merged": str(model)}, THREADS)
    question, coded = (
        asked(data["test"], data["labels"], verbalizer, MODEL, 2048)
        for verbalizer in ("text", "code")
    )
    few = {**question, "prompts": question["prompts"][:SCORED_BY_PEER]}
    rates, found = scoring_speed.in_turn({
        "peer": lambda: scoring_speed.theirs(model, few, 32, folder),
        "complete": lambda: scoring_speed.ours(model, question, "complete", folder),
        "certified": lambda: scoring_speed.ours(model, question, "certified", folder),
        "code": lambda: scoring_speed.ours(model, coded, "code", folder),
        "floor": lambda: scoring_speed.ours(model, coded, "floor", folder),
    }, rounds)  # fmt: skip
    scores = {name: found[name]["scores"] for name in rates}
    agreement = scoring_speed.check_agreement(scores["complete"], scores["peer"])
    if (np.argmax(scores["complete"], 1) != np.argmax(scores["certified"], 1)).any():
        raise SystemExit("a best label of the certified way is not that of the complete one")
    settled = np.mean(found["certified"]["found"]) / len(question["labels"])
    beside = {
        "complete": f"{agreement}; macro-F1 {macro_f1_of(data, scores['complete']):.3f}",
        "certified": f"{settled:.0%} of the labels scored, every best label the same",
        "code": f"{rates['code'] / rates['floor']:.0%} of the prompt-only floor",
    }
    for way, target in SCORING.items():
        yield Ratio(f"77 labels, {way}", "lm-evaluation-harness", rates["peer"], rates[way], target,
                    "", beside[way])  # fmt: skip


def macro_f1_of(data: Mapping[str, Any], scores: Any) -> float:
    """Return macro-F1 of test scores alone."""
    return macro_f1({**data, "validation": []}, scores)


def _with_known_labels(data: dict[str, Any]) -> dict[str, Any]:
    """Keep documents whose labels occur in training, and few of them to validate on."""
    for split in ("validation", "test"):
        data[split] = [row for row in data[split] if row["labels"]]
    data["validation"] = data["validation"][:32]
    return data


def _in_turn(
    rounds: int, theirs: Callable[[int], dict[str, Any]], ours: Callable[[int], dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run both by turns, each round with a seed of its own."""
    pairs = [(theirs(seed), ours(seed)) for seed in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _peer(path: str, seed: int, folder: Path) -> dict[str, Any]:
    settings = peer_settings(BUDGET, path, seed, folder)
    return {**settings, "model": str(MODEL), "learning_rate": RATE}


def _settings(method: str, path: str, seed: int, **params: Any) -> dict[str, Any]:
    settings = own_settings(BUDGET, path, seed, method, {"learning_rate": RATE, **params})
    return {**settings, "model": str(MODEL)}


def _ours(
    method: str, path: str, seed: int, adapter: str | None = None, **params: Any
) -> dict[str, Any]:
    settings = _settings(method, path, seed, **params)
    if adapter is not None:
        settings["adapter"] = adapter
    found: dict[str, Any] = run(sys.executable, HERE / "our_training.py", settings, THREADS)
    return found


def _ratio(
    task: str, peer: str, target: float, theirs: Sequence[Mapping[str, Any]],
    ours: Sequence[Mapping[str, Any]], data: Mapping[str, Any],
) -> Ratio:  # fmt: skip
    """Return medians, the largest peaks, macro-F1, and our share of the matrix rate."""

    def rate(runs: Sequence[Mapping[str, Any]]) -> float:
        return BUDGET.documents / statistics.median(one["train_seconds"] for one in runs)

    def quality(runs: Sequence[Mapping[str, Any]]) -> str:
        return f"macro-F1 {statistics.mean(macro_f1(data, one['logits']) for one in runs):.3f}"

    def peak(runs: Sequence[Mapping[str, Any]]) -> float:
        return max(one["peak_mb"] for one in runs)

    share = statistics.median(one["matrix_share"] for one in ours)
    own = f"{quality(ours)}; {share:.0%} of the matrix rate"
    return Ratio(task, peer, rate(theirs), rate(ours), target, quality(theirs), own,
                 peak(theirs), peak(ours))  # fmt: skip


def ratios(rounds: int, only: str | None) -> Iterator[Ratio]:
    """Yield a ratio for everything that is compared."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if only in (None, "head"):
            yield from (head(data, rounds, folder) for data in HEAD)
        if only in (None, "instruction"):
            yield from (instruction(way, rounds, folder) for way in INSTRUCTION)
        if only in (None, "scoring"):
            yield from scoring(rounds, folder)


def main() -> None:
    """Print a line as soon as it is known, and the whole table at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("head", "instruction", "scoring"))
    arguments = parser.parse_args()
    if not MODEL.is_dir():
        raise SystemExit(f"{MODEL}: no model is there; set BENCHBENCH_MODELS to a folder with it")
    found = []
    for ratio in ratios(arguments.rounds, arguments.only):
        found.append(ratio)
        print(table([ratio]).splitlines()[-1], flush=True)
    print(f"\n{table(found)}")


if __name__ == "__main__":
    main()
