"""Print how fast 77 labels are scored beside lm-evaluation-harness, and how 451 labels cost.

Run it: python tests/perf/scoring_speed.py [--documents 256] [--peer-documents 32]

The model is nano-llama, all of it trained to answer banking77, in float32; the prompts and the
label tokens are the same for all. Every run is a process of its own with two
threads; the peer's best batch size counts. It stops where the scores differ
by more than 1e-3, or a best label does.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import numpy as np  # noqa: E402
import shared_data  # noqa: E402
from labeller import THREADS, asked, trained  # noqa: E402
from peers.environment import python_of, run  # noqa: E402
from peers.ratio import Ratio, table  # noqa: E402

BATCH_SIZES = (8, 32, 64)
DOCUMENTS, EPOCHS = 9500, 6
TARGETS = {"complete": 4.0, "certified": 10.0, "code": 80.0}
ROUNDS = 3


def ours(model: Path, question: Any, way: str, folder: Path) -> tuple[float, Any]:
    """Return (documents a second, what the process printed)."""
    settings = {
        "model": str(model), "asked": shared_data.write(question, folder / "asked.json"),
        "way": way, "threads": THREADS, "rounds": ROUNDS,
    }  # fmt: skip
    found = run(sys.executable, HERE / "our_scoring.py", settings, THREADS)
    return len(question["prompts"]) / found["seconds"], found


def theirs(model: Path, question: Any, folder: Path) -> tuple[float, np.ndarray]:
    """Return (documents a second at the best batch size, scores [documents, labels])."""
    python = python_of("lm-eval", ["lm-eval"])
    best, scores = 0.0, np.empty(0)
    for size in BATCH_SIZES:
        settings = {
            "model": str(model), "asked": shared_data.write(question, folder / "peer.json"),
            "batch_size": size, "threads": THREADS,
        }  # fmt: skip
        found = run(python, HERE / "peers" / "lm_eval_scores.py", settings, THREADS)
        rate = len(question["prompts"]) / found["seconds"]
        print(f"lm-evaluation-harness, batch {size}: {rate:.1f} docs/s", file=sys.stderr)
        if rate > best:
            best = rate
            scores = np.array(found["scores"]).reshape(len(question["prompts"]), -1)
    return best, scores


def quality(data: Mapping[str, Any], scores: Any) -> tuple[float, float, float]:
    """Return macro-F1, NLL and expected calibration error in 15 bins."""
    from sklearn.metrics import f1_score

    logits = np.asarray(scores, dtype=np.float64)
    gold = np.array([row["labels"][0] for row in data["test"][: len(logits)]])
    logits -= logits.max(1, keepdims=True)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    best, sure = probabilities.argmax(1), probabilities.max(1)
    bins = np.minimum((sure * 15).astype(int), 14)
    error = sum(
        abs((best == gold)[bins == at].mean() - sure[bins == at].mean()) * (bins == at).mean()
        for at in np.unique(bins)
    )
    nll = -np.log(np.maximum(probabilities[np.arange(len(gold)), gold], 1e-300)).mean()
    return float(f1_score(gold, best, average="macro")), float(nll), float(error)


def told(values: tuple[float, float, float]) -> str:
    """Return the three values as text."""
    return "macro-F1 {:.4f}, NLL {:.4f}, ECE {:.4f}".format(*values)


def check_agreement(scores: Any, expected: np.ndarray) -> str:
    """Return how far scores differ at most; stop where they or a best label do."""
    own = np.asarray(scores)[: len(expected)]
    largest = float(np.abs(own - expected).max())
    if largest > 1e-3 or (own.argmax(1) != expected.argmax(1)).any():
        raise SystemExit(f"the scores differ by up to {largest:g}, or a best label differs")
    return f"scores within {largest:.0e} of theirs, all best labels the same"


def ratios(documents: int, peer_documents: int, folder: Path) -> list[Ratio]:
    """Return complete, certified and code against the peer."""
    data = shared_data.banking77(DOCUMENTS, documents)
    model = trained(data, "text", EPOCHS, folder)
    question = asked(data["test"], data["labels"], "text")
    few = {**question, "prompts": question["prompts"][:peer_documents]}
    their_rate, expected = theirs(model, few, folder)
    complete_rate, complete = ours(model, question, "complete", folder)
    agreement = check_agreement(complete["scores"], expected)
    exact = quality(data, complete["scores"])
    rate, certified = ours(model, question, "certified", folder)
    bounded = quality(data, certified["scores"])
    if (np.argmax(complete["scores"], 1) != np.argmax(certified["scores"], 1)).any():
        raise SystemExit("a best label of the certified way is not that of the complete one")
    apart = np.abs(np.subtract(exact, bounded)).max()
    share = np.mean(certified["found"]) / len(question["labels"])
    coded = trained(data, "code", EPOCHS, folder)
    coded_question = asked(data["test"], data["labels"], "code")
    code_rate, code = ours(coded, coded_question, "code", folder)
    floor, _ = ours(coded, coded_question, "floor", folder)
    peer = "lm-evaluation-harness"
    return [
        Ratio("77 labels, complete", peer, their_rate, complete_rate, TARGETS["complete"],
              "", f"{agreement}; {told(exact)}"),
        Ratio("77 labels, certified", peer, their_rate, rate, TARGETS["certified"], "",
              f"{share:.0%} of the labels scored, all best labels the same; {told(bounded)}, "
              f"at most {apart:.4f} from complete"),
        Ratio("77 labels, code", peer, their_rate, code_rate, TARGETS["code"], "",
              f"{code_rate / floor:.0%} of the floor; {told(quality(data, code['scores']))}"),
    ]  # fmt: skip


def names_of(kind: str, count: int) -> list[str]:
    """Return label names: "codes" as IPC subclasses have them, or "words", three each."""
    drawn = random.Random(0)
    if kind == "codes":
        every = [f"{s}{c:02}{x}" for s in "ABCDEFGH" for c in range(1, 9) for x in "BCDFGHKLMN"]
    else:
        words = "water light engine protein signal valve camera gear cell network lens pump"
        pool = words.split()
        every = [f"{a} {b} {c}" for a in pool for b in pool for c in pool]
    return sorted(drawn.sample(every, count))


def growth(folder: Path, documents: int) -> str:
    """Return a table of what 451 labels cost beside 77 of the same kind, as a markdown table."""
    data = shared_data.banking77(DOCUMENTS, documents)
    lines = ["| labels | way | 77, docs/s | 451, docs/s | cost grows | target |",
             "| --- | --- | ---: | ---: | ---: | ---: |"]  # fmt: skip
    for kind in ("codes", "words"):
        for way, target in (("complete", "< 6"), ("certified", "< 3"), ("code", "1")):
            verbalizer = "code" if way == "code" else "text"
            rates = [
                ours(folder / verbalizer, asked(data["test"], names_of(kind, count), verbalizer),
                     way, folder)[0]
                for count in (77, 451)
            ]  # fmt: skip
            lines.append(f"| {kind} | {way} | {rates[0]:,.1f} | {rates[1]:,.1f} "
                         f"| **{rates[0] / rates[1]:.2f}** | {target} |")  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=256)
    parser.add_argument("--peer-documents", type=int, default=32)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(table(ratios(arguments.documents, arguments.peer_documents, folder)))
        print(f"\n{growth(folder, arguments.documents)}")


if __name__ == "__main__":
    main()
