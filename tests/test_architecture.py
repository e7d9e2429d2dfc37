"""The arrows: who may import whom, who may write, and what `import benchbench` brings."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from statistics import quantiles

import pytest

import benchbench
from benchbench.machine.source_code import EXECUTION

CORE = Path(benchbench.__file__).parent
SHELF = CORE.parent / "plugins"
THIRD_PARTY = Path(__file__).parent / "thirdparty"
STANDALONE = "standalone"
"""The folders whose files are copied into exports: they know nothing of benchbench."""

ROOMS = (
    "__main__", "cli", "scaffold", "testing", "upkeep", "analysis", "inference", "publishing",
    "render", "leaderboard", "evidence", "running", "planning", "grids", "catalog", "records",
    "kit", "evaluation", "machine", "contract",
)  # fmt: skip
"""From the top: a room imports only from rooms below it."""

IN_THE_KEY = {"contract", "kit", "running/worker.py"}
"""What a record's key covers of the core; beside it the plugins that a cell uses."""

MOST_ROOMS, MOST_FLOORS, MOST_ARROWS = 20, 13, 87
MOST_FILES_IN_THE_HALL = 5
MOST_LINES, MOST_FUNCTION_LINES, USUAL_FUNCTION_LINES = 300, 45, 25

HEAVY = (
    "torch", "transformers", "peft", "bitsandbytes", "datasets", "pandas", "pyarrow", "sklearn",
    "scipy", "numpy", "safetensors", "ray",
)  # fmt: skip

WRITES = {
    "os": {"rename", "replace", "link", "symlink", "unlink", "remove", "rmdir", "mkdir", "write",
           "makedirs", "truncate", "open"},
    "shutil": {"move", "copy", "copyfile", "copytree", "rmtree", "copy2"},
    "*": {"write_text", "write_bytes", "write_table", "touch", "rename", "unlink", "rmdir",
          "mkdir", "symlink_to", "hardlink_to", "save", "to_csv", "to_parquet", "savefig"},
}  # fmt: skip

SCRATCH = {
    "running.worker": {"mkdir"},  # for the artefacts, in the scratch folder of the job
    "running.outcome": {"write_text"},  # the outcome, beside them
    "running.cell_process": {"open"},  # the log beside them
    "records.prediction_files": {"write_table"},  # into the scratch folder too
    "inference.prediction_files": {"write_table"},  # into the file that the command opened
    "machine.memory": {"write_text"},  # asks the kernel to forget a peak
    "machine.regular_files": {"open"},  # to read
    "machine.temporary_folder": {"open"},  # to hold its lock
    "machine.folder_lock": {"open"},  # likewise
    "publishing.archive": {"mkdir", "open"},  # an archive's files, removed afterwards
    "publishing.publication": {"mkdir"},  # the folder of records, where an archive has none
    "cli": {"open"},  # /dev/null, when the reader of a pipe has gone
    "__main__": {"write"},  # the line that says that it was stopped, before any stream is there
}
"""Writes outside `fsio`, each with its reason: none of them touches the store."""


def modules(root, prefix):
    """Return name -> syntax tree of every module of a package."""
    trees = {}
    for path in sorted(root.rglob("*.py")):
        if path.parent.name == STANDALONE and path.stem != "__init__":
            continue
        parts = (prefix, *path.relative_to(root).with_suffix("").parts)
        name = ".".join(part for part in parts if part != "__init__")
        trees[name] = ast.parse(path.read_text(encoding="utf-8"))
    return trees


def imports(tree, *, typing=False):
    """Yield what a module imports, as "package.module" or "package.module:name"."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not typing:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}:{alias.name}" for alias in node.names)
        else:
            yield from imports(node, typing=typing)


CORE_MODULES = modules(CORE, "benchbench")
PLUGIN_MODULES = {
    package.name: modules(package, package.name)
    for package in (*sorted(SHELF.glob("benchbench_*")), THIRD_PARTY / "benchbench_stranger")
    if (package / "__init__.py").exists()
}


def short(name):
    return name.removeprefix("benchbench.")


def target(imported):
    """Return the module of the core that an import reaches, or None."""
    module, _, name = imported.partition(":")
    if f"{module}.{name}" in CORE_MODULES:
        module = f"{module}.{name}"
    return module if module in CORE_MODULES else None


def room(module):
    """Return the room that a module of the core lies in; the hall has none."""
    return module.split(".")[1] if "." in module else None


def reached(module):
    """Return the modules of the core that a module imports, for types included."""
    targets = {target(imported) for imported in imports(CORE_MODULES[module], typing=True)}
    return targets - {None, module}


def arrows():
    """Return every (room, room) between which something is imported."""
    pairs = {(room(module), room(other)) for module in CORE_MODULES for other in reached(module)}
    return {(first, second) for first, second in pairs if first and second and first != second}


@pytest.mark.parametrize("module", CORE_MODULES, ids=short)
def test_a_room_imports_only_from_rooms_below_it(module):
    if room(module) is None:
        return
    for other in reached(module):
        assert room(other) is not None, f"{module} imports the hall: {other}"
        floors = ROOMS.index(room(module)), ROOMS.index(room(other))
        assert floors[0] <= floors[1], f"{module} imports {other}, whose room is not below"


def test_the_rooms_are_few_and_the_hall_is_nearly_empty():
    folders = {path.name for path in CORE.iterdir() if (path / "__init__.py").exists()}
    files = {path.stem for path in CORE.glob("*.py")} - {"__init__"}
    assert folders | files == set(ROOMS)
    assert len(ROOMS) <= MOST_ROOMS
    assert len(files | {"__init__"}) <= MOST_FILES_IN_THE_HALL


def test_floors_and_arrows_stay_within_their_limits():
    pairs = arrows()

    @cache
    def floors(name):
        below = [second for first, second in pairs if first == name]
        return 1 + max(map(floors, below), default=0)

    assert max(map(floors, ROOMS)) <= MOST_FLOORS
    assert len(pairs) <= MOST_ARROWS


def test_no_module_imports_itself_by_way_of_others():
    waiting = {
        module: {other for other in reached(module) if not is_front_door(other)}
        for module in CORE_MODULES
        if not is_front_door(module)
    }
    while ready := [module for module, others in waiting.items() if not others & set(waiting)]:
        for module in ready:
            del waiting[module]
    assert not waiting, f"these import one another in a circle: {sorted(waiting)}"


def is_front_door(module):
    return module == "benchbench" or (module.count(".") == 1 and (CORE / short(module)).is_dir())


@pytest.mark.parametrize("name", [name for name in ROOMS if (CORE / name).is_dir()])
def test_a_rooms_front_door_says_what_the_room_is_and_what_it_offers(name):
    module = __import__(f"benchbench.{name}", fromlist=["*"])
    assert module.__doc__.strip().count("\n") == 0
    assert module.__doc__.endswith(".")
    assert module.__all__
    for offered in module.__all__:
        assert hasattr(module, offered) or (CORE / name / f"{offered}.py").exists() or (
            CORE / name / offered).is_dir(), offered  # fmt: skip


@pytest.mark.parametrize("module", CORE_MODULES, ids=short)
def test_other_rooms_are_entered_by_the_front_door(module):
    inside = ("kit", "evaluation", "render", "cli")  # whose modules are the names
    for imported in imports(CORE_MODULES[module], typing=True):
        other = target(imported)
        if other is None or room(other) in (None, room(module), *inside) or is_front_door(other):
            continue
        by_name = imported.partition(":")[2] == other.rpartition(".")[2]
        assert by_name, f"{module} imports {imported}; take it from benchbench.{room(other)}"


def sources():
    """Yield (path, source) of the harness and of the first-party plugins."""
    for root in (CORE, *SHELF.glob("benchbench_*")):
        for path in sorted(root.rglob("*.py")):
            yield path, path.read_text(encoding="utf-8")


def test_files_and_functions_are_short():
    lengths = []
    for path, source in sources():
        assert source.count("\n") <= MOST_LINES, f"{path.name} is longer than {MOST_LINES} lines"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = node.end_lineno - node.lineno + 1
                assert lines <= MOST_FUNCTION_LINES, f"{path.name}: {node.name} has {lines} lines"
                lengths.append(lines)
    assert quantiles(lengths, n=20)[-1] <= USUAL_FUNCTION_LINES


def test_no_class_name_stands_for_two_things():
    homes = {}
    for path, source in sources():
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name.lstrip("_"), []).append(path.stem)
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_a_records_key_covers_what_runs_a_cell_by_folder():
    assert set(EXECUTION) == IN_THE_KEY


def test_the_worker_never_sees_the_store_nor_the_leaderboard_a_model():
    rooms = {room(module) for module in reached("benchbench.running.worker")}
    assert not rooms & {"evidence", "leaderboard", "publishing", "planning"}
    worker = set(imports(CORE_MODULES["benchbench.running.worker"], typing=True))
    assert not {imported for imported in worker if "store" in imported.lower()} - {
        "benchbench.kit.data.corpus_store:read_corpus"
    }
    for name, tree in CORE_MODULES.items():
        if room(name) in ("leaderboard", "render", "records") and name not in (
            "benchbench.records.prediction_files", "benchbench.records.bounded_parquet",
        ):  # fmt: skip
            packages = {imported.partition(":")[0] for imported in imports(tree)}
            assert not packages & set(HEAVY), name


def test_the_core_imports_no_plugin():
    plugins = set(PLUGIN_MODULES)
    for name, tree in CORE_MODULES.items():
        packages = {imported.partition(":")[0].partition(".")[0] for imported in imports(tree)}
        assert not packages & plugins, name


FOR_EXECUTORS = {"run_job", "LocalExecutor", "start_server", "remote"}
"""What an executor calls where a cell is to run: in its own process, in a child, elsewhere."""


def is_public(imported):
    """Say whether an import of the core is one that plugins may use."""
    module, _, name = imported.partition(":")
    if module == "benchbench.running":
        return name in FOR_EXECUTORS
    if module == "benchbench":
        return name in benchbench.__all__ or name in ("kit", "testing")
    return module.startswith("benchbench.kit") or module == "benchbench.testing"


@pytest.mark.parametrize("package", PLUGIN_MODULES)
def test_a_plugin_uses_public_names_alone_and_no_other_plugin(package):
    for name, tree in PLUGIN_MODULES[package].items():
        for imported in imports(tree, typing=True):
            top = imported.partition(":")[0].partition(".")[0]
            if top == "benchbench":
                assert is_public(imported), f"{name} imports {imported}"
            elif top.startswith("benchbench_"):
                assert top == package, f"{name} imports {imported}"


def test_the_rule_for_plugins_can_be_broken():
    assert not is_public("benchbench.records:Store")
    assert not is_public("benchbench:records")
    assert not is_public("benchbench.running.executors.local:Running")
    assert is_public("benchbench:hookimpl")
    assert is_public("benchbench.running:remote")
    assert is_public("benchbench.kit:batching")


def at_import(tree):
    """Yield the imports that run when a module is imported, those in functions left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        else:
            yield from at_import(node)


@pytest.mark.parametrize(
    "package", ["benchbench", *(name for name in PLUGIN_MODULES if "stranger" not in name)]
)
def test_no_module_brings_a_heavy_package_when_it_is_imported(package):
    for name, tree in (
        CORE_MODULES if package == "benchbench" else PLUGIN_MODULES[package]
    ).items():
        assert not set(at_import(tree)) & set(HEAVY), name


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import benchbench", id="the-package"),
        pytest.param(
            "from benchbench.catalog import load_catalog; assert load_catalog().datasets",
            id="all-plugins",
        ),
        pytest.param("import benchbench.cli", id="the-command-line"),
    ],
)
def test_nothing_heavy_comes_with(code):
    code += f"\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr or answer.stdout


def writes(tree):
    """Yield the names of calls that write to a disk."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id == "open" and writable(node.args[1:], node):
            yield "open"
        if not isinstance(called, ast.Attribute):
            continue
        owner = called.value.id if isinstance(called.value, ast.Name) else ""
        if owner in WRITES and owner != "*":
            if called.attr in WRITES[owner]:
                yield called.attr
        elif called.attr in WRITES["*"] or (called.attr == "open" and writable(node.args, node)):
            yield called.attr


def writable(arguments, call):
    """Say whether an `open` is for writing: its mode holds one of w, a, x, +."""
    modes = [*arguments[:1], *(key.value for key in call.keywords if key.arg == "mode")]
    return any(
        not isinstance(mode, ast.Constant) or set(str(mode.value)) & set("wax+") for mode in modes
    )


HANDED = ("kit", "testing", "machine.fsio")
"""Like plugins, they write into the folder that they are handed, or are what writes."""

CAREFUL = [name for name in CORE_MODULES if not short(name).startswith(HANDED)]


@pytest.mark.parametrize("module", CAREFUL, ids=short)
def test_the_core_writes_by_way_of_fsio_alone(module):
    calls = set(writes(CORE_MODULES[module]))
    if short(module) == "running.worker":
        calls.discard("save")  # a classifier saves itself, into the folder it is handed
    assert calls == SCRATCH.get(short(module), set())


@pytest.mark.parametrize(
    "line",
    [
        "open(p, 'w')",
        "open(p, mode='ab')",
        "p.open('x')",
        "p.write_text('x')",
        "os.rename(a, b)",
        "os.replace(a, b)",
        "shutil.move(a, b)",
    ],
)
def test_a_write_would_be_noticed(line):
    assert list(writes(ast.parse(line)))


@pytest.mark.parametrize(
    "line", ["open(p)", "p.open('rb')", "replace(record, a=1)", "a.replace(b)"]
)
def test_what_is_no_write_is_not_taken_for_one(line):
    assert not list(writes(ast.parse(line)))


PRINTS = {"echo", "secho", "print", "Console"}
"""What prints without making texts plain, or makes a console that does not."""


def printing(tree):
    """Yield the calls that print past the console and the streams of a command."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, owner = getattr(node.func, "id", ""), getattr(node.func, "value", None)
        if name in PRINTS:
            yield name
        if getattr(owner, "id", "") == "click" and node.func.attr in PRINTS:
            yield f"click.{node.func.attr}"
        if getattr(owner, "attr", "") == "file" and node.func.attr == "write":
            yield "file.write"


@pytest.mark.parametrize("module", CORE_MODULES, ids=short)
def test_the_core_prints_by_way_of_the_plain_console_and_the_plain_streams_alone(module):
    assert list(printing(CORE_MODULES[module])) == []


@pytest.mark.parametrize(
    "line", ["click.echo(x)", "Console(stderr=True)", "print(x)", "console.file.write(x)"]
)
def test_printing_past_them_would_be_noticed(line):
    assert list(printing(ast.parse(line)))
