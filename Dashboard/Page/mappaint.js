// @ts-check
import { colour } from "./dom.js";
import { count, percent } from "./format.js";

/** @typedef {import("./heatmap.js").HeatMap} HeatMap */
/** @typedef {import("./heatmap.js").Cell} Cell */
/** @typedef {import("./heatmap.js").Row} Row */

/** How long a move is seen, in milliseconds. */
export const moveShown = 6000;

/** Above the rows, for what their columns are. */
export const headRoom = 20;

/** Shades of the scale: an eye tells no more apart. */
const shades = 48;

/** @param {string} text */
function rgb(text) {
  const hex = text.replace("#", "");
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** The shades from none to twice the mean, each with the ink that can be read on it. */
function scaleOf() {
  const from = rgb(colour("--heat-from"));
  const to = rgb(colour("--heat-to"));
  return Array.from({ length: shades + 1 }, (_, step) => {
    const mixed = from.map((value, i) => Math.round(value + (to[i] - value) * Math.pow(step / shades, 0.85)));
    const light = (0.299 * mixed[0] + 0.587 * mixed[1] + 0.114 * mixed[2]) / 255;
    return { fill: `rgb(${mixed.join(",")})`, ink: light > 0.55 ? "#10151c" : "#ffffff" };
  });
}

/** Draws a heat map once. */
export class MapPainter {
  /** @param {CanvasRenderingContext2D} paint @param {HeatMap} map */
  constructor(paint, map) {
    this.ctx = paint;
    this.map = map;
    this.font = getComputedStyle(map.canvas).fontFamily;
    this.ink = colour("--ink");
    this.soft = colour("--soft");
    const all = (map.state.load?.tokens ?? []).reduce((sum, tokens) => sum + tokens, 0);
    this.all = all;
    this.mean = all / (map.state.placement?.ranks.length || 1);
  }

  paint() {
    const { ctx, map } = this;
    if (map.cells.length === 0) {
      ctx.fillStyle = this.soft;
      ctx.font = `13px ${this.font}`;
      ctx.fillText(map.state.placement?.ranks.length === 0 ? "A dense layer: it has no experts." : "No placement yet.", 2, 28);
      return;
    }
    ctx.textBaseline = "middle";
    this.paintHead();
    this.paintRows();
    this.paintCells();
    this.paintMoves();
    this.paintChosen();
  }

  /** What the columns are. */
  paintHead() {
    const { ctx, map } = this;
    const { left, barAt, barRoom } = map;
    const middle = headRoom / 2 - 2;
    ctx.fillStyle = this.soft;
    ctx.font = `11px ${this.font}`;
    ctx.textAlign = "left";
    ctx.fillText("Worker", 0, middle);
    const figures = map.cells.some((cell) => cell.w >= 40 && cell.h >= 30);
    ctx.fillText(this.fit(figures ? "Expert, and its tokens" : "Experts", barAt - left - 4), left, middle);
    ctx.textAlign = "right";
    ctx.fillText("Share", barAt + barRoom - 1, middle);
    if (barRoom > 100) ctx.fillText("Tokens", barAt + barRoom - 42, middle);
  }

  /** Names of workers, and what their experts took together. */
  paintRows() {
    const { ctx, map } = this;
    const { barAt, barRoom } = map;
    const busiest = Math.max(1, ...map.rows.map((row) => row.total));
    const faint = colour("--faint");
    const accent = colour("--accent");
    for (const row of map.rows) {
      const middle = row.y + row.h / 2;
      ctx.textAlign = "left";
      ctx.fillStyle = this.ink;
      ctx.font = `${row.h >= 22 ? "600 12.5px" : row.h > 12 ? "11px" : "9px"} ${this.font}`;
      ctx.fillText(this.fit(map.state.nameOf(row.rank), map.left - 8), 0, middle);
      const bar = barRoom - (barRoom > 100 ? 98 : 46);
      const height = Math.min(8, row.h - 3);
      if (bar > 24) {
        ctx.fillStyle = faint;
        this.fill(barAt, middle - height / 2, bar, height, 3);
        ctx.fillStyle = accent;
        this.fill(barAt, middle - height / 2, (bar * row.total) / busiest, height, 3);
      }
      ctx.fillStyle = this.ink;
      ctx.font = `${row.h > 12 ? "12px" : "9px"} ${this.font}`;
      ctx.textAlign = "right";
      ctx.fillText(percent(this.all > 0 ? row.total / this.all : 0), barAt + barRoom - 1, middle);
      if (barRoom > 100) ctx.fillText(count(Math.round(row.total)), barAt + barRoom - 42, middle);
    }
  }

  paintCells() {
    const { ctx, map } = this;
    const scale = scaleOf();
    for (const cell of map.cells) {
      const part = this.mean > 0 ? Math.min(1, cell.tokens / (2 * this.mean)) : 0;
      const shade = scale[Math.round(part * shades)];
      ctx.fillStyle = shade.fill;
      this.fill(cell.x, cell.y, cell.w, cell.h, Math.min(4, cell.h / 4));
      if (cell.isDead) this.hatch(cell);
      if (cell.replicas > 1) this.corner(cell);
      if (cell.w >= 20 && cell.h >= 11) this.write(cell, shade.ink);
    }
  }

  /** @param {Cell} cell @param {string} ink */
  write(cell, ink) {
    const { ctx } = this;
    ctx.fillStyle = ink;
    if (cell.w >= 40 && cell.h >= 30) {
      const isLarge = cell.h >= 56 && cell.w >= 70;
      const [x, middle] = [cell.x + (isLarge ? 10 : 6), cell.y + cell.h / 2];
      ctx.textAlign = "left";
      ctx.font = `600 ${isLarge ? 14 : 12}px ${this.font}`;
      ctx.fillText(String(cell.expert), x, middle - (isLarge ? 9 : 6.5));
      ctx.font = `${isLarge ? 12.5 : 11}px ${this.font}`;
      ctx.fillText(count(Math.round(cell.tokens)), x, middle + (isLarge ? 10 : 8));
    } else {
      ctx.textAlign = "center";
      ctx.font = `${Math.min(11, cell.h - 2)}px ${this.font}`;
      ctx.fillText(String(cell.expert), cell.x + cell.w / 2, cell.y + cell.h / 2 + 0.5);
    }
  }

  /** What has just come, and where from. */
  paintMoves() {
    const { ctx, map } = this;
    if (map.moved.size === 0) return;
    const now = Date.now();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const cells = new Map(map.cells.map((cell) => [`${cell.expert} ${cell.rank}`, cell]));
    const mark = colour("--exchange");
    for (const [key, move] of map.moved) {
      const age = (now - move.at) / moveShown;
      const cell = cells.get(key);
      if (age >= 1 || !cell) {
        map.moved.delete(key);
        continue;
      }
      ctx.save();
      ctx.strokeStyle = mark;
      ctx.globalAlpha = isStill ? 1 : Math.min(1, 1.6 * (1 - age));
      ctx.lineWidth = Math.min(3, 1 + cell.h / 12);
      ctx.strokeRect(cell.x + 1, cell.y + 1, cell.w - 2, cell.h - 2);
      const source = map.rows.find((row) => move.from.includes(map.state.workers[row.rank]?.silo) && row.rank !== cell.rank);
      if (source) this.arrow(source, cell, isStill ? 0 : -(now / 40) % 7);
      ctx.restore();
    }
  }

  /** @param {Row} source @param {Cell} cell @param {number} offset */
  arrow(source, cell, offset) {
    const { ctx, map } = this;
    // From the end of the row that it left, where no cell is, to the edge of its cell that is next.
    const end = map.cells.reduce((most, one) => (one.rank === source.rank ? Math.max(most, one.x + one.w) : most), map.left);
    const [x0, y0] = [Math.min(end + 12, map.barAt - 5), source.y + source.h / 2];
    const [x1, y1] = [cell.x + cell.w / 2, source.y < cell.y ? cell.y : cell.y + cell.h];
    ctx.lineWidth = 1.5;
    ctx.fillStyle = ctx.strokeStyle;
    ctx.beginPath();
    ctx.arc(x0, y0, 3, 0, 2 * Math.PI);
    ctx.fill();
    ctx.setLineDash([4, 3]);
    ctx.lineDashOffset = offset;
    ctx.beginPath();
    ctx.moveTo(x0, y0);
    ctx.quadraticCurveTo(x0, y1, x1, y1);
    ctx.stroke();
  }

  paintChosen() {
    const { ctx, map } = this;
    const { chosen } = map;
    if (!chosen) return;
    ctx.strokeStyle = this.ink;
    for (const cell of map.cells.filter((one) => one.expert === chosen.expert)) {
      ctx.lineWidth = cell.rank === chosen.rank ? 2 : 1;
      ctx.strokeRect(cell.x + 0.5, cell.y + 0.5, cell.w - 1, cell.h - 1);
    }
  }

  /** A corner marks an expert with replicas. @param {Cell} cell */
  corner(cell) {
    const { ctx } = this;
    const size = Math.min(9, cell.h / 2.2, cell.w / 2.2);
    ctx.fillStyle = this.ink;
    ctx.beginPath();
    ctx.moveTo(cell.x + cell.w - size, cell.y);
    ctx.lineTo(cell.x + cell.w, cell.y);
    ctx.lineTo(cell.x + cell.w, cell.y + size);
    ctx.fill();
  }

  /** @param {Cell} cell */
  hatch(cell) {
    const { ctx } = this;
    ctx.save();
    ctx.beginPath();
    ctx.rect(cell.x, cell.y, cell.w, cell.h);
    ctx.clip();
    ctx.strokeStyle = this.soft;
    ctx.globalAlpha = 0.6;
    ctx.lineWidth = 1;
    ctx.beginPath();
    for (let x = cell.x - cell.h; x < cell.x + cell.w; x += 5) {
      ctx.moveTo(x, cell.y + cell.h);
      ctx.lineTo(x + cell.h, cell.y);
    }
    ctx.stroke();
    ctx.restore();
  }

  /** Fills a rectangle; of small ones nobody sees round corners. @param {number} x @param {number} y @param {number} w @param {number} h @param {number} r */
  fill(x, y, w, h, r) {
    if (w <= 0) return;
    if (h < 12 && w < 24) {
      this.ctx.fillRect(x, y, w, h);
      return;
    }
    this.ctx.beginPath();
    this.ctx.roundRect(x, y, w, h, Math.min(r, w / 2));
    this.ctx.fill();
  }

  /** @param {string} text @param {number} room */
  fit(text, room) {
    if (this.ctx.measureText(text).width <= room) return text;
    while (text.length > 1 && this.ctx.measureText(`${text}…`).width > room) text = text.slice(0, -1);
    return `${text}…`;
  }
}

/** The shades of the legend. @param {HTMLCanvasElement} canvas */
export function drawScale(canvas) {
  const paint = canvas.getContext("2d");
  if (!paint) return;
  const scale = scaleOf();
  for (let x = 0; x < canvas.width; x++) {
    paint.fillStyle = scale[Math.round((x / canvas.width) * shades)].fill;
    paint.fillRect(x, 0, 1, canvas.height);
  }
}
