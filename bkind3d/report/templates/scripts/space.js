import { clamp, drawLines, drawMark, prepareCanvas } from "./canvas.js";
import { css } from "./document.js";

const FIELD = 3.2, STEEPEST = 1.55, NEAR_ENOUGH = 12;
const HOME = { turn: -0.9, tilt: 0.45, zoom: 1 };

// Where things of the world are drawn, as seen from `eye`: `middle` in the middle of the canvas, `reach` around it fitting in.
class Camera {
  constructor(eye, middle, reach, width, height) {
    Object.assign(this, { middle, reach, width, height });
    this.scale = (eye.zoom * 0.46 * Math.min(width, height)) / reach;
    [this.sin, this.cos, this.up, this.flat] = [Math.sin(eye.turn), Math.cos(eye.turn), Math.sin(eye.tilt), Math.cos(eye.tilt)];
  }

  // A direction of the world: how far to the right, up and towards the eye it leads.
  direct([x, y, z]) {
    const { sin, cos, up, flat } = this, ahead = cos * x + sin * y;
    return [cos * y - sin * x, z * flat - ahead * up, ahead * flat + z * up];
  }

  // A position of the world: x, y, and how much nearer it is than the middle.
  project(place) {
    const far = FIELD * this.reach, [right, above, near] = this.direct(place.map((value, axis) => value - this.middle[axis]));
    const grown = (this.scale * far) / Math.max(far - near, 0.05 * far);
    return [this.width / 2 + right * grown, this.height / 2 - above * grown, near / this.reach];
  }
}

// Draws squares on the floor; gives their side.
function drawGrid(context, camera, floor) {
  const { middle, reach } = camera, power = 10 ** Math.floor(Math.log10(reach / 2)), far = 1.6 * reach;
  const step = power * [5, 2, 1].find((factor) => factor * power <= reach / 2), lines = [];
  for (const axis of [0, 1]) {
    const other = 1 - axis;
    for (let value = Math.ceil((middle[axis] - far) / step) * step; value <= middle[axis] + far; value += step) {
      lines.push([-1, 1].map((side) => {
        const place = [0, 0, floor];
        place[axis] = value;
        place[other] = middle[other] + side * far;
        return camera.project(place);
      }));
    }
  }
  drawLines(context, lines, css("--grid"), 1);
  return step;
}

function drawAxes(context, camera) {
  const x = 36, y = camera.height - 38;
  context.fillStyle = css("--muted");
  ["x", "y", "z"].forEach((name, axis) => {
    const [right, up] = camera.direct([0, 1, 2].map((other) => (other === axis ? 1 : 0)));
    drawLines(context, [[[x, y], [x + 20 * right, y - 20 * up]]], css("--muted"), 1.5);
    context.fillText(name, x + 28 * right - 3, y - 28 * up + 4);
  });
}

// How much larger something is drawn that is nearer than the middle.
const grow = (near) => clamp(1 + 0.3 * near, 0.6, 1.5);

// The skeleton in 3D, which is turned with keys, mouse, or fingers. `boxes` are the switches follow, names, joints, found.
export class Space {
  constructor(canvas, recording, boxes, redraw) {
    Object.assign(this, { canvas, recording, boxes, redraw });
    this.eye = { ...HOME };
    this.spots = [];
    this.hovered = -1;
    this.pointers = new Map();
    this.listen();
  }

  draw(index) {
    const { context, width, height } = prepareCanvas(this.canvas), camera = this.makeCamera(index, width, height);
    context.font = "11px " + css("--sans");
    context.lineCap = "round";
    const step = drawGrid(context, camera, this.recording.floor);
    drawAxes(context, camera);
    context.textAlign = "right";
    context.fillText("squares of " + step + " " + this.recording.units, width - 10, height - 10);
    context.textAlign = "left";
    if (this.boxes.joints.checked) this.drawJoints(context, camera, index);
    if (this.boxes.found.checked) this.drawFound(context, camera, index);
    const places = this.recording.locatePoints(index);
    this.spots = places.map((place) => place && camera.project(place));
    this.drawSkeleton(context);
    context.fillStyle = css("--ink");
    if (this.boxes.names.checked) this.drawNames(context);
    if (places[this.hovered]) this.drawLabel(context, places[this.hovered], width);
  }

  makeCamera(index, width, height) {
    const { bounds, reach } = this.recording;
    if (this.boxes.follow.checked) return new Camera(this.eye, this.recording.getCentre(index), reach, width, height);
    const middle = bounds.map(([low, high]) => (low + high) / 2), all = Math.hypot(...bounds.map(([low, high]) => (high - low) / 2));
    return new Camera(this.eye, middle, all, width, height);
  }

  // Joints that were found from keypoints: rings, with their names where names are shown.
  drawFound(context, camera, index) {
    context.strokeStyle = context.fillStyle = css("--ink");
    context.lineWidth = 1.5;
    this.recording.locateFound(index).forEach((place, joint) => {
      if (!place) return;
      const [x, y] = camera.project(place);
      context.beginPath();
      context.arc(x, y, 4, 0, 2 * Math.PI);
      context.stroke();
      if (this.boxes.names.checked) context.fillText(this.recording.foundNames[joint], x + 7, y - 3);
    });
  }

  drawJoints(context, camera, index) {
    context.fillStyle = css("--muted");
    for (const place of this.recording.locateJoints(index).filter(Boolean)) {
      const [x, y] = camera.project(place);
      context.beginPath();
      context.arc(x, y, 2.5, 0, 2 * Math.PI);
      context.fill();
    }
  }

  // What is farther away is drawn first.
  drawSkeleton(context) {
    const { edges, marks } = this.recording, spots = this.spots, colour = css("--muted");
    const parts = [];
    for (const [a, b] of edges.filter((ends) => ends.every((end) => spots[end]))) {
      const near = (spots[a][2] + spots[b][2]) / 2 - 0.02;
      parts.push([near, () => drawLines(context, [[spots[a], spots[b]]], colour, 4 * grow(near))]);
    }
    spots.forEach((spot, point) => {
      if (spot) parts.push([spot[2], () => drawMark(context, spot[0], spot[1], 5.5 * grow(spot[2]), marks[point])]);
    });
    parts.sort(([one], [other]) => one - other).forEach(([, draw]) => draw());
  }

  drawNames(context) {
    this.spots.forEach((spot, point) => { if (spot) context.fillText(this.recording.names[point], spot[0] + 9, spot[1] + 4); });
  }

  // Name and place of the keypoint that the mouse is on.
  drawLabel(context, place, width) {
    const { names, units } = this.recording, [x, y] = this.spots[this.hovered];
    const label = names[this.hovered] + ": " + place.map((value) => Number(value.toPrecision(4))).join(", ") + " " + units;
    const length = context.measureText(label).width, left = clamp(x + 12, 4, Math.max(width - length - 12, 4));
    context.fillStyle = css("--raised");
    context.fillRect(left - 5, y - 26, length + 10, 19);
    context.fillStyle = css("--ink");
    context.fillText(label, left, y - 12);
  }

  turnBy(angle) {
    this.eye.turn += angle;
    this.redraw();
  }

  tiltBy(angle) {
    this.eye.tilt = clamp(this.eye.tilt + angle, -STEEPEST, STEEPEST);
    this.redraw();
  }

  zoomBy(factor) {
    this.eye.zoom = clamp(this.eye.zoom * factor, 0.2, 8);
    this.redraw();
  }

  reset() {
    Object.assign(this.eye, HOME);
    this.redraw();
  }

  listen() {
    const { canvas, pointers } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
    canvas.addEventListener("pointermove", (event) => {
      const now = [event.offsetX, event.offsetY];
      if (pointers.has(event.pointerId)) this.drag(event.pointerId, now); else this.hover(now);
    });
    canvas.addEventListener("dblclick", () => this.reset());
    // The wheel scrolls the page until the player has been clicked; then it zooms.
    canvas.addEventListener("wheel", (event) => {
      if (!canvas.closest(".player").contains(document.activeElement)) return;
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY * 0.0015));
    }, { passive: false });
  }

  hover([x, y]) {
    const away = this.spots.map((spot) => (spot ? Math.hypot(spot[0] - x, spot[1] - y) : Infinity)), nearest = Math.min(...away);
    const found = nearest < NEAR_ENOUGH ? away.indexOf(nearest) : -1;
    if (found === this.hovered) return;
    this.hovered = found;
    this.redraw();
  }

  // One pointer turns, two zoom.
  drag(pointer, now) {
    const old = this.pointers.get(pointer), other = Array.from(this.pointers).find(([id]) => id !== pointer);
    this.pointers.set(pointer, now);
    if (other) {
      const spread = (place) => Math.max(Math.hypot(place[0] - other[1][0], place[1] - other[1][1]), 1);
      this.zoomBy(spread(now) / spread(old));
    } else {
      this.turnBy((old[0] - now[0]) * 0.01);
      this.tiltBy((now[1] - old[1]) * 0.01);
    }
  }
}
