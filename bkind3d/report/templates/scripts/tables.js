// Tables are sorted by a column at a click on its title: up, down, and as they were. What is no number or empty comes last.
const NEXT = { ascending: "descending", descending: "none" };

function readCell(row, column) {
  const text = row.cells[column].textContent.trim().replace("−", "-"), number = Number.parseFloat(text);
  return { text, number: Number.isFinite(number) && /^[-+]?[\d.]/.test(text) ? number : null, empty: text === "" || text === "–" };
}

function compare(one, other) {
  if (one.number !== null && other.number !== null) return one.number - other.number;
  if (one.number !== null || other.number !== null) return one.number !== null ? -1 : 1;
  return one.text.localeCompare(other.text, undefined, { numeric: true });
}

function sortRows(rows, column, order) {
  const keyed = rows.map((row) => [readCell(row, column), row]), sign = order === "descending" ? -1 : 1;
  if (order !== "none") keyed.sort(([one], [other]) => one.empty - other.empty || (one.empty ? 0 : sign * compare(one, other)));
  return keyed.map(([, row]) => row);
}

export function makeSortable(table) {
  const body = table.tBodies[0], original = Array.from(body.rows), titles = Array.from(table.tHead.rows[0].cells);
  if (original.length < 2) return;
  titles.forEach((title, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...title.childNodes);
    title.append(button);
    button.addEventListener("click", () => {
      const order = NEXT[title.getAttribute("aria-sort")] || "ascending";
      titles.forEach((other) => other.removeAttribute("aria-sort"));
      title.setAttribute("aria-sort", order);
      body.append(...sortRows(original, column, order));
    });
  });
}
