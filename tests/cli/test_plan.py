"""`benchbench plan`: names stay whole on a narrow terminal, and a card need not be here."""

from __future__ import annotations

import pytest

from tests.support.commands import benchbench


def test_the_cells_of_a_grid_fit_eighty_columns_and_their_names_stay_whole(tmp_path):
    done = benchbench(tmp_path, "plan", "--grid", "smoke", "--offline", COLUMNS="80")
    table = done.stdout[: done.stdout.index(" cells to run")].splitlines()[:-1]
    for name in ("frozen-embedding", "nano-patent-bert", "embedding-head", "per seed", "missing"):
        assert any(name in line for line in table), name
    assert max(map(len, table)) <= 80


def plan_of(tmp_path, *options, code=0):
    words = ("plan", "--grid", "smoke", "--offline", *options)
    return benchbench(tmp_path, *words, code=code, COLUMNS="120")


def test_a_plan_for_a_card_says_that_it_is_not_here_and_what_is_assumed(tmp_path):
    done = plan_of(tmp_path, "--as", "h100")
    assert "planned for H100 80GB (not this machine), bfloat16" in done.stdout
    assert "All of them fit into 80.0 GiB." in done.stdout
    assert "989 TFLOP/s, of which a model is assumed to reach 40%" in done.stdout
    assert "the speed of this machine" not in done.stdout
    assert not (tmp_path / "cache" / "calibrations").exists(), "nothing is measured"


def test_a_card_that_is_too_small_is_told_with_what_would_make_cells_fit(tmp_path):
    done = plan_of(tmp_path, "--as", "gpu:memory=0.69,tflops=1,bandwidth=20")
    assert "Does not fit into 0.7 GiB: embedding-head" in done.stdout
    assert "All of them fit" not in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--as", "RTX 4095"), "Did you mean 'RTX 4090'"),
        (("--as", "gpu:memory=24"), "tflops missing"),
        (("--as", "h100", "--device", "cpu"), "--as names a GPU"),
        (("--device", "cuda"), "To plan for a card that is not here"),
    ],
)
def test_what_cannot_be_planned_for_ends_in_one_line_that_says_what_to_do(tmp_path, options, said):
    done = plan_of(tmp_path, *options, code=2)
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
