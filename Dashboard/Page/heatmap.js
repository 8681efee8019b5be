// @ts-check
import { colour, make } from "./dom.js";
import { bytes, clock, count, fixed, percent } from "./format.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {{ expert: number, rank: number, tokens: number, replicas: number, x: number, y: number, w: number, h: number, isDead: boolean }} Cell */

/** How long a move is seen, in milliseconds. */
const moveShown = 6000;

/** Smallest cell that a finger or an eye finds. */
const leastCell = 9;

/** @param {string} text */
function rgb(text) {
  const hex = text.replace("#", "");
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** Experts by worker: a row for each worker, in it the experts that it has, shaded by their tokens. */
export class HeatMap {
  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} details @param {State} state */
  constructor(canvas, details, state) {
    this.canvas = canvas;
    this.details = details;
    this.state = state;
    /** @type {Cell[]} */
    this.cells = [];
    /** @type {{ expert: number, rank: number } | null} */
    this.chosen = null;
    this.isFocused = false;
    /** @type {Map<string, { at: number, from: string[] }>} */
    this.moved = new Map();
    /** @type {{ rank: number, y: number, h: number, total: number }[]} */
    this.rows = [];
    /** @type {Set<number>} */
    this.dead = new Set();
    this.known = "";
    this.view = 0;
    this.left = this.barAt = this.barRoom = 0;
    this.frame = 0;
    canvas.addEventListener("pointermove", (event) => this.choose(this.at(event)));
    canvas.addEventListener("pointerleave", () => this.isFocused || this.choose(null));
    canvas.addEventListener("click", (event) => this.choose(this.at(event)));
    canvas.addEventListener("focus", () => {
      this.isFocused = true;
      if (!this.chosen && this.cells.length > 0) this.choose(this.cells[0]);
    });
    canvas.addEventListener("blur", () => {
      this.isFocused = false;
      this.choose(null);
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Takes in what has moved since the last time. */
  update() {
    const { placement, layers } = this.state;
    if (placement) {
      const name = `${this.state.status?.name} ${placement.layer}`;
      for (const move of placement.moves) {
        const isNew = this.known === name ? move.view > this.view : Date.now() - Date.parse(move.time) < moveShown;
        if (isNew) for (const rank of move.to) this.moved.set(`${move.expert} ${rank}`, { at: Date.now(), from: move.from });
      }
      if (this.known !== name) this.chosen = null;
      this.known = name;
      this.view = placement.view;
    }
    this.dead = new Set(layers.find((layer) => layer.layer === placement?.layer)?.dead ?? []);
    this.draw();
    this.describe();
  }

  /** Where the cells are. @param {number} width */
  layout(width) {
    const { placement, load, workers } = this.state;
    this.cells = [];
    if (!placement || workers.length === 0 || placement.ranks.length === 0) return 60;
    const isNarrow = width < 520;
    const left = isNarrow ? 66 : 104;
    const right = isNarrow ? 46 : 190;
    /** @type {Cell[][]} */
    const rows = workers.map(() => []);
    const shares = new Map((load?.view === placement.view ? load.shares : []).map((share) => [share.expert, share.tokens]));
    placement.ranks.forEach((ranks, expert) => {
      ranks.forEach((rank, replica) => {
        const all = load?.tokens[expert] ?? 0;
        const tokens = ranks.length === 1 ? all : (shares.get(expert)?.[replica] ?? all / ranks.length);
        rows[rank]?.push({ expert, rank, tokens, replicas: ranks.length, x: 0, y: 0, w: 0, h: 0, isDead: this.dead.has(expert) });
      });
    });
    const room = width - left - right;
    const most = Math.max(1, ...rows.map((row) => row.length));
    const perLine = Math.min(most, Math.max(1, Math.floor(room / leastCell)));
    const lines = Math.ceil(most / perLine);
    const cell = Math.min(room / perLine, 150);
    const height = Math.max(lines > 1 ? leastCell : 11, Math.min(isNarrow ? 46 : 74, Math.floor((isNarrow ? 360 : 600) / (workers.length * lines))));
    const gap = workers.length > 16 ? 2 : 6;
    let top = 2;
    this.rows = rows.map((row, rank) => {
      row.forEach((one, index) => {
        one.x = left + (index % perLine) * cell;
        one.y = top + Math.floor(index / perLine) * height;
        one.w = cell - (cell > 14 ? 2 : 1);
        one.h = height - (height > 14 ? 2 : 1);
        this.cells.push(one);
      });
      const at = { rank, y: top, h: lines * height, total: row.reduce((sum, one) => sum + one.tokens, 0) };
      top += lines * height + gap;
      return at;
    });
    this.left = left;
    this.barAt = left + Math.min(room, perLine * cell) + (isNarrow ? 8 : 14);
    this.barRoom = Math.max(10, Math.min(right + 60, width - this.barAt - 1));
    return top;
  }

  draw() {
    const { canvas, state } = this;
    const width = canvas.clientWidth;
    // While the table is shown the map has no width, and its cells are the table's.
    const height = this.layout(width || 1000);
    if (width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.style.height = `${height}px`;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const paint = canvas.getContext("2d");
    if (!paint) return;
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint.clearRect(0, 0, width, height);
    const font = getComputedStyle(canvas).fontFamily;
    const ink = colour("--ink"), soft = colour("--soft"), mark = colour("--exchange"), faint = colour("--faint");
    const from = rgb(colour("--heat-from")), to = rgb(colour("--heat-to"));
    if (this.cells.length === 0) {
      paint.fillStyle = soft;
      paint.font = `13px ${font}`;
      paint.fillText(state.placement && state.placement.ranks.length === 0 ? "A dense layer: it has no experts." : "No placement yet.", 2, 28);
      return;
    }
    const experts = state.placement?.ranks.length ?? 1;
    const all = (state.load?.tokens ?? []).reduce((sum, tokens) => sum + tokens, 0);
    const mean = all / experts;
    const shade = (/** @type {number} */ tokens) => Math.min(1, mean > 0 ? tokens / (2 * mean) : 0);
    paint.textBaseline = "middle";

    const rows = this.rows;
    const busiest = Math.max(1, ...rows.map((row) => row.total));
    for (const row of rows) {
      const isTall = row.h >= 22;
      paint.textAlign = "left";
      paint.fillStyle = ink;
      paint.font = `${isTall ? "600 12.5px" : row.h > 12 ? "11px" : "9px"} ${font}`;
      paint.fillText(this.fit(paint, state.nameOf(row.rank), this.left - 8), 0, row.y + row.h / 2);
      const bar = this.barRoom - (this.barRoom > 100 ? 98 : 46);
      const barHeight = Math.min(8, row.h - 3);
      const middle = row.y + row.h / 2;
      if (bar > 24) {
        paint.fillStyle = faint;
        this.round(paint, this.barAt, middle - barHeight / 2, bar, barHeight, 3);
        paint.fillStyle = colour("--accent");
        this.round(paint, this.barAt, middle - barHeight / 2, (bar * row.total) / busiest, barHeight, 3);
      }
      paint.fillStyle = ink;
      paint.font = `${row.h > 12 ? "12px" : "9px"} ${font}`;
      paint.textAlign = "right";
      const share = all > 0 ? row.total / all : 0;
      paint.fillText(percent(share), this.barAt + this.barRoom - 1, middle);
      if (this.barRoom > 100) paint.fillText(count(Math.round(row.total)), this.barAt + this.barRoom - 42, middle);
    }

    for (const cell of this.cells) {
      const part = shade(cell.tokens);
      const rgbOf = from.map((value, i) => Math.round(value + (to[i] - value) * Math.pow(part, 0.85)));
      paint.fillStyle = `rgb(${rgbOf.join(",")})`;
      this.round(paint, cell.x, cell.y, cell.w, cell.h, Math.min(4, cell.h / 4));
      if (cell.isDead) this.hatch(paint, cell, soft);
      if (cell.replicas > 1) {
        const corner = Math.min(9, cell.h / 2.2, cell.w / 2.2);
        paint.fillStyle = ink;
        paint.beginPath();
        paint.moveTo(cell.x + cell.w - corner, cell.y);
        paint.lineTo(cell.x + cell.w, cell.y);
        paint.lineTo(cell.x + cell.w, cell.y + corner);
        paint.fill();
      }
      const light = (0.299 * rgbOf[0] + 0.587 * rgbOf[1] + 0.114 * rgbOf[2]) / 255;
      paint.fillStyle = light > 0.55 ? "#10151c" : "#ffffff";
      if (cell.w >= 40 && cell.h >= 30) {
        paint.textAlign = "left";
        const isLarge = cell.h >= 56 && cell.w >= 70;
        paint.font = `600 ${isLarge ? 14 : 12}px ${font}`;
        paint.fillText(String(cell.expert), cell.x + (isLarge ? 10 : 6), cell.y + cell.h / 2 - (isLarge ? 9 : 6.5));
        paint.font = `${isLarge ? 12.5 : 11}px ${font}`;
        paint.fillText(count(Math.round(cell.tokens)), cell.x + (isLarge ? 10 : 6), cell.y + cell.h / 2 + (isLarge ? 10 : 8));
      } else if (cell.w >= 20 && cell.h >= 11) {
        paint.textAlign = "center";
        paint.font = `${Math.min(11, cell.h - 2)}px ${font}`;
        paint.fillText(String(cell.expert), cell.x + cell.w / 2, cell.y + cell.h / 2 + 0.5);
      }
    }
    this.drawMoves(paint, mark);
    this.drawChosen(paint, ink);
  }

  /** @param {CanvasRenderingContext2D} paint @param {string} mark */
  drawMoves(paint, mark) {
    const now = Date.now();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const [key, move] of this.moved) {
      const age = (now - move.at) / moveShown;
      const cell = this.cells.find((one) => `${one.expert} ${one.rank}` === key);
      if (age >= 1 || !cell) {
        this.moved.delete(key);
        continue;
      }
      paint.save();
      paint.strokeStyle = mark;
      paint.globalAlpha = isStill ? 1 : Math.min(1, 1.6 * (1 - age));
      paint.lineWidth = Math.min(3, 1 + cell.h / 12);
      paint.strokeRect(cell.x + 1, cell.y + 1, cell.w - 2, cell.h - 2);
      const source = this.rows.find((row) => move.from.includes(this.state.workers[row.rank]?.silo) && row.rank !== cell.rank);
      if (source) {
        const [x0, y0, x1, y1] = [this.left - 4, source.y + source.h / 2, cell.x + 3, cell.y + cell.h / 2];
        paint.lineWidth = 1.5;
        paint.setLineDash([4, 3]);
        paint.lineDashOffset = isStill ? 0 : -(now / 40) % 7;
        paint.beginPath();
        paint.moveTo(x0, y0);
        paint.bezierCurveTo(x0 + 40, y0, x1 - 40, y1, x1, y1);
        paint.stroke();
      }
      paint.restore();
    }
    if (this.moved.size > 0 && !this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }
  }

  /** @param {CanvasRenderingContext2D} paint @param {string} ink */
  drawChosen(paint, ink) {
    const chosen = this.chosen;
    if (!chosen) return;
    for (const cell of this.cells.filter((one) => one.expert === chosen.expert)) {
      paint.strokeStyle = ink;
      paint.lineWidth = cell.rank === chosen.rank ? 2 : 1;
      paint.strokeRect(cell.x + 0.5, cell.y + 0.5, cell.w - 1, cell.h - 1);
    }
  }

  /** @param {CanvasRenderingContext2D} paint @param {Cell} cell @param {string} ink */
  hatch(paint, cell, ink) {
    paint.save();
    paint.beginPath();
    paint.rect(cell.x, cell.y, cell.w, cell.h);
    paint.clip();
    paint.strokeStyle = ink;
    paint.globalAlpha = 0.6;
    paint.lineWidth = 1;
    for (let x = cell.x - cell.h; x < cell.x + cell.w; x += 5) {
      paint.beginPath();
      paint.moveTo(x, cell.y + cell.h);
      paint.lineTo(x + cell.h, cell.y);
      paint.stroke();
    }
    paint.restore();
  }

  /** @param {CanvasRenderingContext2D} paint @param {number} x @param {number} y @param {number} w @param {number} h @param {number} r */
  round(paint, x, y, w, h, r) {
    if (w <= 0) return;
    paint.beginPath();
    paint.roundRect(x, y, w, h, Math.min(r, w / 2));
    paint.fill();
  }

  /** @param {CanvasRenderingContext2D} paint @param {string} text @param {number} room */
  fit(paint, text, room) {
    if (paint.measureText(text).width <= room) return text;
    while (text.length > 1 && paint.measureText(`${text}…`).width > room) text = text.slice(0, -1);
    return `${text}…`;
  }

  /** @param {PointerEvent | MouseEvent} event */
  at(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    return this.cells.find((cell) => x >= cell.x && x <= cell.x + cell.w + 1 && y >= cell.y && y <= cell.y + cell.h + 1) ?? null;
  }

  /** @param {Cell | null} cell */
  choose(cell) {
    if (cell?.expert === this.chosen?.expert && cell?.rank === this.chosen?.rank) return;
    this.chosen = cell && { expert: cell.expert, rank: cell.rank };
    this.draw();
    this.describe();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const index = this.cells.findIndex((cell) => cell.expert === this.chosen?.expert && cell.rank === this.chosen?.rank);
    const here = this.cells[index];
    let next = null;
    if (event.key === "ArrowRight") next = this.cells[index + 1];
    else if (event.key === "ArrowLeft") next = this.cells[index - 1];
    else if (event.key === "Home") next = this.cells[0];
    else if (event.key === "End") next = this.cells[this.cells.length - 1];
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const rank = (here?.rank ?? 0) + (event.key === "ArrowDown" ? 1 : -1);
      const row = this.cells.filter((cell) => cell.rank === rank);
      next = row.reduce((best, cell) => (best === null || Math.abs(cell.x - (here?.x ?? 0)) < Math.abs(best.x - (here?.x ?? 0)) ? cell : best), /** @type {Cell | null} */ (null));
    } else if (event.key === "Escape") this.choose(null);
    else return;
    event.preventDefault();
    if (next) this.choose(next);
  }

  /** Says what there is to say of the chosen expert. */
  describe() {
    const { state, chosen, details } = this;
    const { placement, load, run } = state;
    const workers = state.workers.length;
    this.canvas.setAttribute(
      "aria-label",
      placement && load ? `Layer ${placement.layer}: ${placement.ranks.length} experts on ${workers} workers, steps ${load.from} to ${load.to}. Use the arrow keys.` : "Expert load",
    );
    const cell = chosen && this.cells.find((one) => one.expert === chosen.expert && one.rank === chosen.rank);
    if (!cell || !placement) {
      if (this.chosen === null) details.replaceChildren("Point at an expert, or focus the map and use the arrow keys.");
      return;
    }
    const all = (load?.tokens ?? []).reduce((sum, tokens) => sum + tokens, 0);
    const mean = all / placement.ranks.length;
    const whole = load?.tokens[cell.expert] ?? 0;
    const worker = state.workers[cell.rank];
    const others = placement.ranks[cell.expert].filter((rank) => rank !== cell.rank).map((rank) => state.nameOf(rank));
    const move = placement.moves.find((one) => one.expert === cell.expert);
    details.replaceChildren(
      make("b", {}, `Expert ${cell.expert}`),
      ` on ${state.nameOf(cell.rank)}, rank ${cell.rank}, device ${worker?.index ?? 0}: `,
      make("b", {}, `${count(Math.round(cell.tokens))} tokens`),
      load ? ` in steps ${load.from} to ${load.to}` : "",
      others.length > 0 ? ` of the ${count(whole)} of all its replicas, as the rule shares them out` : "",
      mean > 0 ? `, ${fixed(whole / mean, 2)} times the mean expert` : "",
      cell.isDead ? ", chosen by no token" : "",
      others.length > 0 ? `. Also on ${others.join(", ")}` : "",
      `. ${bytes(run?.shardBytes)} with moments, view ${placement.view}`,
      move ? `. Came from ${move.from.join(", ")} after step ${count(move.step)}, ${clock(move.time)}.` : ". It has not moved while this was watched.",
    );
  }

  /** The map as a table. */
  table() {
    const { state } = this;
    const body = make("tbody");
    for (const row of this.rows) {
      const cells = this.cells.filter((cell) => cell.rank === row.rank);
      body.append(
        make(
          "tr",
          {},
          make("th", { scope: "row" }, state.nameOf(row.rank)),
          make("td", {}, count(Math.round(row.total))),
          ...cells.map((cell) => make("td", {}, `${cell.expert}: ${count(Math.round(cell.tokens))}${cell.replicas > 1 ? " (replica)" : ""}`)),
        ),
      );
    }
    const most = Math.max(1, ...this.rows.map((row) => this.cells.filter((cell) => cell.rank === row.rank).length));
    return make(
      "table",
      {},
      make("caption", { class: "hidden" }, `Tokens of each expert, by worker, in layer ${state.placement?.layer ?? 0}`),
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Worker"), make("th", { scope: "col" }, "All"), make("th", { scope: "col", colspan: most }, "Expert: tokens"))),
      body,
    );
  }
}

/** The shades of the legend. @param {HTMLCanvasElement} canvas */
export function drawScale(canvas) {
  const paint = canvas.getContext("2d");
  if (!paint) return;
  const from = rgb(colour("--heat-from")), to = rgb(colour("--heat-to"));
  for (let x = 0; x < canvas.width; x++) {
    const part = Math.pow(x / canvas.width, 0.85);
    paint.fillStyle = `rgb(${from.map((value, i) => Math.round(value + (to[i] - value) * part)).join(",")})`;
    paint.fillRect(x, 0, 1, canvas.height);
  }
}
