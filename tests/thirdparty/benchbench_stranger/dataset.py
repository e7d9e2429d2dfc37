"""A dataset that needs no file: three kinds of weather report."""

import hashlib
import random

from benchbench import Parameter
from benchbench.kit.data import BuildOptions, Document, build_corpus

WORDS = {
    "rain": "umbrella wet puddle drizzle shower cloud",
    "snow": "white frost sledge cold flake cloud",
    "sun": "bright hot beach dry sky light",
}


class Weather:
    name = "weather"
    description = "Generated weather reports, three classes"
    parameters = (
        Parameter("documents", int, 120, "documents of every class", minimum=10),
        Parameter("broken", bool, False, "give a label that is not in the label space"),
    )

    def kind(self, params):
        return "single-label"

    def source(self, params):
        return hashlib.sha256(b"weather, first edition").hexdigest()

    def load(self, params, folder):
        options = BuildOptions(split_seed=params["split_seed"], source="weather")
        return build_corpus(folder, "single-label", {"train": rows(params)}, options=options)


def rows(params):
    draw = random.Random(0)
    for number in range(params["documents"] * len(WORDS)):
        label = sorted(WORDS)[number % len(WORDS)]
        words = draw.choices([*WORDS[label].split(), "today", "the", "is"], k=8)
        yield Document(f"report-{number}", " ".join(words) + f" {number}", (label,))
