import { clamp } from "./canvas.js";
import { unpackBytes } from "./document.js";

// Positions are whole numbers relative to the subject's centre, MISSING where there is none.
export const MISSING = -32768;
const LONGEST_STEP = 0.2;

export const unpack = (text, Kind) => new Kind(unpackBytes(text).buffer);

// The last index whose value is not beyond `value`, in growing values.
export function findLast(values, value) {
  let low = 0, high = values.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle] <= value) low = middle; else high = middle - 1;
  }
  return low;
}

// A session that is played, as `report/player.py` describes it: names, marks, edges, units, step, reach, bounds, floor, views, band;
// its moments, and where its points are at each of them.
export class Recording {
  constructor(data) {
    Object.assign(this, data);
    this.times = unpack(data.times, Float64Array);
    this.frames = unpack(data.frames, Int32Array);
    this.centres = unpack(data.centres, Float32Array);
    this.points = unpack(data.points, Int16Array);
    this.joints = unpack(data.joints, Int16Array);
    this.found = unpack(data.found, Int16Array);
    this.last = this.times.length - 1;
    this.jointCount = this.times.length ? this.joints.length / this.times.length / 3 : 0;
  }

  get start() {
    return this.times[0];
  }

  get length() {
    return this.times[this.last] - this.start;
  }

  getCentre(index) {
    return Array.from(this.centres.slice(3 * index, 3 * index + 3));
  }

  // World positions at a moment: of every keypoint, of every annotated joint, or of every one that was found; null where there is none.
  locatePoints(index) {
    return this.locate(this.points, this.names.length, index);
  }

  locateJoints(index) {
    return this.locate(this.joints, this.jointCount, index);
  }

  locateFound(index) {
    return this.locate(this.found, this.foundNames.length, index);
  }

  locate(values, count, index) {
    return Array.from({ length: count }, (_, point) => {
      const start = (index * count + point) * 3;
      if (values[start] === MISSING) return null;
      return [0, 1, 2].map((axis) => this.centres[3 * index + axis] + values[start + axis] * this.step);
    });
  }

  findNearest(time) {
    const before = findLast(this.times, time), after = before + 1;
    return after <= this.last && this.times[after] - time < time - this.times[before] ? after : before;
  }

  findLabel(index) {
    const time = this.times[index], span = this.band && this.band.spans.find(([from, to]) => from <= time && time <= to);
    return span ? this.band.labels[span[2]] : "";
  }

  // Where `owed` seconds lead from a moment, and what of them is left; after the last moment comes the first.
  advance(index, owed) {
    let next = index;
    // A thinned session would crawl in real time: no step takes longer than a fifth of a second.
    for (let gap = 0; owed > 0; owed -= gap) {
      if (next === this.last) return [0, 0];
      gap = clamp(this.times[next + 1] - this.times[next], 0.001, LONGEST_STEP);
      if (gap > owed) break;
      next += 1;
    }
    return [next, owed];
  }
}
