"""Two datasets that need no file: weather reports, and weather warnings with a hierarchy."""

import hashlib
import random

from benchbench import Parameter
from benchbench.kit.data import BuildOptions, Document, build_corpus

WORDS = {
    "rain": "umbrella wet puddle drizzle shower cloud",
    "snow": "white frost sledge cold flake cloud",
    "sun": "bright hot beach dry sky light",
}
PARENTS = {"rain": "wet", "snow": "wet", "sun": "dry"}


class Weather:
    name = "weather"
    description = "Generated weather reports, three classes"
    parameters = (Parameter("documents", int, 120, "documents per class", minimum=10),)

    def kind(self, params):
        return "single-label"

    def source(self, params):
        return hashlib.sha256(b"weather, first edition").hexdigest()

    def load(self, params, folder):
        options = BuildOptions(split_seed=params["split_seed"], source="weather")
        documents = reports(params["documents"], labels=1)
        return build_corpus(folder, "single-label", {"train": documents}, options=options)


class WeatherWarnings(Weather):
    name = "weather-warnings"
    description = "Generated weather reports with one or two labels each"

    def kind(self, params):
        return "multi-label"

    def load(self, params, folder):
        options = BuildOptions(split_seed=params["split_seed"], source="weather", parents=PARENTS)
        documents = reports(params["documents"], labels=2)
        return build_corpus(folder, "multi-label", {"train": documents}, options=options)


def reports(count, labels):
    """Yield `count` documents per class, with up to `labels` labels each."""
    draw = random.Random(0)
    names = sorted(WORDS)
    for number in range(count * len(names)):
        first = names[number % len(names)]
        chosen = {first} if number % 4 else {first, *draw.sample(names, labels - 1)}
        vocabulary = [word for name in sorted(chosen) for word in WORDS[name].split()]
        words = draw.choices([*vocabulary, "today", "the", "is"], k=8)
        yield Document(f"report-{number}", " ".join(words) + f" {number}", tuple(sorted(chosen)))
