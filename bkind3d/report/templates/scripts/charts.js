import { css, onThemeChange, unpackBytes, whenNear } from "./document.js";

// Charts follow the page's theme, and are drawn when they come into view, so that a long page opens fast.
const CONFIG = { displayModeBar: false, responsive: true };

function dress(layout) {
  const grid = css("--grid"), ink = css("--ink"), fine = window.matchMedia("(pointer: fine)").matches;
  const axis = (given) => ({ gridcolor: grid, linecolor: grid, zerolinecolor: grid, fixedrange: !fine, ...given });
  const dressed = {
    ...layout,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: css("--sans"), size: 12, color: css("--muted") },
    hoverlabel: { bgcolor: css("--raised"), bordercolor: grid, font: { color: ink } },
    xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis),
  };
  if (layout.title) dressed.title = { ...layout.title, font: { size: 13, color: ink } };
  return dressed;
}

// The library that draws charts is large: it is unpacked when the first chart comes into view.
let library = null;
async function unpackLibrary() {
  const bytes = unpackBytes(document.getElementById("plotly").textContent);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

async function startChart(holder) {
  const figure = JSON.parse(holder.querySelector("script").textContent);
  library ??= unpackLibrary();
  await library;
  const draw = () => window.Plotly.react(holder, figure.data, dress(figure.layout), CONFIG);
  holder.textContent = "";
  draw();
  onThemeChange(draw);
}

export function startCharts(holders) {
  whenNear(holders, startChart);
}
