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
    holder.textContent = "";
    draw();
    redraws.push(draw);
  }

  // A skeleton over time. Positions are one flat list per frame; null where there is none.
  function drawScene(figure) {
    const canvas = figure.querySelector(".canvas");
    const data = JSON.parse(canvas.querySelector("script").textContent);
    const find = (selector) => figure.querySelector(selector);
    const slider = find("input[type=range]"), play = find(".play"), output = find("output");
    const follow = find(".follow"), names = find(".names"), joints = find(".joints"), speed = find("select");
    const hover = "%{text}<br>%{x:.4~g}, %{y:.4~g}, %{z:.4~g} " + data.units + "<extra></extra>";
    let timer = null;
    canvas.textContent = "";
    find(".truth").hidden = data.joints.length === 0;

    const pick = (flat, axis) => flat.filter((_, index) => index % 3 === axis);
    function line(points, axis) {
      const values = [];
      for (const [a, b] of data.edges) {
        const known = points[3 * a] !== null && points[3 * b] !== null;
        values.push(known ? points[3 * a + axis] : null, known ? points[3 * b + axis] : null, null);
      }
      return values;
    }
    function traces(index) {
      const points = data.points[index];
      const truth = joints.checked && data.joints.length ? data.joints[index] : [];
      const colours = theme();
      return [
        { type: "scatter3d", mode: "lines", x: line(points, 0), y: line(points, 1), z: line(points, 2), line: { color: colours.muted, width: 6 }, hoverinfo: "skip", connectgaps: false },
        { type: "scatter3d", mode: names.checked ? "markers+text" : "markers", x: pick(points, 0), y: pick(points, 1), z: pick(points, 2), text: data.names, textfont: { color: colours.ink, size: 11 },
          hovertemplate: hover, marker: { size: 6, color: data.colours, symbol: data.shapes, line: { color: colours.ink, width: 1 } } },
        { type: "scatter3d", mode: "markers", x: pick(truth, 0), y: pick(truth, 1), z: pick(truth, 2), hoverinfo: "skip", marker: { size: 3, color: colours.muted } },
      ];
    }
    function layout(index) {
      const colours = theme(), scene = { uirevision: "kept", aspectmode: "manual", aspectratio: {} };
      const centre = data.centres[index], half = data.reach;
      const ranges = follow.checked ? centre.map((value) => [value - half, value + half]) : data.bounds;
      const longest = Math.max(...ranges.map(([low, high]) => high - low));
      ["x", "y", "z"].forEach((name, place) => {
        scene[name + "axis"] = { title: { text: name + " (" + data.units + ")" }, range: ranges[place], autorange: false, color: colours.muted, gridcolor: colours.grid,
          zerolinecolor: colours.grid, showbackground: false, nticks: 6, showspikes: false };
        scene.aspectratio[name] = (ranges[place][1] - ranges[place][0]) / longest;
      });
      const far = canvas.clientWidth < 520 ? 1.9 : 1.5;
      scene.camera = { eye: { x: far, y: -far, z: 0.6 * far }, center: { x: 0, y: 0, z: -0.12 } };
      return { scene: scene, uirevision: "kept", showlegend: false, margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)", font: { family: css("--sans"), size: 11, color: colours.muted } };
    }
    function draw() {
      const index = Number(slider.value);
      output.textContent = data.times[index].toFixed(2) + " s, frame " + data.frames[index];
      return Plotly.react(canvas, traces(index), layout(index), config);
    }
    function stop() {
      clearTimeout(timer);
      timer = null;
      play.textContent = "Play";
    }
    function advance() {
      const last = data.frames.length - 1, index = Number(slider.value), next = index === last ? 0 : index + 1;
      const gap = next ? data.times[next] - data.times[index] : 0.5;
      slider.value = next;
      draw();
      // Thinned sessions would crawl in real time: no step takes longer than 0.2 s.
      timer = setTimeout(advance, Math.max(20, (1000 * Math.min(Math.max(gap, 0.02), 0.2)) / Number(speed.value)));
    }
    function toggle() {
      if (timer) return stop();
      play.textContent = "Pause";
      advance();
    }
    play.addEventListener("click", toggle);
    slider.addEventListener("input", () => { stop(); draw(); });
    [follow, names, joints].forEach((box) => box.addEventListener("change", draw));
    canvas.addEventListener("pointerdown", () => figure.focus({ preventScroll: true }));
    // The wheel scrolls the page until the skeleton has been clicked; then it zooms.
    canvas.addEventListener("wheel", (event) => { if (document.activeElement !== figure) event.stopPropagation(); }, { capture: true });
    figure.addEventListener("keydown", (event) => {
      if (event.target !== figure) return;
      if (event.key === " ") { event.preventDefault(); toggle(); }
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) { event.preventDefault(); stop(); slider.value = Number(slider.value) + step; draw(); }
    });
    draw();
    redraws.push(draw);
  }

  const waiting = new Map();
  document.querySelectorAll(".plot").forEach((holder) => waiting.set(holder, () => drawChart(holder)));
  document.querySelectorAll(".scene").forEach((figure) => waiting.set(figure, () => drawScene(figure)));
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
