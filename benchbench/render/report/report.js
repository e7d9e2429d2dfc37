"use strict";
// Sorting, filtering, wide tables, and open folds in print. Without this script the page shows everything, in its
// first order.
(() => {
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  const isEmpty = (value) => value === null || value === "";

  // The value that a row is sorted by: a number or null in a column of numbers, else the text.
  const valueOf = (row, column, kind) => {
    const cell = row.cells[column];
    if (kind === "words") {
      const text = cell.textContent.trim();
      return text === "–" ? "" : text;
    }
    const value = cell.dataset.value;
    if (value === undefined) return null;
    const number = Number(value);
    return Number.isNaN(number) ? value : number;
  };

  const compare = (first, second) =>
    typeof first === "number" && typeof second === "number"
      ? first - second
      : collator.compare(String(first), String(second));

  const sort = (table, head, direction) => {
    const column = head.cellIndex;
    const sign = direction === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({
      row,
      value: valueOf(row, column, head.dataset.kind),
    }));
    rows.sort((first, second) => {
      // empty values come last in both directions
      if (isEmpty(first.value) || isEmpty(second.value)) {
        return isEmpty(first.value) - isEmpty(second.value);
      }
      return sign * compare(first.value, second.value);
    });
    body.append(...rows.map(({ row }) => row));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
  };

  const makeSortable = (table) => {
    for (const head of table.querySelectorAll("thead th[data-kind]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      const first = head.dataset.kind === "number" ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      button.addEventListener("click", () => {
        sort(table, head, head.getAttribute("aria-sort") === first ? second : first);
      });
    }
  };

  // The text of a row without the text of its pictures, which repeats names and numbers.
  const textOf = (row) =>
    [...row.cells]
      .flatMap((cell) => [...cell.childNodes])
      .filter((node) => node.nodeName !== "svg")
      .map((node) => node.textContent)
      .join(" ")
      .toLowerCase();

  const makeFilterable = (sheet) => {
    const box = sheet.querySelector("[data-filter]");
    const rows = [...(sheet.querySelector("tbody")?.rows ?? [])];  // a sheet may hold notes alone
    if (box === null || rows.length < 2) return;
    const input = box.querySelector("input");
    const status = box.querySelector("[role=status]");
    const texts = new Map(rows.map((row) => [row, textOf(row)]));
    box.hidden = false;
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        row.hidden = !words.every((word) => texts.get(row).includes(word));
        shown += !row.hidden;
      }
      status.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
    });
  };

  const openForPrint = () => {
    let opened = [];
    addEventListener("beforeprint", () => {
      opened = [...document.querySelectorAll("details:not([open])")];
      for (const fold of opened) fold.open = true;
    });
    addEventListener("afterprint", () => {
      for (const fold of opened) fold.open = false;
    });
  };

  // A table that is wider than the window says so: a bar to scroll is not shown everywhere.
  const sayWhatIsWide = () => {
    for (const box of document.querySelectorAll(".scroll")) {
      box.toggleAttribute("data-wide", box.scrollWidth > box.clientWidth + 1);
    }
  };

  document.querySelectorAll("table[data-sortable]").forEach(makeSortable);
  document.querySelectorAll(".sheet").forEach(makeFilterable);
  openForPrint();
  sayWhatIsWide();
  addEventListener("resize", sayWhatIsWide);
  addEventListener("toggle", sayWhatIsWide, true);
})();
