// Drawing on a canvas whose units are CSS pixels.

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Clears a canvas; gives its context and its size.
export function prepareCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

// Draws lines, given as pairs of ends [x, y], in one style.
export function drawLines(context, lines, style, width) {
  context.beginPath();
  for (const [from, to] of lines) {
    context.moveTo(from[0], from[1]);
    context.lineTo(to[0], to[1]);
  }
  context.strokeStyle = style;
  context.lineWidth = width;
  context.stroke();
}

function drawCross(context, x, y, radius, mark) {
  const reach = 1.2 * radius, lines = [-1, 1].map((side) => [[x - reach, y - side * reach], [x + reach, y + side * reach]]);
  drawLines(context, lines, mark.halo, 5);
  drawLines(context, lines, mark.colour, 2.5);
}

const OUTLINES = {
  circle: (context, x, y, radius) => context.arc(x, y, radius, 0, 2 * Math.PI),
  square: (context, x, y, radius) => context.rect(x - radius, y - radius, 2 * radius, 2 * radius),
  diamond: (context, x, y, radius) => {
    for (const [right, down] of [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]]) context.lineTo(x + right * radius, y + down * radius);
  },
};

// Draws the mark (colour, halo, shape) of a keypoint.
export function drawMark(context, x, y, radius, mark) {
  if (mark.shape === "cross") {
    drawCross(context, x, y, radius, mark);
    return;
  }
  context.beginPath();
  OUTLINES[mark.shape](context, x, y, radius);
  context.closePath();
  context.strokeStyle = mark.halo;
  context.lineWidth = 2;
  context.stroke();
  context.fillStyle = mark.colour;
  context.fill();
}
