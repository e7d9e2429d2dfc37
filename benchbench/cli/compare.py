"""`benchbench compare A B`: what differs, by how much, and whether that is chance."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbench.cli.completed_names import systems
from benchbench.cli.options import store_option
from benchbench.cli.subcommand import Subcommand
from benchbench.contract import BenchbenchError, CorpusDescription, did_you_mean
from benchbench.evaluation import metrics_of, title_of
from benchbench.evidence import (
    FREQUENT,
    RIGHT,
    Interval,
    PairEvidence,
    ScoredSystems,
    System,
    compare_pair,
    read_description,
    score_run,
    scored_systems,
)
from benchbench.leaderboard import p_text
from benchbench.publishing import (
    Difference,
    Selected,
    diff_settings,
    diff_stores,
    opened,
    select,
    settings_of,
)
from benchbench.records import Store
from benchbench.render import plain, terminal_console

MOST_TITLES = 10


@click.command(
    cls=Subcommand,
    rules=(
        "A system is METHOD or METHOD/BACKBONE of a board. A run is the beginning of its id (see "
        "'benchbench ls runs'). A store is a folder, or the archive of a published leaderboard.",
        "For two systems or two runs, the command shows the difference and its interval, a test by "
        "paired randomisation, McNemar's test per seed, and all settings that differ.",
        "Of two stores, it shows which cells are the same to the last digit, which ones differ "
        "and by which settings, and which ones only one store has.",
        "The command works from files alone: it needs no plugin, no model and no network.",
    ),
    examples=(
        "benchbench compare embedding-head/nano-llama tfidf-svm",
        "benchbench compare first-store second-store",
    ),
)
@click.argument("first", shell_complete=systems)
@click.argument("second", shell_complete=systems)
@store_option
@click.option("--board", metavar="NAME", help="The board of the systems [the only one].")
@click.option(
    "--metric", metavar="NAME", help="The metric to compare by [the dataset's main metric]."
)
def compare(first: str, second: str, store: Path, board: str | None, metric: str | None) -> int:
    """Compare two systems, two runs or two stores."""
    console = terminal_console(soft_wrap=True)
    with ExitStack() as stack:
        if first == second:
            raise BenchbenchError(
                f"'{first}' is given twice; name two systems, two runs or two stores."
            )
        if _is_store(first) and _is_store(second):
            stores = [stack.enter_context(opened(Path(name))) for name in (first, second)]
            _show_stores(console, (first, second), stores)
            return 0
        source = stack.enter_context(opened(store))
        selected = select(source, first, board), select(source, second, board)
        shared = [data for data in selected[0].systems if data in selected[1].systems]
        if not shared:
            raise BenchbenchError("The two have no dataset in common: nothing can be compared.")
        for fingerprint in shared:
            _show_pair(console, source, fingerprint, selected, metric)
    return 0


def _is_store(text: str) -> bool:
    path = Path(text)
    return (path / "runs").is_dir() or (path.suffix == ".zip" and path.is_file())


def _show_pair(
    console: Console,
    store: Store,
    fingerprint: str,
    selected: tuple[Selected, Selected],
    metric: str | None,
) -> None:
    corpus = read_description(store, fingerprint)
    by = metric or corpus.main_metric
    systems = [choice.systems[fingerprint] for choice in selected]
    dataset = systems[0].cells[0].cell.dataset.name
    console.print()
    console.print(Text(f"{plain(dataset)}: {title_of(by)}", style="bold"))
    scored = _scored(store, corpus, systems, by)
    scored = replace(scored, seed_free=selected[0].seed_free_methods)
    for letter, choice, system in zip("AB", selected, systems, strict=True):
        mean = system.mean(by)
        seeds = f"{len(system.records)} seed" + ("s" if len(system.records) != 1 else "")
        shown = "–" if mean is None else f"{mean:.4f}"
        console.print(f"  {letter}  {plain(choice.title)}: {shown}, {seeds}")
    for line in _pair_lines(compare_pair(scored), scored):
        console.print(f"  {line}")
    differences = diff_settings(*(settings_of(system.records) for system in systems))
    console.print(_settings(differences) if differences else "  Nothing else differs.")


def _scored(
    store: Store, corpus: CorpusDescription, systems: list[System], metric: str
) -> ScoredSystems:
    """Read the predictions of two systems; raise BenchbenchError where they do not compare."""
    known = [each.name for each in metrics_of(corpus.kind)]
    if metric not in known:
        raise BenchbenchError(f"Unknown metric '{metric}'{did_you_mean(metric, known)}")
    for system in systems:
        if not system.complete:
            raise BenchbenchError(
                f"{system.name} lacks {len(system.cells) - len(system.records)} of "
                f"{len(system.cells)} seeds on {system.cells[0].cell.dataset.name}. "
                "'benchbench leaderboard' says why; run those cells first."
            )
    runs = {
        record.id: score_run(store, corpus, record, {metric, FREQUENT.get(metric, metric)})
        for system in systems
        for record in system.records
    }
    scored = scored_systems(corpus.kind, metric, corpus.labels.columns, systems, runs)
    if scored.left_out:
        raise BenchbenchError(f"Cannot compare: {'; '.join(scored.left_out)}.")
    return scored


def _pair_lines(pair: PairEvidence, scored: ScoredSystems) -> Iterable[str]:
    about = "the methods" if pair.about_methods else "these trained models"
    yield (
        f"A - B = {pair.difference:+.4f}{_interval(pair.interval)}, on "
        f"{len(scored.documents.ids):,} test documents; about {about}"
    )
    if pair.frequent is not None:
        yield (
            f"over frequent labels, A - B = {pair.frequent.value:+.4f}"
            f"{_interval(pair.frequent.interval)}"
        )
    student = "Student's t over documents and seeds"
    by = "paired randomisation" if scored.exchanged_pairs else student
    yield f"p {p_text(pair.p)} by {by}: one comparison, not corrected for others that were made"
    if pair.contradictory:
        yield "The interval and p lie on different sides of 5 %: the pair is borderline."
    right = title_of(RIGHT[scored.kind])
    for test in pair.mcnemar:
        yield (
            f"McNemar ({right}), seed {test.seed}: A alone right on {test.only_first}, B alone on "
            f"{test.only_second}; mid-p {p_text(test.p)}"
        )


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return ", without an interval"
    return f", 95 % interval {interval.low:+.4f} to {interval.high:+.4f}"


def _settings(found: Iterable[Difference]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="What differs", title_justify="left")
    for column in ("setting", "A", "B"):
        table.add_column(column, overflow="fold")
    for each in found:
        values = (each.name, each.first, each.second)
        table.add_row(*("–" if value is None else Text(plain(_short(value))) for value in values))
    return table


def _short(value: str) -> str:
    """Return a digest's beginning; other values whole."""
    digest = len(value) == 64 and all(character in "0123456789abcdef" for character in value)
    return value[:12] if digest else value


def _show_stores(console: Console, names: tuple[str, str], stores: list[Store]) -> None:
    found = diff_stores(*stores)
    console.print(f"{found.same} cells are the same in both, to the last digit.")
    _list(console, f"only in {names[0]}", found.only_first)
    _list(console, f"only in {names[1]}", found.only_second)
    _list(console, "made alike, with other numbers", found.other_numbers)
    if found.other_key:
        console.print(f"{len(found.other_key)} were made otherwise:")
        causes: dict[tuple[Difference, ...], list[str]] = {}
        for title, differences in found.other_key:
            causes.setdefault(differences, []).append(title)
        for differences, titles in causes.items():
            _list(console, "differing in the same way", titles)
            console.print(_settings(differences))


def _list(console: Console, what: str, titles: Iterable[str]) -> None:
    listed = list(titles)
    if not listed:
        return
    console.print(f"{len(listed)} {what}:")
    for title in listed[:MOST_TITLES]:
        console.print(f"  {plain(title)}")
    if len(listed) > MOST_TITLES:
        console.print(f"  and {len(listed) - MOST_TITLES} more")
