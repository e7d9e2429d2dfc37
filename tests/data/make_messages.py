"""Write messages.csv: invented messages to a shop, five topics, to try benchbench on.

python tests/data/make_messages.py > tests/data/messages.csv
"""

import csv
import random
import sys

OPENINGS = ("Hello,", "Hi there,", "Good morning,", "Dear team,", "", "Hey,", "Dear all,")
CLOSINGS = ("Thanks.", "Please help.", "What now?", "Kind regards", "", "Can you look into it?")
THINGS = ("kettle", "lamp", "bicycle pump", "backpack", "desk", "pair of shoes", "blender", "tent")
TOPICS = {
    "delivery": (
        "my {thing} was due {when} and has not arrived",
        "the tracking page has said the same about the {thing} since {when}",
        "where is the {thing} that I ordered {when}",
        "somebody left the {thing} at a wrong address {when}",
        "I waited for the {thing} {when} and nobody rang",
        "the {thing} should have come {when}",
        "the neighbours were given a {thing} that is mine {when}",
    ),
    "refund": (
        "I sent the {thing} back {when} and have not got my money",
        "how long does it take to be paid back for a {thing} returned {when}",
        "you took the money for the {thing} twice {when}",
        "the voucher for the {thing} that I returned {when} has not come",
        "I paid more for the {thing} {when} than the page says",
        "the {thing} went back to you {when} and my bank knows nothing of it",
        "when do I see again what I paid for the {thing} {when}",
    ),
    "defect": (
        "the {thing} that came {when} is broken",
        "the {thing} stopped working {when}",
        "there is a crack in the {thing} that I got {when}",
        "one part of the {thing} was missing when I opened the box {when}",
        "the {thing} makes a strange noise since {when}",
        "the {thing} fell apart {when}",
        "I cannot close the {thing} any more since {when}",
    ),
    "order": (
        "can I still change the colour of the {thing} I ordered {when}",
        "please cancel the {thing} that I ordered {when}",
        "I ordered two of the {thing} {when} and meant one",
        "is the {thing} that was sold out {when} back in stock",
        "I would rather have the large {thing} than the one of {when}",
        "do not send the {thing} of {when}, I no longer want it",
        "please add a second {thing} to what I bought {when}",
    ),
    "account": (
        "I cannot log in since {when} to buy a {thing}",
        "my address has changed {when}, how do I tell you before the {thing} goes out",
        "the password mail that I asked for {when} while buying a {thing} never came",
        "please delete all you know of me, the {thing} of {when} was the last thing I bought",
        "somebody else bought a {thing} in my name {when}",
        "I get your letters about a {thing} twice since {when}",
        "my name is spelled wrong on the page of the {thing} since {when}",
    ),
}
BOTH = (
    "{main}. It is no longer that {other}",
    "it is no longer that {other}. {main}",
    "last time I wrote that {other}. Now {main}",
    "{main}. My last letter, that {other}, is settled",
    "{main}",
)
"""Most messages tell of two things, and the topic is that of one: who counts words is misled."""
WHEN = ("yesterday", "last week", "on Monday", "two days ago", "this morning", "in March", "in May")


def main() -> None:
    draw = random.Random(0)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["text", "topic"])
    seen = set()
    while len(seen) < 500:
        topic = draw.choice(sorted(TOPICS))
        main, other = (_sentence(draw, one) for one in (topic, draw.choice(sorted(TOPICS))))
        body = draw.choice(BOTH).format(main=main, other=other)
        text = f"{draw.choice(OPENINGS)} {body}. {draw.choice(CLOSINGS)}".strip()
        if text not in seen:
            seen.add(text)
            out.writerow([text, topic])


def _sentence(draw: random.Random, topic: str) -> str:
    """Return a sentence about a topic."""
    sentence = draw.choice(TOPICS[topic])
    return sentence.format(thing=draw.choice(THINGS), when=draw.choice(WHEN))


if __name__ == "__main__":
    main()
