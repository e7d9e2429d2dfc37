"""Writes a plugin package that passes its own tests: a beginning, to be changed."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from benchbench.contract import API_VERSION, BenchbenchError, did_you_mean
from benchbench.machine import fsio
from benchbench.scaffold.plugin_kinds import KINDS, PluginKind

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MOST_CHARACTERS = 40
TEMPLATES = Path(__file__).parent / "templates"


def write_package(name: str, kind: str, parent: Path) -> list[Path]:
    """Write the package of a new plugin below `parent`; return its files.

    Raises BenchbenchError for a name that cannot be one, an unknown kind, or a folder that exists.
    """
    if kind not in KINDS:
        raise BenchbenchError(f"Unknown kind of plugin '{kind}'{did_you_mean(kind, KINDS)}")
    check_plugin_name(name)
    folder = parent / f"benchbench-{name}"
    if folder.exists() or folder.is_symlink():
        raise BenchbenchError(f"{folder} exists already. Choose another name, or remove it.")
    contents = package_files(name, kind)
    fsio.make_folder(folder)
    for path, text in contents.items():
        fsio.make_folder((folder / path).parent)
        fsio.write_new(folder / path, text.encode())
    return [folder / path for path in contents]


def check_plugin_name(name: str) -> None:
    """Raise BenchbenchError unless a name is one for a plugin, a package and a distribution."""
    if not NAME.fullmatch(name) or len(name) > MOST_CHARACTERS:
        raise BenchbenchError(
            f"'{name}' cannot name a plugin: use lowercase letters, digits and single hyphens, "
            f"a letter first, at most {MOST_CHARACTERS} characters."
        )
    if keyword.iskeyword(name):
        raise BenchbenchError(f"'{name}' is a word of Python. Choose another name.")


def package_files(name: str, kind: str) -> dict[str, str]:
    """Return the text of each file of a package, by its path in the folder of the package."""
    about, words = KINDS[kind], _words(name, kind)
    package = words["package"]
    files = {
        "pyproject.toml": _filled("pyproject.toml", words),
        "README.md": _filled("README.md", words),
        f"{package}/__init__.py": Template(_front(about)).substitute(words),
        f"{package}/{about.module}": _filled(about.module, words),
        f"tests/test_{package}.py": _filled(about.test, words),
    }
    return files


def _words(name: str, kind: str) -> dict[str, str]:
    """Return what stands for each word of a template."""
    identifier = name.replace("-", "_")
    words = {
        "name": name,
        "kind": kind,
        "Article": "An" if kind[0] in "aeiou" else "A",
        "distribution": f"benchbench-{name}",
        "package": f"benchbench_{identifier}",
        "Class": "".join(part.capitalize() for part in name.split("-")),
        "identifier": identifier,
        "title": name.replace("-", " "),
        "VARIABLE": f"{identifier.upper()}_LOG",
        "and_so": KINDS[kind].and_so,
    }
    tried = Template(KINDS[kind].words).substitute(words)
    return {**words, "words": tried, "try_it": f"benchbench run {tried}"}


def _front(about: PluginKind) -> str:
    """Return the template of `__init__.py`."""
    return (
        '"""$Article $kind for benchbench, called $name."""\n\n'
        f"{about.imports}\n"
        f"BENCHBENCH_API_VERSION = {API_VERSION}  # the plugin API that this was written for\n\n\n"
        f"{about.hook}"
    )


def _filled(template: str, words: dict[str, str]) -> str:
    """Return a template's text with its words filled in; raise KeyError for an unknown word."""
    text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(words)
