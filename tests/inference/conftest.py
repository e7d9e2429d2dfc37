"""A store with a small board of both kinds of data, trained once."""

from __future__ import annotations

import csv

import pytest

from tests.support.commands import benchbench

TOPICS = {
    "pumps": ("pump", "valve", "pressure"),
    "drugs": ("tablet", "dose", "patient"),
    "roads": ("asphalt", "bridge", "traffic"),
}


def rows(several):
    """Return documents whose words tell their labels."""
    names = sorted(TOPICS)
    for number in range(90):
        name = names[number % 3]
        word = TOPICS[name][number % 2]
        other = names[(number + 1) % 3] if several and number % 4 == 0 else name
        labels = sorted({name, other})
        title = f"A {word} with a {TOPICS[name][2]}"
        yield {"title": title, "abstract": f"Claim {number}: {TOPICS[other][1]}.",
               "topic": ";".join(labels) if several else name, "number": f"EP{number}"}  # fmt: skip


@pytest.fixture(scope="session", params=[False, True], ids=["single-label", "multi-label"])
def trained(request, tmp_path_factory):
    """Return (the store, its data as dictionaries, whether documents have several labels)."""
    folder = tmp_path_factory.mktemp("trained")
    data = list(rows(request.param))
    with (folder / "claims.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(data[0]))
        writer.writeheader()
        writer.writerows(data)
    words = [
        "--csv",
        "claims.csv",
        "--text",
        "title,abstract",
        "--label",
        "topic",
        "--id",
        "number",
    ]
    words += ["--label-separator", ";"] if request.param else []
    words += ["--method", "tfidf-svm", "--method", "embedding-head", "--method", "majority"]
    words += ["--backbone", "nano-llama", "--seeds", "0,1", "--set", "epochs=1"]
    benchbench(folder, "run", *words, "--store", "runs")
    return folder / "runs", data, request.param
