(function () {
  "use strict";

  // A session that is played: small pictures of all views on one canvas, the skeleton in 3D on another. Everything is in the file;
  // pictures are decoded when they are shown. Positions are whole numbers relative to the subject's centre, MISSING where there is none.
  const MISSING = -32768, LONGEST_STEP = 0.2, KEPT_PICTURES = 80, FIELD = 3.2, GAP = 3;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const players = [];

  function unpack(text, Kind) {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let index = 0; index < raw.length; index += 1) bytes[index] = raw.charCodeAt(index);
    return new Kind(bytes.buffer);
  }

  // Gives the context of a canvas whose units are CSS pixels, and its size.
  function prepare(canvas) {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return [context, width, height];
  }

  function drawMark(context, x, y, radius, colour, halo, shape) {
    context.beginPath();
    if (shape === "circle") context.arc(x, y, radius, 0, 2 * Math.PI);
    if (shape === "square") context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
    if (shape === "diamond") [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]].forEach(([a, b]) => context.lineTo(x + a * radius, y + b * radius));
    if (shape === "cross") {
      for (const side of [-1, 1]) {
        context.moveTo(x - 1.2 * radius, y - side * 1.2 * radius);
        context.lineTo(x + 1.2 * radius, y + side * 1.2 * radius);
      }
      [[halo, 5], [colour, 2.5]].forEach(([style, width]) => { context.strokeStyle = style; context.lineWidth = width; context.stroke(); });
      return;
    }
    context.closePath();
    context.strokeStyle = halo;
    context.lineWidth = 2;
    context.stroke();
    context.fillStyle = colour;
    context.fill();
  }

  // The last index whose value is not beyond `value`, in growing values.
  function findLast(values, value) {
    let low = 0, high = values.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (values[middle] <= value) low = middle; else high = middle - 1;
    }
    return low;
  }

  function makePlayer(figure) {
    const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    const find = (selector) => figure.querySelector(selector);
    const space = find(".space"), views = find(".views"), slider = find("input[type=range]"), play = find(".play"), output = find("output");
    const boxes = Object.fromEntries(Array.from(figure.querySelectorAll("input[type=checkbox]"), (box) => [box.className, box]));
    const speed = find("select"), said = find(".said"), band = find(".band");
    const times = unpack(data.times, Float64Array), frames = unpack(data.frames, Int32Array), centres = unpack(data.centres, Float32Array);
    const points = unpack(data.points, Int16Array), joints = unpack(data.joints, Int16Array);
    const size = data.names.length, jointSize = times.length ? joints.length / times.length / 3 : 0;
    const home = { turn: -0.9, tilt: 0.45, zoom: 1 };
    const eye = Object.assign({}, home);
    let index = 0, playing = false, before = 0, owed = 0, hovered = -1, waiting = false, spots = [];

    find(".joint-switch").hidden = jointSize === 0;
    slider.disabled = times.length < 2;

    // ---- pictures
    const pictures = data.views ? data.views.pictures : null;
    const moments = pictures ? unpack(pictures.moments, Int32Array) : null, ends = pictures ? unpack(pictures.ends, Int32Array) : null;
    const pixels = pictures ? unpack(pictures.pixels, Int16Array) : null;
    const kept = new Map();
    let text = null, shown = -1, grid = null;

    function getPicture(number) {
      if (!kept.has(number)) {
        if (text === null) text = find("script[type='text/plain']").textContent.trim();
        const image = new Image();
        image.src = "data:image/webp;base64," + text.slice(number ? ends[number - 1] : 0, ends[number]);
        const entry = { image: image, ready: false };
        image.decode().then(() => { entry.ready = true; if (number === findLast(moments, index)) request(); }, () => {});
        kept.set(number, entry);
        if (kept.size > KEPT_PICTURES) kept.delete(kept.keys().next().value);
      }
      return kept.get(number);
    }

    // As many columns as make the views large; on a wide page they stand beside the skeleton and end above the fold.
    function layOut() {
      const stage = find(".stage"), wide = stage.clientWidth >= 640, count = data.views.cameras.length;
      const width = (wide ? 0.66 : 1) * stage.clientWidth, height = wide ? Math.max(0.6 * window.innerHeight, 280) : 1.2 * stage.clientWidth;
      grid = [1, 0];
      for (let columns = 1; columns <= count; columns += 1) {
        const rows = Math.ceil(count / columns), tile = Math.floor(Math.min((width + GAP) / columns, (height + GAP) / rows)) - GAP;
        if (tile > grid[1]) grid = [columns, tile];
      }
      views.style.width = grid[0] * (grid[1] + GAP) - GAP + "px";
      views.style.height = Math.ceil(count / grid[0]) * (grid[1] + GAP) - GAP + "px";
      space.style.height = wide ? views.style.height : "";
    }

    function drawViews() {
      const wanted = findLast(moments, index), entry = getPicture(wanted);
      if (wanted + 1 < moments.length) getPicture(wanted + 1);
      if (!entry.ready && shown >= 0) return;
      const count = data.views.cameras.length, [context] = prepare(views), side = pictures.side, [columns, tile] = grid;
      for (let camera = 0; camera < count; camera += 1) {
        const left = (camera % columns) * (tile + GAP), top = Math.floor(camera / columns) * (tile + GAP);
        context.save();
        context.beginPath();
        context.rect(left, top, tile, tile);
        context.clip();
        context.fillStyle = "#18191d";
        context.fillRect(left, top, tile, tile);
        if (entry.ready) context.drawImage(entry.image, camera * side, 0, side, side, left, top, tile, tile);
        if (entry.ready && boxes.drawn.checked) drawPoints(context, wanted, camera, left, top, tile);
        context.font = "11px " + css("--sans");
        context.lineWidth = 3;
        context.strokeStyle = "rgba(0, 0, 0, 0.65)";
        context.fillStyle = "#fff";
        context.strokeText(data.views.cameras[camera], left + 6, top + 14);
        context.fillText(data.views.cameras[camera], left + 6, top + 14);
        context.restore();
      }
      if (entry.ready) { shown = wanted; views.dataset.shown = wanted; }
    }

    function drawPoints(context, picture, camera, left, top, tile) {
      const start = (picture * data.views.cameras.length + camera) * size * 2, scale = tile / pictures.scale;
      const at = (point) => [left + pixels[start + 2 * point] * scale, top + pixels[start + 2 * point + 1] * scale];
      const known = (point) => pixels[start + 2 * point] !== MISSING;
      for (const [style, width] of [["rgba(15, 15, 15, 0.6)", 3], ["rgba(245, 245, 245, 0.8)", 1.5]]) {
        context.beginPath();
        for (const [a, b] of data.edges) if (known(a) && known(b)) { context.moveTo(...at(a)); context.lineTo(...at(b)); }
        context.strokeStyle = style;
        context.lineWidth = width;
        context.stroke();
      }
      const radius = clamp(tile / 60, 2, 5);
      for (let point = 0; point < size; point += 1) if (known(point)) drawMark(context, ...at(point), radius, data.colours[point], data.halos[point], data.shapes[point]);
    }

    // ---- the skeleton in 3D
    function locate(values, count, point) {
      const start = (index * count + point) * 3;
      if (values[start] === MISSING) return null;
      return [0, 1, 2].map((axis) => centres[3 * index + axis] + values[start + axis] * data.step);
    }

    // Where a position of the world is drawn: x, y, and how much nearer it is than the middle.
    function makeCamera(width, height) {
      const middle = boxes.follow.checked ? Array.from(centres.slice(3 * index, 3 * index + 3)) : data.bounds.map(([low, high]) => (low + high) / 2);
      const reach = boxes.follow.checked ? data.reach : Math.hypot(...data.bounds.map(([low, high]) => (high - low) / 2));
      const scale = (eye.zoom * 0.46 * Math.min(width, height)) / reach, far = FIELD * reach;
      const [sin, cos, up, flat] = [Math.sin(eye.turn), Math.cos(eye.turn), Math.sin(eye.tilt), Math.cos(eye.tilt)];
      const direct = ([x, y, z]) => [cos * y - sin * x, z * flat - (cos * x + sin * y) * up, (cos * x + sin * y) * flat + z * up];
      return { middle: middle, reach: reach, direct: direct, project: (place) => {
        const [right, above, near] = direct(place.map((value, axis) => value - middle[axis])), grown = (scale * far) / Math.max(far - near, 0.05 * far);
        return [width / 2 + right * grown, height / 2 - above * grown, near / reach];
      } };
    }

    function drawGrid(context, camera) {
      const wanted = camera.reach / 2, power = 10 ** Math.floor(Math.log10(wanted));
      const step = power * [5, 2, 1].find((factor) => factor * power <= wanted), reach = 1.6 * camera.reach;
      context.strokeStyle = css("--grid");
      context.lineWidth = 1;
      context.beginPath();
      for (const axis of [0, 1]) {
        const other = 1 - axis, first = Math.ceil((camera.middle[axis] - reach) / step) * step;
        for (let value = first; value <= camera.middle[axis] + reach; value += step) {
          const ends = [-1, 1].map((side) => { const place = [0, 0, data.floor]; place[axis] = value; place[other] = camera.middle[other] + side * reach; return camera.project(place); });
          context.moveTo(ends[0][0], ends[0][1]);
          context.lineTo(ends[1][0], ends[1][1]);
        }
      }
      context.stroke();
      return step;
    }

    function drawAxes(context, camera, height) {
      const corner = [36, height - 38];
      context.font = "11px " + css("--sans");
      context.lineWidth = 1.5;
      context.strokeStyle = context.fillStyle = css("--muted");
      ["x", "y", "z"].forEach((name, axis) => {
        const [right, up] = camera.direct([0, 1, 2].map((other) => (other === axis ? 1 : 0)));
        context.beginPath();
        context.moveTo(...corner);
        context.lineTo(corner[0] + 20 * right, corner[1] - 20 * up);
        context.stroke();
        context.fillText(name, corner[0] + 28 * right - 3, corner[1] - 28 * up + 4);
      });
    }

    function drawSpace() {
      const [context, width, height] = prepare(space), camera = makeCamera(width, height);
      const step = drawGrid(context, camera);
      drawAxes(context, camera, height);
      context.fillStyle = css("--muted");
      context.textAlign = "right";
      context.fillText("squares of " + step + " " + data.units, width - 10, height - 10);
      context.textAlign = "left";
      const places = data.names.map((_, point) => locate(points, size, point));
      spots = places.map((place) => place && camera.project(place));
      if (boxes.joints.checked) {
        context.fillStyle = css("--muted");
        for (let joint = 0; joint < jointSize; joint += 1) {
          const place = locate(joints, jointSize, joint);
          if (place) { const [x, y] = camera.project(place); context.beginPath(); context.arc(x, y, 2.5, 0, 2 * Math.PI); context.fill(); }
        }
      }
      // What is farther away is drawn first.
      const parts = data.edges.filter(([a, b]) => spots[a] && spots[b]).map(([a, b]) => [(spots[a][2] + spots[b][2]) / 2 - 0.02, a, b]);
      spots.forEach((spot, point) => { if (spot) parts.push([spot[2], point, -1]); });
      for (const [near, a, b] of parts.sort((one, other) => one[0] - other[0])) {
        if (b < 0) { drawMark(context, spots[a][0], spots[a][1], 5.5 * clamp(1 + 0.3 * near, 0.6, 1.5), data.colours[a], data.halos[a], data.shapes[a]); continue; }
        context.strokeStyle = css("--muted");
        context.lineWidth = 4 * clamp(1 + 0.3 * near, 0.6, 1.5);
        context.lineCap = "round";
        context.beginPath();
        context.moveTo(spots[a][0], spots[a][1]);
        context.lineTo(spots[b][0], spots[b][1]);
        context.stroke();
      }
      context.fillStyle = css("--ink");
      if (boxes.names.checked) spots.forEach((spot, point) => { if (spot) context.fillText(data.names[point], spot[0] + 9, spot[1] + 4); });
      if (hovered >= 0 && places[hovered]) {
        const label = data.names[hovered] + ": " + places[hovered].map((value) => Number(value.toPrecision(4))).join(", ") + " " + data.units;
        const left = clamp(spots[hovered][0] + 12, 4, Math.max(width - context.measureText(label).width - 12, 4));
        context.fillStyle = css("--raised");
        context.fillRect(left - 5, spots[hovered][1] - 26, context.measureText(label).width + 10, 19);
        context.fillStyle = css("--ink");
        context.fillText(label, left, spots[hovered][1] - 12);
      }
    }

    // ---- what happens when: labels over time
    function drawBand() {
      if (!band) return;
      const [context, width, height] = prepare(band), first = times[0], length = Math.max(times[times.length - 1] - first, 1e-9);
      for (const [from, to, label] of data.band.spans) {
        context.fillStyle = data.band.colours[label];
        context.fillRect(((from - first) / length) * width, 0, Math.max(((to - from) / length) * width, 1), height);
      }
    }
    function findLabel() {
      const span = band && data.band.spans.find(([from, to]) => from <= times[index] && times[index] <= to);
      return span ? ", " + data.band.labels[span[2]] : "";
    }

    // ---- time
    function draw() {
      waiting = false;
      output.textContent = times[index].toFixed(2) + " s, frame " + frames[index] + findLabel();
      slider.value = index;
      slider.setAttribute("aria-valuetext", output.textContent);
      drawSpace();
      if (views) drawViews();
      figure.dataset.index = index;
    }
    function request() {
      if (!waiting) { waiting = true; requestAnimationFrame(draw); }
    }
    function go(to) {
      index = clamp(to, 0, times.length - 1);
      request();
    }
    function seek(time) {
      const last = findLast(times, time);
      go(last + (last + 1 < times.length && times[last + 1] - time < time - times[last] ? 1 : 0));
    }
    function tick(now) {
      if (!playing) return;
      owed += ((now - before) / 1000) * Number(speed.value);
      before = now;
      let next = index;
      // A thinned session would crawl in real time: no step takes longer than a fifth of a second.
      for (let gap = 0; owed > 0; owed -= gap) {
        if (next === times.length - 1) { next = 0; owed = 0; break; }
        gap = clamp(times[next + 1] - times[next], 0.001, LONGEST_STEP);
        if (gap > owed) break;
        next += 1;
      }
      if (next !== index) go(next);
      requestAnimationFrame(tick);
    }
    function setPlaying(value) {
      playing = value && times.length > 1;
      play.textContent = playing ? "Pause" : "Play";
      if (playing) { before = performance.now(); owed = 0; requestAnimationFrame(tick); }
    }
    function hurry(by) {
      speed.selectedIndex = clamp(speed.selectedIndex + by, 0, speed.options.length - 1);
      say("speed " + speed.selectedOptions[0].textContent);
    }
    function say(text) {
      said.textContent = text;
      clearTimeout(say.timer);
      say.timer = setTimeout(() => { said.textContent = ""; }, 2500);
    }
    function reset() {
      Object.assign(eye, home);
      request();
    }
    function copyLink() {
      const which = players.length > 1 ? "&player=" + figure.id : "";
      const link = location.href.split("#")[0] + "#t=" + times[index].toFixed(3) + which;
      history.replaceState(null, "", link);
      const done = () => say("link copied"), failed = () => say("the link is in the address bar");
      if (navigator.clipboard) navigator.clipboard.writeText(link).then(done, failed); else failed();
    }

    // ---- turning
    const pointers = new Map();
    space.addEventListener("pointerdown", (event) => { space.setPointerCapture(event.pointerId); pointers.set(event.pointerId, [event.offsetX, event.offsetY]); });
    for (const end of ["pointerup", "pointercancel"]) space.addEventListener(end, (event) => pointers.delete(event.pointerId));
    space.addEventListener("pointermove", (event) => {
      const old = pointers.get(event.pointerId), now = [event.offsetX, event.offsetY];
      if (!old) {
        const near = spots.map((spot) => (spot ? Math.hypot(spot[0] - now[0], spot[1] - now[1]) : Infinity)), best = near.indexOf(Math.min(...near));
        const found = near[best] < 12 ? best : -1;
        if (found !== hovered) { hovered = found; request(); }
        return;
      }
      if (pointers.size === 1) {
        eye.turn -= (now[0] - old[0]) * 0.01;
        eye.tilt = clamp(eye.tilt + (now[1] - old[1]) * 0.01, -1.55, 1.55);
      } else {
        const other = Array.from(pointers).find(([id]) => id !== event.pointerId)[1], spread = (place) => Math.max(Math.hypot(place[0] - other[0], place[1] - other[1]), 1);
        eye.zoom = clamp((eye.zoom * spread(now)) / spread(old), 0.2, 8);
      }
      pointers.set(event.pointerId, now);
      request();
    });
    space.addEventListener("dblclick", reset);
    // The wheel scrolls the page until the player has been clicked; then it zooms.
    space.addEventListener("wheel", (event) => {
      if (!figure.contains(document.activeElement)) return;
      event.preventDefault();
      eye.zoom = clamp(eye.zoom * Math.exp(-event.deltaY * 0.0015), 0.2, 8);
      request();
    }, { passive: false });

    // ---- controls
    play.addEventListener("click", () => setPlaying(!playing));
    slider.addEventListener("input", () => { setPlaying(false); go(Number(slider.value)); });
    Object.values(boxes).forEach((box) => box.addEventListener("change", request));
    find(".link").addEventListener("click", copyLink);
    find(".reset").addEventListener("click", reset);
    figure.addEventListener("pointerdown", (event) => { if (event.target.matches("canvas")) figure.focus({ preventScroll: true }); });
    if (band) band.addEventListener("click", (event) => seek(times[0] + (event.offsetX / band.clientWidth) * (times[times.length - 1] - times[0])));
    const keys = {
      " ": () => setPlaying(!playing), "+": () => hurry(1), "-": () => hurry(-1), "=": () => hurry(1),
      ArrowLeft: (event) => { setPlaying(false); go(index - (event.shiftKey ? 10 : 1)); },
      ArrowRight: (event) => { setPlaying(false); go(index + (event.shiftKey ? 10 : 1)); },
      Home: () => { setPlaying(false); go(0); }, End: () => { setPlaying(false); go(times.length - 1); },
      a: () => { eye.turn -= 0.1; request(); }, d: () => { eye.turn += 0.1; request(); },
      w: () => { eye.tilt = clamp(eye.tilt + 0.1, -1.55, 1.55); request(); }, s: () => { eye.tilt = clamp(eye.tilt - 0.1, -1.55, 1.55); request(); },
      l: copyLink, r: reset,
    };
    function press(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key] || event.target.matches("select")) return;
      if (event.key === " " && event.target.matches("button, input[type=checkbox], summary, a")) return;
      event.preventDefault();
      keys[event.key](event);
    }
    const resize = () => { if (views) layOut(); shown = -1; request(); drawBand(); };
    new ResizeObserver(resize).observe(find(".stage"));
    window.addEventListener("resize", resize);
    if (views) layOut();
    draw();
    drawBand();
    return { figure: figure, press: press, seek: (time) => { setPlaying(false); seek(time); }, redraw: () => { request(); drawBand(); } };
  }

  // Players begin when they come near, or when a link asks for them.
  const made = new Map();
  function begin(figure) {
    if (!made.has(figure)) made.set(figure, makePlayer(figure));
    return made.get(figure);
  }
  document.querySelectorAll(".player").forEach((figure) => players.push(figure));
  const observer = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => { observer.unobserve(entry.target); begin(entry.target); });
  }, { rootMargin: "300px" });
  players.forEach((figure) => observer.observe(figure));

  function isInView(figure) {
    const box = figure.getBoundingClientRect();
    return box.top < window.innerHeight && box.bottom > 0;
  }
  // Keys belong to the player that has the focus; where nothing has it, to the only player of the page while it is in view.
  document.addEventListener("keydown", (event) => {
    const figure = event.target.closest(".player") || (event.target === document.body && players.length === 1 && isInView(players[0]) ? players[0] : null);
    if (figure) begin(figure).press(event);
  });

  function followLink() {
    const asked = new URLSearchParams(location.hash.slice(1)), time = Number.parseFloat(asked.get("t"));
    const figure = document.getElementById(asked.get("player")) || players[0];
    if (!figure || !players.includes(figure) || !Number.isFinite(time)) return;
    begin(figure).seek(time);
    figure.scrollIntoView({ block: "nearest" });
    figure.focus({ preventScroll: true });
  }
  window.addEventListener("hashchange", followLink);
  followLink();
  window.addEventListener("beforeprint", () => players.forEach(begin));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => made.forEach((player) => player.redraw()));
})();
