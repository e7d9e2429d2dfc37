"""Label texts with the classifier in this folder.

On the command line, with a text per line:

    python classifier.py texts.txt
    python classifier.py --base FOLDER texts.txt     # where the base model is not on the hub

In Python:

    from classifier import load
    for labels, probabilities in load().predict(["The pump leaks."]):
        print(labels, probabilities)

`labels.json` has the labels and the rule that decides, `scorer.py` computes the scores.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

import numpy as np

HERE = Path(__file__).resolve().parent
AT_ONCE = 256
"""So many texts are predicted at once."""


@dataclass(frozen=True)
class TextClassifier:
    """Scores, and the rule that turns them into labels.

    Where only one label is allowed, it is the one with the highest score; else it is each label
    whose score is above `threshold`. Scores divided by `temperature` give probabilities.
    """

    scorer: Any
    labels: tuple[str, ...]
    kind: str
    threshold: float
    temperature: float | None

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return the scores, float32 [texts, labels]."""
        return np.asarray(self.scorer.logits(list(texts)), dtype=np.float32)

    def probabilities(self, logits: np.ndarray) -> np.ndarray | None:
        """Return probabilities [texts, labels] of scores; None where there are none."""
        if self.temperature is None:
            return None
        scaled = logits.astype(np.float64) / self.temperature
        if self.kind == "multi-label":
            return np.asarray(0.5 * (1 + np.tanh(scaled / 2)))
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def decided(self, logits: np.ndarray) -> np.ndarray:
        """Return which labels are given, bool [texts, labels]."""
        if self.kind == "multi-label":
            return np.asarray(logits > np.float64(self.threshold))
        return np.asarray(np.arange(len(self.labels)) == logits.argmax(axis=1)[:, None])

    def predict(self, texts: Sequence[str]) -> list[tuple[list[str], dict[str, float]]]:
        """Return for each text its labels, the likeliest first, and all probabilities by label."""
        logits = self.logits(texts)
        decided, probable = self.decided(logits), self.probabilities(logits)
        predictions = []
        for row, scores in enumerate(logits):
            order = np.argsort(-scores, kind="stable")
            given = [self.labels[place] for place in order if decided[row, place]]
            shares = [] if probable is None else probable[row].tolist()
            predictions.append((given, dict(zip(self.labels, shares, strict=False))))
        return predictions


def load(folder: str | Path = HERE, base: str | None = None) -> TextClassifier:
    """Return the classifier of a folder; `base` is a folder or hub id of its base model."""
    folder = Path(folder).resolve()
    rule = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    package = ModuleType(f"classifier_{abs(hash(folder))}")  # one per folder: several may be loaded
    package.__path__ = [str(folder)]
    sys.modules[package.__name__] = package
    module = importlib.import_module(f"{package.__name__}.scorer")
    return TextClassifier(
        module.load_scorer(folder, base),
        tuple(rule["labels"]),
        rule["kind"],
        rule["threshold"],
        rule["temperature"],
    )


def main() -> None:
    """Print a JSON object for each text: its labels and probabilities, or its scores."""
    parser = argparse.ArgumentParser(description="Label texts with the classifier in this folder.")
    parser.add_argument("texts", help="a file with a text per line; - reads a pipe")
    parser.add_argument("--base", help="folder or hub id of the base model")
    parser.add_argument("--json", action="store_true", help="each line is a text as JSON")
    parser.add_argument("--logits", action="store_true", help="print the scores of all labels")
    arguments = parser.parse_args()
    classifier = load(base=arguments.base)
    with sys.stdin if arguments.texts == "-" else Path(arguments.texts).open(encoding="utf-8") as f:
        for texts in _parts(f, arguments.json):
            rows = (
                classifier.logits(texts).tolist()
                if arguments.logits
                else _shown(classifier.predict(texts))
            )
            for row in rows:
                sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
            sys.stdout.flush()


def _parts(lines: TextIO, as_json: bool) -> Iterator[list[str]]:
    texts = []
    for line in lines:
        texts.append(json.loads(line) if as_json else line.rstrip("\n"))
        if len(texts) == AT_ONCE:
            yield texts
            texts = []
    if texts:
        yield texts


def _shown(predictions: list[tuple[list[str], dict[str, float]]]) -> list[dict[str, Any]]:
    return [{"labels": labels, "probabilities": shares} for labels, shares in predictions]


if __name__ == "__main__":
    main()
