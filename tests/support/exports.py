"""Exported classifiers, computed by a Python process that does not know benchbench."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

SCRIPT = """
import importlib.util, json, sys

def module(folder):
    found = importlib.util.spec_from_file_location("classifier", f"{folder}/classifier.py")
    loaded = importlib.util.module_from_spec(found)
    sys.modules["classifier"] = loaded
    found.loader.exec_module(loaded)
    return loaded

cases, texts = json.load(sys.stdin)
answers = {}
for name, (folder, base) in cases.items():
    classifier = module(folder).load(folder, base)
    answers[name] = classifier.logits(texts).tolist(), classifier.predict(texts)
ours = [name for name in sys.modules if name.partition(".")[0].startswith("benchbench")]
print(json.dumps([answers, ours]))
"""


def export(classifier: Any, folder: Path, backbone: Any = None, *, merge: bool = False) -> Any:
    """Export a fitted classifier with the rule of a board whose threshold is 0."""
    from benchbench import ExportTarget

    folder.mkdir(parents=True)
    address = backbone.backbone.address(backbone.params) if backbone is not None else None
    exported = classifier.export(ExportTarget(folder, address, merge))
    multi = getattr(getattr(classifier, "settings", None), "kind", "") == "multi-label"
    rule = {
        "kind": "multi-label" if multi else "single-label",
        "labels": list(classifier.labels.names),
        "threshold": 0.0,
        "temperature": 2.0,
    }
    (folder / "labels.json").write_text(json.dumps(rule), encoding="utf-8")
    source = files("benchbench") / "kit" / "standalone" / "classifier.py"
    (folder / "classifier.py").write_bytes(source.read_bytes())
    return exported


def answers_of(cases: dict[str, tuple[Path, Path | None]], texts: list[str]) -> Any:
    """Return ({case: (logits, predictions)}, the modules of benchbench that were imported)."""
    given = {name: (str(folder), base and str(base)) for name, (folder, base) in cases.items()}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps([given, texts]),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
