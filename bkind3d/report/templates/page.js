(function () {
  "use strict";

  // Colours follow the page's theme; charts are drawn when they come into view, so that a long page opens fast.
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const fine = window.matchMedia("(pointer: fine)").matches;
  const config = { displayModeBar: false, responsive: true };
  const redraws = [];

  function axis(given, colours) {
    return Object.assign({ gridcolor: colours.grid, linecolor: colours.grid, zerolinecolor: colours.grid, fixedrange: !fine }, given);
  }

  function theme() {
    return { ink: css("--ink"), muted: css("--muted"), grid: css("--grid"), raised: css("--raised") };
  }

  function themed(layout) {
    const colours = theme();
    const result = Object.assign({}, layout, {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: css("--sans"), size: 12, color: colours.muted },
      hoverlabel: { bgcolor: colours.raised, bordercolor: colours.grid, font: { color: colours.ink } },
    });
    result.xaxis = axis(layout.xaxis, colours);
    result.yaxis = axis(layout.yaxis, colours);
    if (layout.title) result.title = Object.assign({}, layout.title, { font: { size: 13, color: colours.ink } });
    return result;
  }

  function drawChart(holder) {
    const figure = JSON.parse(holder.querySelector("script").textContent);
    const draw = () => Plotly.react(holder, figure.data, themed(figure.layout), config);
    const first = () => { holder.textContent = ""; draw(); redraws.push(draw); };
    if (window.Plotly) first(); else unpackLibrary().then(first);
  }

  // The library that draws charts is large: it is unpacked when the first chart comes into view.
  let library = null;
  function unpackLibrary() {
    if (library) return library;
    const raw = atob(document.getElementById("plotly").textContent), bytes = Uint8Array.from({ length: raw.length }, (_, index) => raw.charCodeAt(index));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    library = new Response(stream).text().then((text) => {
      const script = document.createElement("script");
      script.textContent = text;
      document.head.append(script);
    });
    return library;
  }

  // Tables are sorted by a column at a click on its title: up, down, and as they were. What is no number or empty comes last.
  function readCell(row, column) {
    const text = row.cells[column].textContent.trim().replace("−", "-"), number = Number.parseFloat(text);
    return { text: text, number: Number.isFinite(number) && /^[-+]?[\d.]/.test(text) ? number : null, empty: text === "" || text === "–" };
  }
  function compare(one, other) {
    if (one.number !== null && other.number !== null) return one.number - other.number;
    if (one.number !== null || other.number !== null) return one.number !== null ? -1 : 1;
    return one.text.localeCompare(other.text, undefined, { numeric: true });
  }
  function makeSortable(table) {
    const body = table.tBodies[0], original = Array.from(body.rows), titles = Array.from(table.tHead.rows[0].cells);
    if (original.length < 2) return;
    titles.forEach((title, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...title.childNodes);
      title.append(button);
      button.addEventListener("click", () => {
        const order = { ascending: "descending", descending: "none" }[title.getAttribute("aria-sort")] || "ascending";
        titles.forEach((other) => other.removeAttribute("aria-sort"));
        title.setAttribute("aria-sort", order);
        const keyed = original.map((row) => [readCell(row, column), row]), sign = order === "descending" ? -1 : 1;
        if (order !== "none") keyed.sort(([one], [other]) => one.empty - other.empty || (one.empty ? 0 : sign * compare(one, other)));
        body.append(...keyed.map(([, row]) => row));
      });
    });
  }
  document.querySelectorAll(".table table:not(.matrix)").forEach(makeSortable);

  const waiting = new Map();
  document.querySelectorAll(".plot").forEach((holder) => waiting.set(holder, () => drawChart(holder)));
  function start(element) {
    const draw = waiting.get(element);
    waiting.delete(element);
    if (draw) draw();
  }
  const observer = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => { observer.unobserve(entry.target); start(entry.target); });
  }, { rootMargin: "300px" });
  waiting.forEach((_, element) => observer.observe(element));
  window.addEventListener("beforeprint", () => Array.from(waiting.keys()).forEach(start));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach((draw) => draw()));
  document.querySelectorAll(".picture img").forEach((image) => image.addEventListener("click", () => image.classList.toggle("full")));
})();
