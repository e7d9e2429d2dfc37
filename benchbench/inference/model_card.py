"""The model card of an export: a README.md that the Hugging Face hub reads and renders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from benchbench.contract import Exported, Record, TrainingFacts
from benchbench.evaluation import title_of
from benchbench.inference.model_scores import ModelScores, scores_of
from benchbench.inference.replay import Replay
from benchbench.inference.trained_system import TrainedSystem
from benchbench.records import Store

MOST_LABELS = 30
"""So many labels are listed; `labels.json` has all of them."""
LICENCES = {"apache-2.0", "mit", "llama3.1", "llama3.2", "gpl-3.0", "cc-by-4.0", "cc-by-sa-4.0"}
"""The licences by the names that the hub gives them; any other is "other"."""


def model_card(
    store: Store, system: TrainedSystem, exported: Exported, found: Replay | None
) -> str:
    """Return the card: metadata, use, scores, training, limits and licences."""
    scores = scores_of(store, system)
    parts = (
        _metadata(system, exported, scores),
        _head(system),
        _use(system, exported),
        _scores(system, scores, found),
        _training(system.record),
        _limits(system, exported),
        _licences(system.record),
    )
    return "\n".join(parts)


def _metadata(system: TrainedSystem, exported: Exported, scores: ModelScores) -> str:
    """Return the block that the hub reads, results included."""
    from huggingface_hub import EvalResult, ModelCardData

    dataset = system.record.cell.dataset
    results = [
        EvalResult(
            task_type="text-classification", dataset_type=dataset.use, dataset_name=dataset.name,
            dataset_split="test", metric_type="f1" if name.endswith("_f1") else name,
            metric_name=title_of(name), metric_value=round(value, 4),
        )
        for name, value in scores.test.items()
    ]  # fmt: skip
    hub_id = exported.base if "/" in exported.base else None
    data = ModelCardData(
        license=_hub_licence(system.record),
        library_name=exported.library,
        pipeline_tag="text-classification",
        tags=["benchbench", "text-classification"],
        base_model=hub_id,
        model_name=system.title,
        eval_results=results,
    )
    return f"---\n{data.to_yaml().strip()}\n---\n"


def _hub_licence(record: Record) -> str | None:
    licence = str(record.provenance.get("licence") or "").lower()
    if not licence:
        return None
    return licence if licence in LICENCES else "other"


def _head(system: TrainedSystem) -> str:
    corpus, cell = system.corpus, system.record.cell
    names = corpus.labels.names
    listed = ", ".join(names[:MOST_LABELS])
    more = f", and {len(names) - MOST_LABELS} more in `labels.json`" * (len(names) > MOST_LABELS)
    base = f" on {cell.backbone.name}" if cell.backbone else ""
    each = "exactly one label" if corpus.kind == "single-label" else "any number of labels"
    return (
        f"# {cell.method.name}{base}, trained on {cell.dataset.name}\n\n"
        f"This classifier gives a text {each} of {len(names)}: {listed}{more}.\n"
    )


def _use(system: TrainedSystem, exported: Exported) -> str:
    base = exported.base
    local = "" if not base or "/" in base else ', base="FOLDER OF THE BASE MODEL"'
    lines = [
        "## Use",
        "",
        f"It needs Python with {_listed(exported.packages)}, and nothing of benchbench.",
        "",
        "```python",
        "from classifier import load          # the file in this folder",
        "",
        f'classifier = load("FOLDER"{local})',
        'for labels, probabilities in classifier.predict(["The first text.", "The second."]):',
        "    print(labels, probabilities)",
        "```",
        "",
        "`python classifier.py texts.txt` labels a file with a text per line.",
        "",
        f"The rule that decides, in `labels.json`: {_rule(system)}",
        *(f"\n{note}" for note in exported.notes),
    ]
    if base:
        where = f"on the hub as [{base}](https://huggingface.co/{base})"
        where = where if "/" in base else "not on the hub"
        lines += ["", f"The base model is {where}. Its weights are not in this folder."]
    return "\n".join(lines) + "\n"


def _rule(system: TrainedSystem) -> str:
    temperature = system.tuning.temperature
    scaled = (
        ""
        if temperature is None
        else (f" Probabilities are those of the scores divided by {temperature:.4g}.")
    )
    if system.corpus.kind == "single-label":
        return f"the label with the highest score.{scaled}"
    return f"all labels with a score above {system.tuning.threshold:.4g}.{scaled}"


def _scores(system: TrainedSystem, scores: ModelScores, found: Replay | None) -> str:
    documents = system.corpus.documents
    lines = [
        "## Scores",
        "",
        f"On {documents['test']:,} test documents, which neither training nor tuning has seen:",
        "",
        "| metric | this model | validation |",
        "| --- | ---: | ---: |",
        *(
            f"| {title_of(name)} | {value:.3f} | {scores.validation.get(name, float('nan')):.3f} |"
            for name, value in scores.test.items()
        ),
        "",
        *scores.sentences,
        found.words() if found else "The exported files were not compared with the board.",
    ]
    return "\n".join(lines) + "\n"


def _training(record: Record) -> str:
    """Return what was trained on what, and what was tuned."""
    cell, parameters = record.cell, record.identity["parameters"]
    facts = TrainingFacts.of(record.facts)
    lines = ["## Training", "", f"Made with benchbench {record.provenance.get('benchbench')}."]
    if facts is not None:
        tuned = _listed(facts.tuned) if facts.tuned else "nothing by the method"
        lines.append(
            f"Training minimises {facts.minimises}; early stopping: {facts.early_stopping}; class "
            f"weights: {facts.class_weights}. Tuned on validation: {tuned}; and, by one rule for "
            "every system of the board, the threshold and the temperature."
        )
    rows = [*_parameters("method", parameters), *_parameters("dataset", parameters)]
    rows += _parameters("backbone", parameters)
    return "\n".join(
        [*lines, "", "| | parameter | value |", "| --- | --- | --- |", *rows,
         f"| run | seed | {cell.seed} |", ""]
    )  # fmt: skip


def _parameters(noun: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield a row per parameter; paths of this machine are left out."""
    for name, value in sorted((parameters.get(noun) or {}).items()):
        if isinstance(value, str | int | float | bool) and str(value) and "/" not in str(value):
            yield f"| {noun} | {name} | {json.dumps(value, ensure_ascii=False)} |"


def _limits(system: TrainedSystem, exported: Exported) -> str:
    documents, report = system.corpus.documents, system.corpus.report
    lines = [
        "## Limits",
        "",
        f"It was trained on {documents['train']:,} documents and tuned on "
        f"{documents['validation']:,}. The scores hold for texts that are drawn as those were. A "
        "text of another kind gets one of the same labels.",
        *(f"- {warning}" for warning in (*report.warnings, *system.record.warnings)),
    ]
    return "\n".join(lines) + "\n"


def _licences(record: Record) -> str:
    licence, backbone = record.provenance.get("licence"), record.cell.backbone
    of_base = f"The base model {backbone.name}: {licence or 'unconfirmed'}. " if backbone else ""
    return (
        f"## Licences\n\n{of_base}The training data have their own terms. "
        "`classifier.py` and the files beside it: Apache-2.0.\n"
    )


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
