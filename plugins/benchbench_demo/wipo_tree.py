"""Generated patents as a folder tree of XML files in WIPO-Alpha's format."""

from __future__ import annotations

from pathlib import Path
from random import Random
from xml.sax.saxutils import escape

from benchbench_demo.inventions import Member, members
from benchbench_demo.writing import Patent, write

TEST_SHARE = 0.34


def write_tree(folder: Path, seed: int, documents: int) -> None:
    """Write `{train,test}/A/01/B/001/*.xml` under `folder`; a family is in one split only."""
    for number, member in enumerate(members(seed, documents)):
        drawn = Random(f"{seed}/{member.family}/split").random()
        split = "test" if drawn < TEST_SHARE else "train"
        code = member.codes[0]
        place = folder / split / code[0] / code[1:3] / code[3] / code[4:7]
        place.mkdir(parents=True, exist_ok=True)
        text = to_xml(number, member, write(seed, member))
        (place / f"{number:07}.xml").write_bytes(text.encode("iso-8859-1"))


def to_xml(number: int, member: Member, patent: Patent) -> str:
    """Return a document as XML; members of a family share their application number."""
    main, *others = member.codes
    secondary = "".join(f'<ipc ic="{code}"/>' for code in others)
    lines = [
        '<?xml version="1.0" encoding="iso-8859-1"?>',
        '<!DOCTYPE record SYSTEM "ipctraining.dtd">',
        f'<record cy="WO" an="XX{member.family:07}" pn="WO{number:07}" dnum="{number:07}" '
        'kind="A1">',
        f'<ipcs ed="7" mc="{main}">{secondary}</ipcs>',
        f"<pas><pa>Applicant {member.family % 97}</pa></pas>",
        f"<tis>{_part('ti', patent.title)}</tis>",
        f"<abs>{_part('ab', patent.abstract)}</abs>",
        f"<cls>{_part('cl', patent.claims)}</cls>",
        f"<txts>{_part('txt', patent.description)}</txts>",
        "</record>",
    ]
    return "\n".join(lines) + "\n"


def _part(tag: str, text: str) -> str:
    return f'<{tag} xml:lang="EN">{escape(text)}</{tag}>'
