// @ts-check
import { bar, make } from "./dom.js";
import { bytes, clock, count, percent, rate } from "./format.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./state.js").Worker} Worker */

/** The silos, and what their workers do for the model. @param {HTMLElement} table @param {State} state */
export function showSilos(table, state) {
  const body = /** @type {HTMLElement} */ (table.querySelector("tbody"));
  const rows = [];
  for (const silo of state.cluster.silos) {
    const workers = state.workers.filter((worker) => worker.address === silo.address);
    const word = state.stateOf(silo);
    const head = (/** @type {Worker | null} */ worker) => [
      make("th", { scope: "row", title: silo.address }, workers.length > 1 && worker ? `${silo.name}/${worker.index}` : silo.name),
      make("td", { class: "state-cell" }, make("span", { class: `state ${word}` }, word)),
    ];
    if (workers.length === 0) rows.push(make("tr", {}, ...head(null), make("td", { class: "wide none", colspan: 6 }, silo.state === "dead" ? `since ${clock(silo.since)}` : "")));
    for (const worker of workers) rows.push(make("tr", {}, ...head(worker), ...cellsOf(worker, state)));
  }
  if (rows.length === 0) rows.push(make("tr", {}, make("td", { colspan: 8, class: "empty" }, "No silo is known yet.")));
  body.replaceChildren(...rows);
}

/** @param {Worker} worker @param {State} state */
function cellsOf(worker, state) {
  const time = worker.time;
  const memory = make("span", { class: "memory" }, bar(worker.budget > 0 ? worker.used / worker.budget : 0), make("span", {}, `${bytes(worker.used)} of ${bytes(worker.budget)}`));
  return [
    make("td", { "data-label": "device" }, `${state.status?.device || "device"} ${worker.index}`),
    make("td", { class: "wide" }, memory),
    make("td", { class: "number", "data-label": "experts" }, count(worker.shards)),
    make("td", { class: "number", "data-label": "of the load" }, percent(worker.share, 1)),
    make("td", { class: "number", "data-label": "expert tokens/s" }, rate(worker.tokensPerSecond)),
    make("td", { class: "wide" }, time ? timeOf(time) : "–"),
  ];
}

/** @param {{ compute: number, exchange: number, waiting: number }} time */
function timeOf(time) {
  const parts = make("span", { class: "parts", "aria-hidden": "true" });
  for (const [kind, share] of Object.entries(time)) {
    const part = make("span", { class: kind });
    part.style.width = `${share * 100}%`;
    parts.append(part);
  }
  const said = (/** @type {string} */ name, /** @type {number} */ share) => make("span", { class: `mark ${name}` }, make("span", { class: "hidden" }, `${name} `), percent(share));
  return make("span", { class: "time" }, parts, make("span", { class: "words" }, said("compute", time.compute), said("exchange", time.exchange), said("waiting", time.waiting)));
}
