// @ts-check
import { colour, make } from "./dom.js";
import { clock, fixed, rate, traffic } from "./format.js";

/** @typedef {import("./state.js").State} State */

const uPlot = /** @type {any} */ (window).uPlot;

/** @type {{ title: string, unit: string, columns: string[], text: (value: number | null) => string, fromZero: boolean }[]} */
const kinds = [
  { title: "Loss", unit: "cross-entropy, nats per token", columns: ["loss"], text: (value) => fixed(value, 3), fromZero: false },
  { title: "Throughput", unit: "tokens/s", columns: ["tokensPerSecond"], text: rate, fromZero: true },
  { title: "Balance", unit: "mean of layers, and worst", columns: ["balance", "worstBalance"], text: (value) => fixed(value, 2), fromZero: false },
  { title: "Exchange", unit: "rows between workers", columns: ["exchangeBytesPerSecond"], text: traffic, fromZero: true },
];

const spans = [
  { name: "5 min", seconds: 300 },
  { name: "1 h", seconds: 3600 },
  { name: "all", seconds: Infinity },
];

/** Each kind has a line of its own: a failure and what makes up for it are seconds apart. */
const marks = /** @type {Record<string, { glyph: string, colour: string, line: number }>} */ ({
  decision: { glyph: "▼", colour: "--accent", line: 0 },
  failure: { glyph: "✕", colour: "--bad", line: 1 },
  recovery: { glyph: "▲", colour: "--good", line: 2 },
  other: { glyph: "◆", colour: "--soft", line: 3 },
});

/** Figures over time, with what happened on the same time line. */
export class Charts {
  /** @param {HTMLElement} place @param {HTMLElement} choice @param {State} state */
  constructor(place, choice, state) {
    this.place = place;
    this.state = state;
    this.span = spans[1];
    this.from = 0;
    /** @type {{ plot: any, value: HTMLElement, figure: HTMLElement, kind: typeof kinds[number] }[]} */
    this.charts = [];
    for (const span of spans) {
      const button = make("button", { type: "button", "aria-pressed": String(span === this.span) }, span.name);
      button.addEventListener("click", () => {
        this.span = span;
        for (const other of choice.children) other.setAttribute("aria-pressed", String(other === button));
        this.update();
      });
      choice.append(button);
    }
    this.build();
    new ResizeObserver(() => this.resize()).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.build());
  }

  build() {
    for (const chart of this.charts) chart.plot.destroy();
    const sync = uPlot.sync("course");
    this.place.replaceChildren();
    this.charts = kinds.map((kind) => {
      const value = make("span", { class: "value" });
      const figure = make(
        "figure",
        { role: "group", "aria-label": kind.title },
        make("figcaption", {}, make("span", {}, kind.title), make("span", { class: "unit" }, kind.unit), value),
      );
      const body = make("div", { "aria-hidden": "true" });
      figure.append(body);
      this.place.append(figure);
      const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: `11px ${getComputedStyle(this.place).fontFamily}` };
      const plot = new uPlot(
        {
          width: Math.max(200, body.clientWidth),
          height: 150,
          legend: { show: false },
          cursor: { sync: { key: sync.key }, y: false, points: { size: 6 }, drag: { x: false, y: false } },
          scales: {
            x: { time: true },
            y: {
              range: (/** @type {any} */ _, /** @type {number} */ least, /** @type {number} */ most) => {
                if (least === null || most === null) return [0, 1];
                const low = kind.fromZero ? 0 : least;
                const room = Math.max((most - low) * 0.08, Math.abs(most) * 0.01, 1e-6);
                return [kind.fromZero ? 0 : low - room, most + room];
              },
            },
          },
          axes: [
            { ...axis, size: 26, space: 70, values: (/** @type {any} */ _, /** @type {number[]} */ times) => times.map((time) => this.timeOf(time)) },
            {
              ...axis,
              size: 52,
              space: 34,
              values: (/** @type {any} */ _, /** @type {number[]} */ ticks) =>
                ticks.map((tick) => (kind.columns[0] === "exchangeBytesPerSecond" ? traffic(tick).replace("/s", "") : tick >= 1e3 ? rate(tick) : String(+tick.toPrecision(4)))),
            },
          ],
          series: [
            {},
            ...kind.columns.map((_, index) => ({
              stroke: colour(index === 0 ? "--accent" : "--series-2"),
              width: index === 0 ? 1.6 : 1.2,
              dash: index === 0 ? undefined : [4, 3],
              spanGaps: true,
              points: { show: false },
            })),
          ],
          hooks: {
            draw: [(/** @type {any} */ plot) => this.drawMarks(plot)],
            setCursor: [(/** @type {any} */ plot) => this.showValue(kind, value, plot.cursor.idx)],
          },
        },
        [[], ...kind.columns.map(() => [])],
        body,
      );
      return { plot, value, figure, kind };
    });
    this.update();
  }

  /** @param {number} seconds */
  timeOf(seconds) {
    const at = new Date(seconds * 1000);
    const parts = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0"));
    return (parts[2] === "00" ? parts.slice(0, 2) : parts).join(":");
  }

  resize() {
    for (const { plot, figure } of this.charts) {
      const width = figure.clientWidth;
      if (width > 0 && Math.abs(plot.width - width) > 1) plot.setSize({ width, height: 150 });
    }
  }

  update() {
    const times = this.state.series.time ?? [];
    const last = times.length > 0 ? (times[times.length - 1] ?? 0) : 0;
    let from = 0;
    while (from < times.length && (times[from] ?? 0) < last - this.span.seconds) from++;
    this.from = from;
    for (const { plot, value, kind } of this.charts) {
      plot.setData([times.slice(from), ...kind.columns.map((column) => (this.state.series[column] ?? []).slice(from))]);
      this.showValue(kind, value, plot.cursor.idx);
    }
    this.resize();
  }

  /** @param {typeof kinds[number]} kind @param {HTMLElement} place @param {number | null | undefined} index */
  showValue(kind, place, index) {
    // Of the second that is pointed at: what is now stands above, and is of the last step.
    const at = typeof index === "number" ? this.from + index : -1;
    const texts = kind.columns.map((column) => kind.text(this.state.series[column]?.[at] ?? null));
    const time = this.state.series.time?.[at];
    const text = typeof time === "number" ? `${clock(new Date(time * 1000).toISOString())}: ${texts.join(" · ")}` : "";
    if (place.textContent !== text) place.textContent = text;
  }

  /** What happened, as marks on the time line. @param {any} plot */
  drawMarks(plot) {
    const { ctx, bbox } = plot;
    const ratio = window.devicePixelRatio || 1;
    const happened = [
      ...this.state.newestDecisions.filter((decision) => decision.time).map((decision) => ({ time: Date.parse(decision.time ?? "") / 1000, kind: "decision" })),
      ...this.state.newestNotes
        .filter((note) => note.kind !== "placement")
        .map((note) => ({ time: Date.parse(note.time) / 1000, kind: note.kind === "failure" || note.kind === "recovery" ? note.kind : "other" })),
    ];
    ctx.save();
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    ctx.font = `${8 * ratio}px sans-serif`;
    for (const { time, kind } of happened) {
      const x = plot.valToPos(time, "x", true);
      if (!(x >= bbox.left && x <= bbox.left + bbox.width)) continue;
      ctx.fillStyle = colour(marks[kind].colour);
      ctx.globalAlpha = kind === "other" ? 0.25 : 0.45;
      ctx.fillRect(Math.round(x), bbox.top, ratio, bbox.height);
      ctx.globalAlpha = 1;
      ctx.fillText(marks[kind].glyph, x, bbox.top + marks[kind].line * 10 * ratio);
    }
    ctx.restore();
  }
}
