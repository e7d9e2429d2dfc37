"""Print what a document costs, asked about every label or having its labels listed.

Run it: python tests/perf/multi_label_cost.py
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

DOCUMENTS = 16
LISTED = 3
SECTIONS = tuple("ABCDEFGH")
SUBCLASSES = tuple(f"{s}{c:02}{x}" for s in SECTIONS for c in range(1, 9) for x in "BCDFGHKL")[:451]


def milliseconds(name: str, labels: tuple[str, ...], loaded: object) -> tuple[float, int]:
    """Return (milliseconds per document, tokens behind its prompt in one pass)."""
    import torch
    from benchbench_finetune.answer_formats import LabelList, YesNo
    from benchbench_finetune.prompt_format import PromptSettings, prompt_format

    from benchbench import LabelSpace
    from benchbench.kit.scoring.scorer import Scorer

    settings = PromptSettings(name, 128, label_list="never", max_listed=LISTED)
    prompt = prompt_format(loaded.tokenizer, LabelSpace(labels), settings, 1024)
    answers = YesNo(prompt) if name == "yes-no" else LabelList(prompt, LISTED)
    prompts, _ = prompt.encode(loaded.tokenizer, ["pump valve water pressure " * 40] * DOCUMENTS)
    scorer = Scorer(loaded.model, 0, True)
    with torch.no_grad():
        answers.logits(scorer.reader(prompts[:1]).read(prompts[:1]))
        start = time.perf_counter()
        answers.logits(scorer.reader(prompts).read(prompts))
    return 1000 * (time.perf_counter() - start) / DOCUMENTS, len(answers.trie)


def main() -> None:
    """Print a line for every format and number of labels."""
    from tests.support.models import load_model, write_model

    with tempfile.TemporaryDirectory() as folder:
        texts = ["pump valve water pressure", *SUBCLASSES]
        loaded = load_model(write_model(Path(folder) / "tiny", texts, context=1024, hidden=64))
    print("format  labels  nodes  ms/document")
    for names in (SECTIONS, SUBCLASSES):
        for name in ("yes-no", "list"):
            cost, nodes = milliseconds(name, names, loaded)
            print(f"{name:7} {len(names):6} {nodes:6}  {cost:11.1f}")


if __name__ == "__main__":
    main()
