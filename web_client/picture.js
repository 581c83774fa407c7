// The living picture: both voices over the last seconds, and whose floor it was.
//
// The agent above the line, the caller below, the newest at the right. The line itself is the
// floor; where both speak, an amber column spans both sides, and a ducked voice is a hollow one.

const SHOWN_S = 8;
const COLUMN_S = 0.05;
const QUIETEST_DB = -58;
const LOUDEST_DB = -6;
const KEPT = 400;

export class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.columns = []; // {at_s, caller, agent, floor}
    this.floor = "open";
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.clock = null;
    this.drawn = 0;
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.shade = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw();
    this.shade.addEventListener("change", this.redraw);
  }

  /** Begin to draw, `clock` being the audio clock; until stop(). */
  start(clock) {
    this.columns = [];
    this.floor = "open";
    this.clock = clock;
    const frame = (now_ms) => {
      if (!this.clock) return;
      const every_ms = this.still.matches ? 1000 : 0; // without motion: a new picture each second
      if (now_ms - this.drawn >= every_ms) {
        this.drawn = now_ms;
        this.draw();
      }
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  stop() {
    this.clock = null;
  }

  /** Let go of it: the browser would keep a picture that listens. */
  close() {
    this.stop();
    this.shade.removeEventListener("change", this.redraw);
  }

  /** Levels of steps in dB; see tap-worklet.js. */
  levels({ end_s, caller, agent }) {
    this.columns.push({ at_s: end_s, caller: size(Math.max(...caller)), agent: size(Math.max(...agent)), floor: this.floor });
    if (this.columns.length > KEPT) this.columns.shift();
  }

  draw() {
    const { canvas } = this;
    const { width, height } = canvas.getBoundingClientRect();
    const scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    const paint = canvas.getContext("2d");
    paint.setTransform(scale, 0, 0, scale, 0, 0);
    paint.clearRect(0, 0, width, height);
    this.paintAll(paint, width, height, colours(canvas));
  }

  paintAll(paint, width, height, colour) {
    const now_s = this.clock ? this.clock() : (this.columns.at(-1)?.at_s ?? 0);
    const step = (width * COLUMN_S) / SHOWN_S;
    const middle = height / 2;
    const reach = middle - 38; // leaves room for the names
    line(paint, 0, middle, width, colour.line);
    const place = (at_s) => width - ((now_s - at_s) / SHOWN_S) * width;
    for (const [floor, from_s, to_s] of stretches(this.columns)) {
      const left = Math.max(0, place(from_s));
      const wide = place(to_s) - left;
      paint.fillStyle = colour.overlapSoft;
      if (floor === "overlap" && wide > 0) paint.fillRect(left, 8, wide, height - 16);
      paint.fillStyle = colour[floor] ?? colour.line;
      if (wide > 0) paint.fillRect(left, middle - 2, wide, 4);
    }
    for (const column of this.columns) {
      const x = place(column.at_s) - step;
      if (x < -step || x > width) continue;
      paint.globalAlpha = Math.min(1, Math.max(0, x / (width * 0.12)));
      const isDucked = column.floor === "overlap";
      bar(paint, x, middle - 6, step, -column.agent * reach, colour.agent, isDucked);
      bar(paint, x, middle + 6, step, column.caller * reach, colour.user, false);
    }
    paint.globalAlpha = 1;
  }
}

/** Columns of one floor together, as [floor, from_s, to_s]. */
function stretches(columns) {
  const found = [];
  for (const { floor, at_s } of columns) {
    const last = found.at(-1);
    if (last && last[0] === floor && at_s - last[2] < 1) last[2] = at_s;
    else found.push([floor, at_s - COLUMN_S, at_s]);
  }
  return found;
}

function bar(paint, x, from, step, length, colour, isHollow) {
  if (Math.abs(length) < 1) return;
  const wide = Math.max(1.5, step * 0.62);
  const left = x + (step - wide) / 2;
  paint.beginPath();
  paint.roundRect(left, Math.min(from, from + length), wide, Math.abs(length), wide / 2);
  if (isHollow) {
    paint.lineWidth = 1.2;
    paint.strokeStyle = colour;
    paint.stroke();
  } else {
    paint.fillStyle = colour;
    paint.fill();
  }
}

function line(paint, x, y, width, colour) {
  paint.fillStyle = colour;
  paint.fillRect(x, y - 0.5, width, 1);
}

function size(db) {
  return Math.min(1, Math.max(0, (db - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB)));
}

function colours(element) {
  const style = getComputedStyle(element);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const [agent, user, overlap, soft] = ["agent", "caller", "overlap", "line"].map(of);
  return { agent, user, overlap, line: soft, open: soft, pause: of("caller-pale"), pending: of("agent-pale"), overlapSoft: of("overlap-pale") };
}
