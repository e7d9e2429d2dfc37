"""The arrows: who may import whom, who may write, and what `import benchbench` brings."""

from __future__ import annotations

import ast
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

import benchbench

CORE = Path(benchbench.__file__).parent
SHELF = CORE.parent / "plugins"
THIRD_PARTY = Path(__file__).parent / "thirdparty"

LAYERS = (
    ("errors", "parameters", "redaction", "memory", "executors.preload"),
    ("types", "fsio", "predictions", "hardware", "tables", "titles"),
    ("workload",),
    ("protocols",),
    ("estimate", "hookspecs", "borrowed", "curve", "stopwatch", "evidence"),
    ("evaluation.*", "plugins"),
    ("catalog", "identity"),
    ("kit.*",),
    ("store", "grid", "provenance", "preparation", "worker", "testing"),
    ("plan", "child", "grid_file", "calibration"),
    ("board", "executors.local", "executors.elsewhere", "forecast"),
    ("systems",),
    ("readings", "notes", "rankings"),
    ("suite", "freezing", "weighing", "comparisons", "contrast"),
    ("leaderboard",),
    ("render.*",),
    ("progress", "publication"),
    ("verification",),
    ("cli.selection",),
    ("cli.*",),
    ("cli",),
    ("__main__",),
)
"""A module imports only from layers above its own; those of one pattern may share."""

FREE = ("benchbench", "evaluation", "executors", "kit", "render")
"""Package files that hold names or a docstring alone."""

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
    "worker": {"write_text", "mkdir"},  # the outcome and artefacts in the job's scratch folder
    "child": {"open"},  # the log beside them
    "predictions": {"write_table"},  # into the scratch folder too
    "memory": {"write_text"},  # asks the kernel to forget a peak
    "publication": {"mkdir", "write_bytes"},  # an archive's files, in a folder that is removed
    "cli": {"open"},  # /dev/null, when the reader of a pipe has gone
}
"""Writes outside `fsio`, each with its reason: none of them touches the store."""


def modules(root, prefix):
    """Return name -> syntax tree of every module of a package."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = (prefix, *path.relative_to(root).with_suffix("").parts)
        name = ".".join(part for part in parts if part != "__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


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


def layer(name):
    """Return (layer, pattern) of a module of the core."""
    for exact in (True, False):
        for number, patterns in enumerate(LAYERS):
            for pattern in patterns:
                if pattern == name if exact else fnmatch(name, pattern):
                    return number, pattern
    raise AssertionError(f"{name} has no layer: give it one in LAYERS")


def target(imported):
    """Return the module of the core that an import reaches, or None."""
    module, _, name = imported.partition(":")
    if f"{module}.{name}" in CORE_MODULES:
        module = f"{module}.{name}"
    return short(module) if module in CORE_MODULES else None


@pytest.mark.parametrize("module", CORE_MODULES, ids=short)
def test_a_module_imports_only_from_layers_above_its_own(module):
    if short(module) in FREE:
        return
    own, pattern = layer(short(module))
    for imported in imports(CORE_MODULES[module]):
        reached = target(imported)
        if reached is None or reached in FREE:
            continue
        number, other = layer(reached)
        shared = number == own and other == pattern and "*" in pattern
        assert number < own or shared, f"{module} imports {reached}, which is not above it"


@pytest.mark.parametrize("pattern", [each for patterns in LAYERS for each in patterns])
def test_every_entry_of_the_layers_exists(pattern):
    assert any(fnmatch(short(name), pattern) for name in CORE_MODULES)


def test_the_worker_never_sees_the_store_nor_the_leaderboard_a_model():
    seen = {target(imported) for imported in imports(CORE_MODULES["benchbench.worker"])}
    assert not seen & {"store", "suite", "leaderboard", "board"}
    for name in ("leaderboard", "render.markdown", "render.terminal", "store", "board"):
        found = {
            imported.partition(":")[0] for imported in imports(CORE_MODULES[f"benchbench.{name}"])
        }
        assert not found & set(HEAVY)


def test_the_core_imports_no_plugin():
    plugins = set(PLUGIN_MODULES)
    for name, tree in CORE_MODULES.items():
        found = {imported.partition(":")[0].partition(".")[0] for imported in imports(tree)}
        assert not found & plugins, name


FOR_EXECUTORS = {
    "benchbench.worker:run_job",
    "benchbench.executors:elsewhere",
    "benchbench.executors.local:LocalExecutor",
    "benchbench.executors.local:start_server",
}
"""What an executor calls where a cell is to run: in its own process, in a child, elsewhere."""


def is_public(imported):
    """Say whether an import of the core is one that plugins may use."""
    module, _, name = imported.partition(":")
    if imported in FOR_EXECUTORS:
        return True
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
    assert not is_public("benchbench.store:Store")
    assert not is_public("benchbench:store")
    assert not is_public("benchbench.executors.local:Running")
    assert is_public("benchbench:hookimpl")
    assert is_public("benchbench.executors:elsewhere")
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


HANDED = ("kit", "testing", "fsio")
"""Like plugins, they write into the folder that they are handed, or are what writes."""

CAREFUL = [name for name in CORE_MODULES if not short(name).startswith(HANDED)]


@pytest.mark.parametrize("module", CAREFUL, ids=short)
def test_the_core_writes_by_way_of_fsio_alone(module):
    found = set(writes(CORE_MODULES[module]))
    if short(module) == "worker":
        found.discard("save")  # a classifier saves itself, into the folder it is handed
    assert found == SCRATCH.get(short(module), set())


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
