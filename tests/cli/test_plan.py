"""`benchbench plan` on a narrow terminal: names stay whole and no row is too long."""

from __future__ import annotations

from tests.support.commands import benchbench


def test_the_cells_of_a_grid_fit_eighty_columns_and_their_names_stay_whole(tmp_path):
    done = benchbench(tmp_path, "plan", "--grid", "smoke", "--offline", COLUMNS="80")
    table = done.stdout[: done.stdout.index(" cells to run")].splitlines()[:-1]
    for name in ("frozen-embedding", "nano-patent-bert", "embedding-head", "per seed", "missing"):
        assert any(name in line for line in table), name
    assert max(map(len, table)) <= 80
