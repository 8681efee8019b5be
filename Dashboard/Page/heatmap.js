// @ts-check
import { make } from "./dom.js";
import { bytes, clock, count, fixed } from "./format.js";
import { headRoom, MapPainter, moveShown } from "./mappaint.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {{ expert: number, rank: number, tokens: number, replica: number, replicas: number, x: number, y: number, w: number, h: number, isDead: boolean }} Cell */
/** @typedef {{ rank: number, y: number, h: number, total: number }} Row */

/** Smallest cell that a finger or an eye finds. */
const leastCell = 9;

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
    /** @type {Row[]} */
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
        rows[rank]?.push({ expert, rank, tokens, replica, replicas: ranks.length, x: 0, y: 0, w: 0, h: 0, isDead: this.dead.has(expert) });
      });
    });
    const room = width - left - right;
    const most = Math.max(1, ...rows.map((row) => row.length));
    const perLine = Math.min(most, Math.max(1, Math.floor(room / leastCell)));
    const lines = Math.ceil(most / perLine);
    const cell = Math.min(room / perLine, 150);
    const height = Math.max(lines > 1 ? leastCell : 11, Math.min(isNarrow ? 46 : 74, Math.floor((isNarrow ? 360 : 600) / (workers.length * lines))));
    const gap = workers.length > 16 ? 2 : 6;
    let top = headRoom;
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
    const { canvas } = this;
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
    new MapPainter(paint, this).paint();
    if (this.moved.size > 0) this.frame ||= requestAnimationFrame(() => this.drawAgain());
  }

  /** While a move is seen, the map is drawn anew, as often as the screen is. */
  drawAgain() {
    this.frame = 0;
    this.draw();
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
      placement && load
        ? `Layer ${placement.layer}: ${placement.ranks.length} experts on ${workers} workers, steps ${load.from} to ${load.to}. Use the arrow keys.`
        : "Expert load",
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
      ` on ${state.nameOf(cell.rank)}, rank ${cell.rank}, device ${worker?.index ?? 0}, shard ${placement.layer}/${cell.expert}/${cell.replica} at version ${count(state.status?.step)}: `,
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
