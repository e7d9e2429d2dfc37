"""A leaderboard as one HTML file that needs nothing else: no network, no server, no library.

Names are data. The template escapes all that it writes, and `_shown` makes hidden characters
visible first. Styles and script are files of `render/report`; the policy in the head of the page
lets a browser use these two, by their digests, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from itertools import count
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from benchbench.leaderboard import Leaderboard
from benchbench.render.characters import visible
from benchbench.render.charts.picture import legend
from benchbench.render.charts.share_curve import KEY as SHARE_KEY
from benchbench.render.output_format import OutputFormat
from benchbench.render.report.chapters import chapter

FIRST_PICTURES = 12
"""The number of small pictures of one kind that are in sight; the others are folded away."""
FRONT_KEY = legend(
    [("circle", "best", "on the Pareto front"), ("circle", "other", "beaten by another system")]
)
CURVE_KEY = legend(
    [("line", "curve train", "training"), ("line", "curve validation", "validation")]
)


def render(board: Leaderboard) -> str:
    """Return the leaderboard as an HTML file, the same bytes for the same leaderboard."""
    style, script = _resource("report.css"), _resource("report.js")
    policy = (
        f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return _environment().get_template("report.html.jinja").render(
        board=board,
        chapters=[chapter(section) for section in board.sections],
        policy=policy,
        style=Markup(style),
        script=Markup(script),
        new_number=count(1).__next__,
        first_pictures=FIRST_PICTURES,
        front_key=FRONT_KEY,
        curve_key=CURVE_KEY,
        share_key=SHARE_KEY,
    )  # fmt: skip


FORMAT = OutputFormat(
    "a report in one file: charts, wrong documents, confusions; tables that sort and filter",
    render,
    mistakes=True,
)


def digest(text: str) -> str:
    """Return the digest by which a content security policy lets one inline text pass."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("benchbench.render", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: Any) -> Any:
    """Return what the template writes for a value; hidden characters of names become visible."""
    if value is None:
        raise TypeError("the template writes a value that is None")
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _resource(name: str) -> str:
    return files("benchbench.render.report").joinpath(name).read_text(encoding="utf-8")
