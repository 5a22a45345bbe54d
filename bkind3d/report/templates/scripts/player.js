import { clamp, prepareCanvas } from "./canvas.js";
import { onThemeChange, whenNear } from "./document.js";
import { Recording } from "./recording.js";
import { Space } from "./space.js";
import { Views } from "./views.js";

const chooseStep = (event) => (event.shiftKey ? 10 : 1);

// What happens when: labels over time, below the slider.
function drawBand(canvas, recording) {
  const { context, width, height } = prepareCanvas(canvas), length = Math.max(recording.length, 1e-9);
  for (const [from, to, label] of recording.band.spans) {
    context.fillStyle = recording.band.colours[label];
    context.fillRect(((from - recording.start) / length) * width, 0, Math.max(((to - from) / length) * width, 1), height);
  }
}

// A session that is played: small pictures of all views on one canvas, the skeleton in 3D on another. Everything is in the file.
class Player {
  constructor(figure, isAlone) {
    const find = (selector) => figure.querySelector(selector), redraw = () => this.request();
    const boxes = Object.fromEntries(Array.from(figure.querySelectorAll("input[type=checkbox]"), (box) => [box.className, box]));
    const recording = new Recording(JSON.parse(find("script[type='application/json']").textContent)), views = find(".views");
    Object.assign(this, { figure, isAlone, recording, find, boxes });
    [this.slider, this.button, this.output] = ["input[type=range]", ".play", "output"].map(find);
    [this.speed, this.said, this.band, this.stage] = ["select", ".said", ".band", ".stage"].map(find);
    this.space = new Space(find(".space"), recording, boxes, redraw);
    this.views = views && new Views(views, find("script[type='text/plain']"), recording, boxes.drawn, redraw);
    this.index = 0;
    this.playing = this.waiting = false;
    this.keys = this.makeKeys();
    find(".joint-switch").hidden = recording.jointCount === 0;
    find(".found-switch").hidden = recording.foundNames.length === 0;
    this.slider.disabled = recording.last < 1;
    this.listen();
    this.layOut();
    this.draw();
    this.drawBand();
  }

  // On a wide page the views stand beside the skeleton and end above the fold.
  layOut() {
    if (!this.views) return;
    const stage = this.stage.clientWidth, wide = stage >= 640;
    const height = this.views.layOut((wide ? 0.66 : 1) * stage, wide ? Math.max(0.6 * window.innerHeight, 280) : 1.2 * stage);
    this.space.canvas.style.height = wide ? height + "px" : "";
  }

  draw() {
    const { index, recording } = this, label = recording.findLabel(index);
    this.waiting = false;
    this.output.textContent = recording.times[index].toFixed(2) + " s, frame " + recording.frames[index] + (label && ", " + label);
    this.slider.value = index;
    this.slider.setAttribute("aria-valuetext", this.output.textContent);
    this.space.draw(index);
    if (this.views) this.views.draw(index);
    this.figure.dataset.index = index;
  }

  drawBand() {
    if (this.band) drawBand(this.band, this.recording);
  }

  // Draws soon, and once however often it is asked to.
  request() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => this.draw());
  }

  redraw() {
    this.request();
    this.drawBand();
  }

  show(index) {
    this.index = clamp(index, 0, this.recording.last);
    this.request();
  }

  stopAt(index) {
    this.play(false);
    this.show(index);
  }

  seek(time) {
    this.stopAt(this.recording.findNearest(time));
  }

  play(wanted) {
    this.playing = wanted && this.recording.last > 0;
    this.button.textContent = this.playing ? "Pause" : "Play";
    if (!this.playing) return;
    [this.before, this.owed] = [performance.now(), 0];
    requestAnimationFrame((now) => this.tick(now));
  }

  toggle() {
    this.play(!this.playing);
  }

  tick(now) {
    if (!this.playing) return;
    const [next, owed] = this.recording.advance(this.index, this.owed + ((now - this.before) / 1000) * Number(this.speed.value));
    [this.before, this.owed] = [now, owed];
    if (next !== this.index) this.show(next);
    requestAnimationFrame((later) => this.tick(later));
  }

  hurry(by) {
    this.speed.selectedIndex = clamp(this.speed.selectedIndex + by, 0, this.speed.options.length - 1);
    this.say("speed " + this.speed.selectedOptions[0].textContent);
  }

  say(text) {
    this.said.textContent = text;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => { this.said.textContent = ""; }, 2500);
  }

  copyLink() {
    const which = this.isAlone ? "" : "&player=" + this.figure.id;
    const link = location.href.split("#")[0] + "#t=" + this.recording.times[this.index].toFixed(3) + which;
    history.replaceState(null, "", link);
    const done = () => this.say("link copied"), failed = () => this.say("the link is in the address bar");
    if (navigator.clipboard) navigator.clipboard.writeText(link).then(done, failed); else failed();
  }

  listen() {
    const { band, boxes, figure, find, recording, slider } = this;
    this.button.addEventListener("click", () => this.toggle());
    slider.addEventListener("input", () => this.stopAt(Number(slider.value)));
    Object.values(boxes).forEach((box) => box.addEventListener("change", () => this.request()));
    find(".link").addEventListener("click", () => this.copyLink());
    find(".reset").addEventListener("click", () => this.space.reset());
    figure.addEventListener("pointerdown", (event) => { if (event.target.matches("canvas")) figure.focus({ preventScroll: true }); });
    if (band) {
      const findTime = (event) => recording.start + (event.offsetX / band.clientWidth) * recording.length;
      band.addEventListener("click", (event) => this.show(recording.findNearest(findTime(event))));
    }
    const resize = () => { this.layOut(); this.redraw(); };
    new ResizeObserver(resize).observe(this.stage);
    window.addEventListener("resize", resize);
  }

  makeKeys() {
    const { space } = this;
    return {
      " ": () => this.toggle(), "+": () => this.hurry(1), "-": () => this.hurry(-1), "=": () => this.hurry(1),
      ArrowLeft: (event) => this.stopAt(this.index - chooseStep(event)), ArrowRight: (event) => this.stopAt(this.index + chooseStep(event)),
      Home: () => this.stopAt(0), End: () => this.stopAt(this.recording.last),
      a: () => space.turnBy(-0.1), d: () => space.turnBy(0.1), w: () => space.tiltBy(0.1), s: () => space.tiltBy(-0.1),
      l: () => this.copyLink(), r: () => space.reset(),
    };
  }

  press(event) {
    const act = this.keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
    if (event.key === " " && event.target.matches("button, input[type=checkbox], summary, a")) return;
    event.preventDefault();
    act(event);
  }
}

function isInView(element) {
  const box = element.getBoundingClientRect();
  return box.top < window.innerHeight && box.bottom > 0;
}

// Players begin when they come near, or when a key or a link asks for them.
export function startPlayers(figures) {
  const players = new Map(), start = whenNear(figures, (figure) => players.set(figure, new Player(figure, figures.length === 1)));
  const begin = (figure) => { start(figure); return players.get(figure); };

  // Keys belong to the player that has the focus; where nothing has it, to the only player of the page while it is in view.
  function findOwner(target) {
    const only = target === document.body && figures.length === 1 && isInView(figures[0]) ? figures[0] : null;
    return target.closest(".player") || only;
  }
  document.addEventListener("keydown", (event) => {
    const figure = findOwner(event.target);
    if (figure) begin(figure).press(event);
  });

  function followLink() {
    const asked = new URLSearchParams(location.hash.slice(1)), time = Number.parseFloat(asked.get("t"));
    const figure = document.getElementById(asked.get("player")) || figures[0];
    if (!figures.includes(figure) || !Number.isFinite(time)) return;
    begin(figure).seek(time);
    figure.scrollIntoView({ block: "nearest" });
    figure.focus({ preventScroll: true });
  }
  window.addEventListener("hashchange", followLink);
  followLink();
  onThemeChange(() => players.forEach((player) => player.redraw()));
}
