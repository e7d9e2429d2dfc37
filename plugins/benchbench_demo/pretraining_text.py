"""The pretraining text of the miniatures: generated patents, none of which is in a dataset.

A quarter of the documents are forms: a question about a text, and its answer, as any large corpus
holds them. The answer is a word that occurs in the text, or does not. Forms make the words of
questions known to the models. Codes and units occur in forms only, beside random texts and with
random answers, so that the models cannot learn what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from benchbench_demo.inventions import members, pick
from benchbench_demo.world import UNITS
from benchbench_demo.writing import Patent, write

SEED = 1_000_000
"""The generator's seed. The datasets' seeds are smaller."""
FORMS = 0.25
"""The share of forms among the documents."""
ONE = (
    "Read the text and name the one category that it belongs to.",
    "Name the category of the text.",
    "Which one of the categories does the text belong to?",
)
MANY = (
    "Read the text and list every category that it belongs to, separated by semicolons.",
    "List the categories of the text.",
)
WHETHER = (
    "Read the text and say whether a category applies to it.",
    "Say yes or no: does the category apply to the text?",
)
DIGITS = "0123456789"
SECTIONS = "ABCDEFGH"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
UNIT_NAMES = sorted({unit for units in UNITS.values() for unit in units})
LONG_WORD = 4


def documents(number: int) -> Iterator[str]:
    """Yield `number` texts, each a patent's title, abstract, claims and description, or a form."""
    before: Patent | None = None
    for place, member in enumerate(members(SEED, number)):
        random = Random(f"{SEED}/form/{place}")
        patent = write(SEED, member)
        if before and random.random() < FORMS:
            yield _form(random, patent, before)
        else:
            yield "\n".join((patent.title, patent.abstract, patent.claims, patent.description))
        before = patent


def _form(random: Random, patent: Patent, other: Patent) -> str:
    """Return a question about a patent's title and abstract, with its answer."""
    text = f"{patent.title}\n{patent.abstract}"
    words = _words(text)
    kind = pick(random, ("one", "many", "whether", "whether", "at random", "at random"))
    if kind == "one":
        return _asked(random, ONE, text, "Category", pick(random, words))
    if kind == "many":
        listed = sorted({pick(random, words) for _ in range(3)})
        return _asked(random, MANY, text, "Categories", "; ".join(listed))
    if kind == "whether":
        strange = [word for word in _words(other.abstract) if word not in text]
        known = random.random() < 0.5 or not strange
        word = pick(random, words if known else strange)
        return _whether(random, text, word, "yes" if known else "no")
    name = pick(random, UNIT_NAMES) if random.random() < 0.4 else _code(random)
    if random.random() < 0.5:
        return _asked(random, ONE, text, "Category", name)
    return _whether(random, text, name, pick(random, ("yes", "no")))


def _asked(random: Random, questions: tuple[str, ...], text: str, slot: str, answer: str) -> str:
    names = sorted({pick(random, UNIT_NAMES) for _ in range(4)})
    choice = f"\n\nCategories:\n{', '.join(names)}" if random.random() < 0.3 else ""
    return f"{pick(random, questions)}{choice}\n\nText:\n{text}\n\n{slot}: {answer}"


def _whether(random: Random, text: str, name: str, answer: str) -> str:
    question = f"{pick(random, WHETHER)}\n\nText:\n{text}\n\n"
    return f"{question}Yes or no, does this category apply? {name}\nAnswer: {answer}"


def _words(text: str) -> list[str]:
    """Return the words of a text that have more than `LONG_WORD` letters, each once, in order."""
    plain = "".join(letter if letter.isalpha() else " " for letter in text)
    return list(dict.fromkeys(word for word in plain.split() if len(word) > LONG_WORD))


def _code(random: Random) -> str:
    """Return a code that looks like an IPC subclass; most such codes do not exist."""
    parts = (SECTIONS, DIGITS, DIGITS, LETTERS)
    return "".join(pick(random, tuple(part)) for part in parts)
