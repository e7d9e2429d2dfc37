"""Which source code decides numbers, and a digest of it that comments do not change.

The digest is taken over a file's tokens without comments, docstrings and blank lines. Another
word in a docstring changes no number, so it must not make a stored result stale.
"""

from __future__ import annotations

import hashlib
import io
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType

from benchbench.machine.digests import digest

ROOT = Path(__file__).parent.parent
EXECUTION = ("contract", "kit", "running/worker.py")
"""The rooms and files of the core that decide what a cell predicts."""
OF_METRICS = ("contract/metric.py", "contract/scored.py")
"""Files in them that decide metrics alone, which are computed from stored predictions."""
SILENT = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER})
LAYOUT = {tokenize.NEWLINE: "\n", tokenize.INDENT: ">", tokenize.DEDENT: "<"}
FSTRING_START = getattr(tokenize, "FSTRING_START", -1)
FSTRING_END = getattr(tokenize, "FSTRING_END", -1)


def execution_digest() -> str:
    """Return the digest of the core's own code that decides what a cell predicts."""
    return core_digest(EXECUTION, OF_METRICS)


@cache
def core_digest(names: tuple[str, ...], without: tuple[str, ...] = ()) -> str:
    """Return the digest of some of the core's rooms ("kit") and files ("running/worker.py")."""
    files = [
        file
        for name in names
        for file in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
        if file.relative_to(ROOT).as_posix() not in without
    ]
    return _files_digest(ROOT, files)


def module_digest(module: ModuleType) -> str:
    """Return the digest of a module's source, or of the whole package that it is in."""
    if module.__file__ is None:
        return digest(None)
    file = Path(module.__file__)
    if not (file.parent / "__init__.py").exists():
        return _files_digest(file.parent, [file])
    return _files_digest(file.parent, file.parent.rglob("*.py"))


@lru_cache(maxsize=4096)  # every cell of a grid asks for the same files
def code_digest(source: str) -> str:
    """Return the sha256 of a file's tokens; of its text where Python cannot read it."""
    try:
        text = "\0".join(_spoken(source))
    except (tokenize.TokenError, SyntaxError):
        text = source
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _spoken(source: str) -> Iterator[str]:
    """Yield the text of every token, statement by statement, docstrings left out."""
    statement: list[str] = []
    strings = 0
    for kind, text in _tokens(source):
        if kind in LAYOUT:
            if kind == tokenize.NEWLINE and strings == len(statement):
                statement = []  # nothing but a string: a docstring
            yield from (*statement, LAYOUT[kind]) if statement or kind != tokenize.NEWLINE else ()
            statement, strings = [], 0
        else:
            statement.append(text)
            strings += kind == tokenize.STRING
    yield from statement


def _tokens(source: str) -> Iterator[tuple[int, str]]:
    """Yield (kind, text) of every token but comments; an f-string is one token on any Python."""
    lines = io.StringIO(source).readlines()  # as tokenize counts them: by line feeds alone
    depth, start = 0, (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == FSTRING_START:
            start = start if depth else token.start
            depth += 1
        elif token.type == FSTRING_END:
            depth -= 1
            if not depth:
                yield tokenize.OP, _between(lines, start, token.end)
        elif not depth and token.type not in SILENT:
            kind = token.type
            if (
                kind == tokenize.STRING
                and "f" in token.string.partition(token.string[-1])[0].lower()
            ):
                kind = tokenize.OP  # an f-string, as it is one token before Python 3.12
            yield kind, token.string


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return the source text from one (line, column) to another."""
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]]
    between = lines[start[0] : end[0] - 1]
    return "".join([lines[start[0] - 1][start[1] :], *between, lines[end[0] - 1][: end[1]]])


def _files_digest(root: Path, files: Iterable[Path]) -> str:
    return digest(
        {
            file.relative_to(root).as_posix(): code_digest(file.read_text("utf-8", "replace"))
            for file in files
        }
    )
