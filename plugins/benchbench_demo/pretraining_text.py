"""What the miniatures are pretrained on: generated patents, none of which is in a dataset.

The texts name no code and no unit. A few letters in plain office words stand among them, so that
the words of a question are no strangers to the models.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from benchbench_demo.inventions import members, pick
from benchbench_demo.writing import write

SEED = 1_000_000
"""The generator's seed; the datasets' own are below it."""
LETTERS = 0.04
"""The share of letters among the documents."""
SENTENCES = (
    "please read the text and say {whether} the {thing} applies to it.",
    "the {thing} belongs to the text, and the answer is {yes}.",
    "does this {thing} apply? the answer is {yes}.",
    "name one {thing}, or list every {thing}, separated by semicolons.",
    "{yes}, the {things} of the text are read and answered.",
    "text and {things}: say yes or no, and name the one that it belongs to.",
)
THINGS = ("category", "list", "name", "question", "answer", "text")
PLURALS = ("categories", "lists", "names", "questions", "answers", "texts")


def documents(number: int) -> Iterator[str]:
    """Yield so many texts: title, abstract, claims and description of a patent, or a letter."""
    for place, member in enumerate(members(SEED, number)):
        random = Random(f"{SEED}/letter/{place}")
        if random.random() < LETTERS:
            yield _letter(random)
            continue
        patent = write(SEED, member)
        yield "\n".join((patent.title, patent.abstract, patent.claims, patent.description))


def _letter(random: Random) -> str:
    sentences = [
        pick(random, SENTENCES).format(
            whether=pick(random, ("whether", "which")),
            thing=pick(random, THINGS),
            things=pick(random, PLURALS),
            yes=pick(random, ("yes", "no")),
        )
        for _ in range(6)
    ]
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)
