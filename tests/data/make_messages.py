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
        "the courier left the {thing} at a wrong address {when}",
    ),
    "refund": (
        "I sent the {thing} back {when} and have not got my money",
        "how long does it take to be paid back for a {thing} returned {when}",
        "you took the money for the {thing} twice {when}",
        "the voucher for the {thing} that I returned {when} has not come",
    ),
    "defect": (
        "the {thing} that came {when} is broken",
        "the {thing} stopped working {when}",
        "there is a crack in the {thing} that I got {when}",
        "one part of the {thing} was missing when I opened the box {when}",
    ),
    "order": (
        "can I still change the colour of the {thing} I ordered {when}",
        "please cancel the {thing} that I ordered {when}",
        "I ordered two of the {thing} {when} and meant one",
        "is the {thing} that was sold out {when} back in stock",
    ),
    "account": (
        "I cannot log in since {when} to buy a {thing}",
        "my address has changed {when}, how do I tell you before the {thing} goes out",
        "the password mail that I asked for {when} while buying a {thing} never came",
        "please delete my account, the {thing} of {when} was the last thing I bought",
    ),
}
WHEN = ("yesterday", "last week", "on Monday", "two days ago", "this morning", "in March", "in May")


def main() -> None:
    draw = random.Random(0)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["text", "topic"])
    seen = set()
    while len(seen) < 500:
        topic = draw.choice(sorted(TOPICS))
        sentence = draw.choice(TOPICS[topic]).format(
            thing=draw.choice(THINGS), when=draw.choice(WHEN)
        )
        text = f"{draw.choice(OPENINGS)} {sentence}. {draw.choice(CLOSINGS)}".strip()
        if text not in seen:
            seen.add(text)
            out.writerow([text, topic])


if __name__ == "__main__":
    main()
