"""An invention in words: title, abstract, claims, description.

The same words describe the invention and the prior art; only the sentences show which is which.
Members of a family share most of their sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from benchbench_demo.inventions import Invention, Member, pick
from benchbench_demo.world import DEVICES, FIELDS, PURPOSES

REWRITTEN = 0.2
"""The share of sentences that later members of a family put in other words."""
VAGUE = 0.3
"""The share of titles that do not say what the device is for."""

ADJECTIVES = ("improved", "compact", "modular", "adjustable", "self-cleaning", "portable", "sealed",
              "low-noise", "heavy-duty", "flexible", "automatic", "replaceable")  # fmt: skip
FAULTS = ("tends to clog", "is costly to make", "wears out early", "needs much space",
          "is slow to respond", "fails at low temperatures", "leaks under load")  # fmt: skip
PLACES = ("next to", "above", "below", "behind", "in front of", "inside")
MATERIALS = ("steel", "ceramic", "silicone", "brass", "glass fibre", "aluminium")

TITLES = (
    "{adjective} {device} for {use}",
    "{device} with {a_part} for {use}",
    "{adjective} {device} and its use in {use}",
    "method of operating {a_device} for {use}",
)
VAGUE_TITLES = (
    "{adjective} {device}",
    "{device} with {a_part} and {a_part2}",
    "arrangement with {a_part}",
    "apparatus with {a_part2}",
)
KNOWN = (
    "{a_known} for {known_use} is known, but it {fault}.",
    "unlike {a_known} for {known_use}, which {fault}, this one does not.",
    "in {known_use}, {a_known} often {fault}.",
    "an earlier document shows {a_known} for {known_use} that {fault}.",
)
DISCLOSED = (
    "the invention is {a_device} for {use} which {does} the {thing}.",
    "disclosed is {a_device} that {does} the {thing} and serves {use}.",
    "for {use}, {a_device} is proposed that {does} the {thing}.",
    "{a_device} according to the invention {does} the {thing} and is meant for {use}.",
)
BUILT = (
    "it has {a_part} {place} {a_part2}.",
    "{a_part} of {material} lies {place} the {part2}.",
    "the {part} is held by {a_part2} of {material}.",
    "its {part} and its {part2} are made of {material}.",
)
PARTNERED = (
    "it works together with {a_partner} that {partner_does} the {thing}.",
    "{a_partner} is joined to it and {partner_does} the {thing}.",
    "a further part of it is {a_partner} with {a_partner_part}.",
)
SECOND = (
    "it may also be used for {second_use}.",
    "the same {device} also serves {second_use}.",
    "in another form it is built for {second_use}.",
)
GAINED = ("this gives {purpose}.", "the result is {purpose}.", "so the {device} has {purpose}.")
FIRST_CLAIM = "{a_device} for {use}, comprising {a_part} and {a_part2}, {place} the {thing}."
CLAIMS = (
    "The {device} of claim 1, wherein the {part} is made of {material}.",
    "The {device} of claim 1, wherein the {part2} lies {place} the {part}.",
    "The {device} of claim 1, which {does} the {thing2}.",
)
PARTNER_CLAIM = "The {device} of claim 1, further comprising {a_partner} with {a_partner_part}."
SECOND_CLAIM = "Use of the {device} of claim 1 for {second_use}."
BACKGROUND = (
    "in {use}, the {thing} and the {thing2} have to be taken care of.",
    "those who work in {use} know the {thing} well.",
    "the {thing} meets the {thing2} in {use}.",
)


@dataclass(frozen=True, slots=True)
class Patent:
    """The four texts of a document; one claim per line."""

    title: str
    abstract: str
    claims: str
    description: str


def write(seed: int, member: Member) -> Patent:
    """Put a document into words; the same seed, family and number give the same words."""
    writer = _Writer(seed, member)
    title = writer.line("title", VAGUE_TITLES if writer.chance("vague", VAGUE) else TITLES)
    return Patent(
        title.rstrip("."), writer.abstract(), "\n".join(writer.claims()), writer.description()
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    seed: int
    member: Member

    def abstract(self) -> str:
        """Return the abstract; its order does not show which sentence describes the invention."""
        lines = [self.line("disclosed", DISCLOSED), self.line("built", BUILT)]
        if self.chance("known", 0.7):
            lines.insert(2 * self.chance("order", 0.5), self.line("prior", KNOWN))
        lines += self._extras("partnered", PARTNERED, "second", SECOND)
        lines += [self.line("gained", GAINED)] if self.chance("gain", 0.5) else []
        return " ".join(lines)

    def claims(self) -> list[str]:
        """Return numbered claims, which all use the same name for the device."""
        lines = [self.line("claim 1", (FIRST_CLAIM,)), self.line("claim 2", CLAIMS)]
        lines += self._extras("claim 3", (PARTNER_CLAIM,), "claim 4", (SECOND_CLAIM,))
        return [f"{number}. {line}" for number, line in enumerate(lines, start=1)]

    def description(self) -> str:
        """Return the field, the prior art, and the invention in other words."""
        lines = [self.line("background", BACKGROUND), self.line("described known", KNOWN)]
        lines += [self.line("described", DISCLOSED), self.line("described parts", BUILT)]
        lines += self._extras("described partner", PARTNERED, "described second", SECOND)
        lines += [self.line("described gain", GAINED), "It works between 5 °C and 60 °C."]
        return " ".join(lines)

    def _extras(
        self, partner: str, partner_lines: tuple[str, ...], second: str, lines: tuple[str, ...]
    ) -> list[str]:
        """Return a sentence about the partner and one about the second field, where they exist."""
        invention = self.member.invention
        sentences = [self.line(partner, partner_lines)] if invention.partner else []
        return sentences + ([self.line(second, lines)] if invention.second_field else [])

    def chance(self, slot: str, share: float) -> bool:
        """Return True with probability `share`, the same for all members of the family."""
        return Random(f"{self.seed}/{self.member.family}/{slot}").random() < share

    def line(self, slot: str, templates: tuple[str, ...]) -> str:
        """Return the family's sentence, or this member's where it is rewritten."""
        member = self.member
        random = Random(f"{self.seed}/{member.family}/{slot}")
        if member.number:
            rewriting = Random(f"{self.seed}/{member.family}/{member.number}/{slot}")
            random = rewriting if rewriting.random() < REWRITTEN else random
        name = pick(random, DEVICES[member.invention.device].names, 0.6)
        if slot.startswith("claim"):
            claimed = Random(f"{self.seed}/{member.family}/claimed")
            name = pick(claimed, DEVICES[member.invention.device].names, 0.6)
        text = pick(random, templates).format_map(_words(random, member.invention, name))
        return text[0].upper() + text[1:]


def _words(random: Random, invention: Invention, name: str) -> dict[str, str]:
    """Return a word for every slot of a template; nouns also with their article."""
    device, field = DEVICES[invention.device], FIELDS[invention.field]
    known, known_field = DEVICES[invention.known[0]], FIELDS[invention.known[1]]
    part, part2 = _two(random, device.parts)
    thing, thing2 = _two(random, field.things)
    words = {
        "use": pick(random, field.uses, 0.6), "does": pick(random, device.does),
        "thing": thing, "thing2": thing2, "fault": pick(random, FAULTS),
        "known_use": pick(random, known_field.uses, 0.6), "adjective": pick(random, ADJECTIVES),
        "place": pick(random, PLACES), "material": pick(random, MATERIALS),
        "purpose": pick(random, PURPOSES[invention.group]),
    }  # fmt: skip
    nouns = {"device": name, "part": part, "part2": part2, "known": pick(random, known.names, 0.6)}
    if invention.partner:
        partner = DEVICES[invention.partner]
        words["partner_does"] = pick(random, partner.does)
        nouns["partner"] = pick(random, partner.names, 0.6)
        nouns["partner_part"] = pick(random, partner.parts)
    if invention.second_field:
        words["second_use"] = pick(random, FIELDS[invention.second_field].uses, 0.6)
    return words | nouns | {f"a_{slot}": article(noun) for slot, noun in nouns.items()}


def _two(random: Random, items: tuple[str, ...]) -> tuple[str, str]:
    first = pick(random, items)
    return first, pick(random, [item for item in items if item != first])


def article(noun: str) -> str:
    """Return "a" or "an" before a noun."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
