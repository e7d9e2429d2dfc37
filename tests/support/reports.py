"""Made-up leaderboards with everything that a report shows, of any size and with any names."""

from __future__ import annotations

from math import exp
from random import Random

from benchbench.evidence.values import (
    DatasetEvidence,
    Interval,
    McNemarEvidence,
    PairEvidence,
    SystemEvidence,
)
from benchbench.leaderboard.build import Leaderboard, LearningCurve, Section
from benchbench.leaderboard.tables import Column, Entry, Row, Table

METHODS = ("embedding-head", "instruction", "frozen-embedding", "zero-shot", "encoder")
BACKBONES = ("nano-llama", "nano-qwen", "nano-mistral", "nano-gemma", "nano-phi", "nano-olmo",
             "nano-falcon", "nano-gpt", "nano-bloom")  # fmt: skip
NAMES = (Column.of("method", "method", words=True), Column.of("backbone", "backbone", words=True))
CENTRE = 0.45
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "end-of-script": "</script><script>alert(1)</script>",
    "end-of-style": "</style><style>*{display:none}</style>",
    "end-of-title": "</title></desc></svg><img src=x onerror=alert(1)>",
    "handler": "<svg onload=alert(1)>",
    "double-quote": '" onmouseover="alert(1)',
    "single-quote": "' onfocus='alert(1)' autofocus='",
    "unquoted": "x onerror=alert(1)",
    "address": "javascript:alert(1)",
    "data-address": "data:text/html,<script>alert(1)</script>",
    "link": "[text](javascript:alert(1)) http://example.org",
    "template": "{{ 7 * 7 }}{% for x in y %}{# z #}",
    "template-access": "{{ board.__class__.__mro__ }}",
    "styles": "x;} body { display: none } /*",
    "style-address": "url(http://example.org/x.png)",
    "bidi": "abc\u202edef\u2066ghi\u200f",
    "zero-width": "pay\u200bpal\ufeff\u00ad\u2060",
    "nul": "a\0b\x7fc\x1b[31m",
    "newlines": "one\ntwo\r\nthree\u2028four\u2029",
    "surrogate": "caf\udce9",
    "comment": "<!-- --><![CDATA[x]]><?php echo 1 ?>",
    "entities": "&lt;b&gt; &amp; &#60;b&#62; &copy &#x3c;",
    "unclosed": "<b <i </td></tr></table>",
    "sql": "'; DROP TABLE runs; --",
    "emoji": "🏆👩🏽e\u0301",
    "long": "very-long-name-" * 40,
    "long-without-break": "W" * 600,
    "mathml": "<math><mtext><table><mglyph><style><!--</style><img onerror=alert(1)>",
}
"""Names that would do something where they were not escaped."""


def leaderboard(*sections, title="A leaderboard", note="Made up, to look at."):
    """Return a leaderboard with notes."""
    notes = ("F1 of a label is 2TP / (2TP + FP + FN), 0 where that is 0/0.",
             "Made by: benchbench run --grid default")  # fmt: skip
    return Leaderboard(title, sections or (section(),), notes, note)


def section(
    systems=6, labels=5, *, single=True, seeds=3, name=None, dataset="demo-claims", verdict=None
):
    """Return all of one dataset; `name` stands wherever a name can stand once."""
    random = Random(f"{systems} {labels}")
    names = _names(systems)
    label_names = [f"label-{number}" for number in range(labels)]
    if name is not None:
        names[0], names[1], label_names[0], dataset = (name, name), (name, ""), name, name
    evidence = _evidence(random, names, label_names, single, seeds)
    curves = [
        _curve(random, system.name, seed) for system in evidence.systems for seed in range(seeds)
    ]
    failures = (f"{name or 'zero-shot'} · nano-gpt, seed 2: failed: {name or 'out of memory'}",
                "majority, seed 0: not run")  # fmt: skip
    notes = (f"{400:,} documents to test; {labels} labels.", f"Warning: {name or 'none'}.")
    tables = (
        _ranking(random, evidence, name or "published"),
        _further(random, evidence, "calibration", "Calibration"),
        _further(random, evidence, "differences", "Differences"),
        _further(random, evidence, "mcnemar", "McNemar's test"),
    )
    told = verdict or (f"{evidence.systems[0].name} is first.",)
    return Section(
        dataset, "macro-F1", tables, failures, notes, evidence, tuple(curves), verdict=told,
        mistakes=_mistakes(label_names, name or "A document."),
    )  # fmt: skip


def _mistakes(labels, text):
    """Return what the first system gets wrong: one document, and a table without rows."""
    columns = tuple(Column.of(name, name, words=True) for name in ("id", "gold", "text"))
    row = Row(1, (Entry.words(text), Entry.words(labels[0]), Entry.words(text)))
    wrong = Table("wrong", f"Documents that {text} gets wrong", columns, (row,), (text,))
    return wrong, Table("suspects", "Labels that may be wrong", columns, (), ("test: 0 of 9.",))


def _names(systems):
    pairs = [(method, backbone) for backbone in BACKBONES for method in METHODS]
    return [("tfidf-svm", ""), *pairs][:systems]


def _interval(value, width):
    return Interval(value - width, value + width)


def _evidence(random, names, labels, single, seeds):
    values = sorted((round(random.uniform(0.1, 0.9), 4) for _ in names), reverse=True)
    support = [int(300 * exp(-5 * number / len(labels))) for number in range(len(labels))]
    support = support if len(labels) < 3 else [*support[:-1], 0]
    systems = tuple(
        _system(random, name, value, place, support, single, seeds)
        for place, (name, value) in enumerate(zip(names, values, strict=True))
    )
    pairs = tuple(
        _pair(random, first, second, values[first] - values[second], seeds)
        for first in range(len(names))
        for second in range(first + 1, len(names))
    )
    right = "accuracy" if single else "exact_match"
    return DatasetEvidence(
        "macro_f1", right, 400, 380, tuple(labels), tuple(support), systems, pairs,
        min(3, len(names) - 1),
    )  # fmt: skip


def _system(random, name, value, place, support, single, seeds):
    hard = place == 4
    bins = [] if hard else [
        ((number + 0.5) / 10, min(1.0, max(0.0, (number + 0.5) / 10 + random.gauss(-0.05, 0.07))),
         random.randint(3, 400)) for number in range(2, 10)
    ]  # fmt: skip
    few = range(min(len(support), 60))
    found = {}
    for row in few:
        for column in few:
            if row == column and single:
                found[row, column] = int(support[row] * seeds * value)
            elif row != column and random.random() < 0.5:
                found[row, column] = random.randint(1, 12)
    confusion = tuple((*pair, count) for pair, count in found.items() if count)
    f1 = tuple(min(1.0, max(0.0, random.gauss(value, 0.15))) for _ in support)
    letters = "abcdefghijklmnopqrstuvwxyz"[min(place // 3, 25)]
    return SystemEvidence(
        *name, tuple(range(seeds)), value, _interval(value, random.uniform(0.02, 0.05)), None,
        True, letters, place // 3 + 1, place // 3 + 3, tuple(bins), f1, confusion[:1000],
    )  # fmt: skip


def _pair(random, first, second, difference, seeds):
    p = min(1.0, exp(-60 * abs(difference)))
    mcnemar = tuple(
        McNemarEvidence(seed, random.randint(0, 90), random.randint(0, 60), p)
        for seed in range(seeds)
    )
    return PairEvidence(first, second, difference, _interval(difference, 0.05), None, p,
                        min(1.0, 20 * p), True, mcnemar)  # fmt: skip


def _ranking(random, evidence, published):
    columns = (
        *NAMES, Column.of("macro_f1", "macro-F1"), Column("seeds", ("seeds", "seeds_asked")),
        Column("95 % interval, n = 400", ("low", "high")),
        Column("tied", ("letters",)), Column("rank", ("best_rank", "worst_rank")),
        Column.of("accuracy", "accuracy"), Column.of("ece", "ECE"),
        Column.of("trainable_parameters", "trained parameters"),
        Column.of("fit_seconds", "training s"),
        Column.of("documents_per_second", "documents/s"), Column.of("peak_mib", "peak MiB"),
    )  # fmt: skip
    rows = [
        Row(place, _entries(random, system))
        for place, system in enumerate(evidence.systems, start=1)
    ]
    rest = tuple(Entry.empty(len(column.keys)) for column in columns[3:])
    lost = (Entry.words("zero-shot"), Entry.words("nano-gpt"), Entry.number(CENTRE))
    reported = (Entry.words(published), Entry.words("as reported"), Entry.number(0.81))
    rows += [Row(None, (*lost, *rest)), Row(None, (*reported, *rest), reported=True)]
    return Table("ranking", "Ranking", columns, tuple(rows), ("* measured beside others.",))


def _entries(random, system):
    low, high = system.interval.low, system.interval.high
    method = METHODS.index(system.method) if system.method in METHODS else 0
    trained = (162_437, 163_840, 645, 0, 1_050_373)[method]
    return (
        Entry.words(system.method), Entry.words(system.backbone or "–"),
        Entry.number(system.value), Entry("3 of 3", (3, 3)),
        Entry(f"{low:.3f} to {high:.3f}", (low, high)), Entry.words(system.letters),
        Entry(f"{system.best_rank} to {system.worst_rank}",
              (system.best_rank, system.worst_rank)),
        Entry.number(min(1.0, system.value + random.uniform(0.0, 0.1))),
        Entry.number(random.uniform(0.01, 0.2) if system.reliability else None),
        Entry.number(trained, ","),
        Entry.number((7, 10, 0.8, 0.1, 5)[method] * random.uniform(0.8, 1.2), ".1f", "*"),
        Entry.number((530, 340, 600, 330, 5_600)[method] * random.uniform(0.9, 1.1), ",.0f", "*"),
        Entry.number((128, 147, 100, 102, 42)[method] * random.uniform(0.9, 1.1), ",.0f"),
    )  # fmt: skip


def _further(random, evidence, key, title):
    columns = (*NAMES, *(Column(name, (name, f"{name}_sd")) for name in ("Brier", "NLL")))
    rows = []
    for place, system in enumerate(evidence.systems, start=1):
        scores = [random.uniform(0, 1) for _ in range(2)]
        entries = (Entry(f"{score:.3f} ± 0.010", (score, 0.01)) for score in scores)
        words = (Entry.words(system.method), Entry.words(system.backbone or "–"))
        rows.append(Row(place, (*words, *entries)))
    return Table(key, title, columns, tuple(rows))


def _curve(random, system, seed):
    points = []
    for step in range(1, 121):
        loss = 1.6 * exp(-step / 40) + 0.25 + random.uniform(-0.12, 0.12)
        points.append({"step": step, "loss": loss, "learning_rate": 1e-3})
        if step % 30 == 0:
            points.append({"step": step, "validation_loss": 1.5 * exp(-step / 45) + 0.35})
    return LearningCurve(system, seed, tuple(points))
