"""The HTML report in a real browser: it sorts, filters, fits a phone; names stay names."""

from __future__ import annotations

import pytest

from benchbench.render.formats.html import render
from tests.support.browser import CHROMIUM, DRIVER, ENTER, TAB, browser
from tests.support.reports import HOSTILE, leaderboard, section

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromium-driver, Debian's packages"
)

COLUMN = """
const table = document.querySelector("table[data-sortable]");
const heads = [...table.tHead.rows[0].cells];
const column = heads.findIndex((head) => head.innerText.startsWith(arguments[0]));
const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
return rows.map((row) => row.cells[column].innerText);
"""
ARIA = """
return [...document.querySelector("table[data-sortable]").tHead.rows[0].cells]
  .map((head) => head.getAttribute("aria-sort"));
"""
CONTRASTS = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgb = (colour, under) => {  // any notation, laid over what is under it
  canvas.fillStyle = under; canvas.fillRect(0, 0, 1, 1);
  canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
};
const light = ([r, g, b]) => {
  const part = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const paper = getComputedStyle(document.body).backgroundColor;
const behind = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const colour = getComputedStyle(each).backgroundColor;
    if (colour !== "rgba(0, 0, 0, 0)") return colour;
  }
};
const found = {};
const texts = "h1, h2, h3, p, li, a, th, td, summary, caption, figcaption, svg text";
for (const element of document.querySelectorAll(texts)) {
  const style = getComputedStyle(element);
  const colour = element.nodeName === "text" ? style.fill : style.color;
  const back = behind(element);
  const [a, b] = [light(rgb(colour, paper)), light(rgb(back, paper))];
  const key = `${element.nodeName} ${element.getAttribute("class") ?? ""} ${colour} ${back}`;
  found[key] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
return found;
"""
NAMES = "return [...document.querySelectorAll('*')].map((element) => element.nodeName).join(' ')"
COLOURS = """
const style = getComputedStyle(document.body);
return [style.backgroundColor, style.color];
"""
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
METHOD = "table[data-sortable] th:nth-child(2) button"
ERROR = "table[data-sortable] th:nth-child(10) button"


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as session:
        yield session


@pytest.fixture
def page(window, tmp_path):
    """Open the report of a board with two datasets, and hold its console free of complaints."""
    window.resize(1280, 900)
    window.prefer("light")
    load(window, tmp_path)
    yield window
    assert window.console() == []


def load(window, folder, name=None):
    parts = (section(8, 5, name=name), section(5, 30, single=False, name=name))
    path = folder / "report.html"
    path.write_text(render(leaderboard(*parts, title=name or "title")), encoding="utf-8")
    window.open(path)


def numbers(texts):
    return [float(text.rstrip("*").replace(",", "")) for text in texts if text != "–"]


def test_a_click_sorts_numbers_down_then_up_with_empty_ones_last(page):
    page.click(ERROR)
    down = page.run(COLUMN, "ECE")
    assert numbers(down) == sorted(numbers(down), reverse=True)
    assert down[-3:] == ["–", "–", "–"]
    page.click(ERROR)
    up = page.run(COLUMN, "ECE")
    assert numbers(up) == sorted(numbers(up))
    assert up[-3:] == ["–", "–", "–"]
    assert page.run(ARIA).count("ascending") == 1
    assert page.run(ARIA).index("ascending") == 9


def test_a_click_sorts_words_and_the_place_brings_the_ranking_back(page):
    places = page.run(COLUMN, "#")
    page.click(METHOD)
    methods = page.run(COLUMN, "method")
    assert methods == sorted(methods) and page.run(COLUMN, "#") != places
    page.click("table[data-sortable] th:nth-child(1) button")
    assert page.run(COLUMN, "#") == places


def test_the_keyboard_reaches_a_head_and_sorts_by_it(page):
    page.type("input[type=search]", TAB)  # on to the box that scrolls
    page.press(TAB, TAB)  # past the place to the method
    assert page.run("return document.activeElement.innerText").startswith("method")
    outline = page.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.press(ENTER)
    assert page.run(ARIA)[1] == "ascending"
    page.press(" ")
    assert page.run(ARIA)[1] == "descending"
    methods = page.run(COLUMN, "method")
    assert methods == sorted(methods, reverse=True)


def test_the_first_tab_stop_skips_to_the_content(page):
    page.press(TAB)
    assert page.run("return document.activeElement.className") == "skip"
    page.press(ENTER)
    assert page.run("return location.hash") == "#content"


def test_a_filter_keeps_the_rows_that_hold_every_word(page):
    page.type("input[type=search]", "LLAMA embed")
    shown = page.run(COLUMN, "method")
    assert sorted(shown) == ["embedding-head", "frozen-embedding"]
    status = page.run("return document.querySelector('[role=status]').innerText")
    assert status == "2 of 10 rows"
    page.type("input[type=search]", "x")
    assert page.run(COLUMN, "method") == []


def test_a_filter_does_not_read_the_words_of_pictures(page):
    page.type("input[type=search]", "interval")
    assert page.run(COLUMN, "method") == []


@pytest.mark.parametrize("width", [320, 360, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(page, tmp_path, width):
    page.resize(width, 800)
    load(page, tmp_path, "W" * 300)
    assert page.run(OVERFLOW) <= 0
    page.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert page.run(OVERFLOW) <= 0


def test_dark_mode_has_other_colours(page):
    light = page.run(COLOURS)
    page.prefer("dark")
    dark = page.run(COLOURS)
    assert light[0] != dark[0] and light[1] != dark[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(page, scheme):
    page.prefer(scheme)
    found = page.run(CONTRASTS)
    assert len(found) > 20
    assert min(found.values()) >= 4.5, sorted(found.items(), key=lambda each: each[1])[:5]


def test_print_opens_the_folds_and_shows_no_controls(page):
    page.tell("Emulation.setEmulatedMedia", media="print", features=[])
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run("return document.querySelectorAll('details:not([open])').length") == 0
    assert page.run("return document.querySelector('.filter').offsetHeight") == 0
    page.run("dispatchEvent(new Event('afterprint'))")
    assert page.run("return document.querySelectorAll('details[open]').length") == 0
    page.tell("Emulation.setEmulatedMedia", media="", features=[])
    assert page.pdf().startswith(b"%PDF")


def test_without_a_script_all_is_there(page, tmp_path):
    page.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        load(page, tmp_path)
        assert len(page.run(COLUMN, "method")) == 10
        assert page.run("return document.querySelectorAll('thead button').length") == 0
        assert page.run("return document.querySelector('.filter').offsetHeight") == 0
    finally:
        page.tell("Emulation.setScriptExecutionDisabled", value=False)


def test_no_name_adds_an_element_or_runs(page, tmp_path):
    load(page, tmp_path, "plain")
    plain = page.run(NAMES)
    different = []
    for case, name in HOSTILE.items():
        load(page, tmp_path, name)
        if page.run(NAMES) != plain:
            different.append(case)
    assert different == []


def test_the_policy_refuses_a_script_that_is_not_ours(window, tmp_path):
    path = tmp_path / "planted.html"
    planted = render(leaderboard()).replace(
        "</body>", "<script>document.title = 'x'</script></body>"
    )
    path.write_text(planted, encoding="utf-8")
    window.open(path)
    assert window.run("return document.title") == "A leaderboard"
    assert any("Content Security Policy" in each["message"] for each in window.console())
