import { clamp, drawLines, drawMark, prepareCanvas } from "./canvas.js";
import { css } from "./document.js";
import { MISSING, findLast, unpack } from "./recording.js";

const KEPT_PICTURES = 80, GAP = 3;
const GROUND = "#18191d", LETTERS = "#fff", LETTERS_HALO = "rgba(0, 0, 0, 0.65)";
const EDGE_HALO = "rgba(15, 15, 15, 0.6)", EDGE = "rgba(245, 245, 245, 0.8)";

// The pictures of a session, all views side by side in each: decoded when they are asked for.
class Pictures {
  constructor(ends, holder, announce) {
    Object.assign(this, { ends, holder, announce });
    this.kept = new Map();
  }

  get(number) {
    if (!this.kept.has(number)) this.decode(number);
    return this.kept.get(number);
  }

  decode(number) {
    this.text ??= this.holder.textContent.trim();
    const entry = { image: new Image(), ready: false };
    entry.image.src = "data:image/webp;base64," + this.text.slice(number ? this.ends[number - 1] : 0, this.ends[number]);
    entry.image.decode().then(() => { entry.ready = true; this.announce(number); }, () => {});
    this.kept.set(number, entry);
    if (this.kept.size > KEPT_PICTURES) this.kept.delete(this.kept.keys().next().value);
  }
}

// All views on one canvas, in a grid of square tiles, with the keypoints drawn in where the switch `drawn` is on.
export class Views {
  constructor(canvas, holder, recording, drawn, redraw) {
    const packed = recording.views;
    Object.assign(this, { canvas, recording, drawn });
    Object.assign(this, { cameras: packed.cameras, side: packed.side, scale: packed.scale });
    this.moments = unpack(packed.moments, Int32Array);
    this.pixels = unpack(packed.pixels, Int16Array);
    this.pictures = new Pictures(unpack(packed.ends, Int32Array), holder, (number) => { if (number === this.wanted) redraw(); });
    this.wanted = this.shown = -1;
  }

  // As many columns as make the views large. Gives the height in pixels.
  layOut(width, height) {
    const count = this.cameras.length;
    [this.columns, this.tile] = [1, 0];
    for (let columns = 1; columns <= count; columns += 1) {
      const rows = Math.ceil(count / columns), tile = Math.floor(Math.min((width + GAP) / columns, (height + GAP) / rows)) - GAP;
      if (tile > this.tile) [this.columns, this.tile] = [columns, tile];
    }
    const taken = Math.ceil(count / this.columns) * (this.tile + GAP) - GAP;
    this.canvas.style.width = this.columns * (this.tile + GAP) - GAP + "px";
    this.canvas.style.height = taken + "px";
    this.shown = -1;
    return taken;
  }

  // The picture that is shown stays until the wanted one is decoded.
  draw(index) {
    this.wanted = findLast(this.moments, index);
    const entry = this.pictures.get(this.wanted);
    if (this.wanted + 1 < this.moments.length) this.pictures.get(this.wanted + 1);
    if (!entry.ready && this.shown >= 0) return;
    const { context } = prepareCanvas(this.canvas);
    this.cameras.forEach((_, camera) => this.drawTile(context, camera, entry));
    if (!entry.ready) return;
    this.shown = this.wanted;
    this.canvas.dataset.shown = this.shown;
  }

  drawTile(context, camera, entry) {
    const { side, tile } = this, left = (camera % this.columns) * (tile + GAP), top = Math.floor(camera / this.columns) * (tile + GAP);
    context.save();
    context.translate(left, top);
    context.beginPath();
    context.rect(0, 0, tile, tile);
    context.clip();
    context.fillStyle = GROUND;
    context.fillRect(0, 0, tile, tile);
    if (entry.ready) context.drawImage(entry.image, camera * side, 0, side, side, 0, 0, tile, tile);
    if (entry.ready && this.drawn.checked) this.drawPoints(context, camera);
    context.font = "11px " + css("--sans");
    context.lineWidth = 3;
    context.strokeStyle = LETTERS_HALO;
    context.fillStyle = LETTERS;
    context.strokeText(this.cameras[camera], 6, 14);
    context.fillText(this.cameras[camera], 6, 14);
    context.restore();
  }

  drawPoints(context, camera) {
    const spots = this.findSpots(camera), radius = clamp(this.tile / 60, 2, 5);
    const lines = this.recording.edges.map(([a, b]) => [spots[a], spots[b]]).filter(([a, b]) => a && b);
    drawLines(context, lines, EDGE_HALO, 3);
    drawLines(context, lines, EDGE, 1.5);
    spots.forEach((spot, point) => { if (spot) drawMark(context, spot[0], spot[1], radius, this.recording.marks[point]); });
  }

  // Where the keypoints are in a tile of the wanted picture; null where they are not.
  findSpots(camera) {
    const scale = this.tile / this.scale, first = (this.wanted * this.cameras.length + camera) * this.recording.names.length;
    return this.recording.names.map((_, point) => {
      const [x, y] = this.pixels.subarray(2 * (first + point), 2 * (first + point) + 2);
      return x === MISSING ? null : [x * scale, y * scale];
    });
  }
}
