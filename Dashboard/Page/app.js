// @ts-check
import { Charts } from "./charts.js";
import { Actions } from "./control/actions.js";
import { Session } from "./control/session.js";
import { showDirector } from "./director.js";
import { find, make } from "./dom.js";
import { count, fixed, percent, rate, traffic } from "./format.js";
import { HeatMap } from "./heatmap.js";
import { Layers, travels } from "./layers.js";
import { drawScale } from "./mappaint.js";
import { showNotes } from "./notes.js";
import { showRun } from "./run.js";
import { showSilos } from "./silos.js";
import { State } from "./state.js";
import { Stream } from "./stream.js";

const state = new State();
const asked = new URLSearchParams(location.hash.slice(1));
let model = asked.get("model");
let layer = Number(asked.get("layer") ?? 0);
let isTable = false;
/** The names that the list shows, and the chosen one. */
let modelsShown = "";
/** The model that is looked at, once it has been there: one that was asked for may be about to come. */
let known = "";

const select = /** @type {HTMLSelectElement} */ (find("model"));
const map = new HeatMap(/** @type {HTMLCanvasElement} */ (find("map")), find("cell"), state);
const layers = new Layers(find("layers"), state, (chosen) => look(model, chosen));
const charts = new Charts(find("charts"), find("span"), state);
const actions = new Actions(state, new Session(), () => map.chosen);
/** @type {Set<string>} */
let changed = new Set();
let frame = 0;

const stream = new Stream(
  (isSnapshot, message) => {
    for (const part of state.take(isSnapshot, message)) changed.add(part);
    frame ||= requestAnimationFrame(show);
  },
  (isLive) => {
    find("link").textContent = isLive ? "" : "not connected, trying again";
  },
);

/** Looks at a model and a layer. @param {string | null} name @param {number} of */
function look(name, of) {
  model = name;
  layer = of;
  const hash = new URLSearchParams();
  if (model !== null) hash.set("model", model);
  hash.set("layer", String(layer));
  history.replaceState(null, "", `#${hash}`);
  stream.open(model, layer);
}

function show() {
  frame = 0;
  const parts = changed;
  changed = new Set();
  const has = (/** @type {string[]} */ ...names) => names.some((name) => parts.has(name));
  if (has("models")) showModels();
  if (has("cluster", "status", "workers")) {
    showState();
    showSilos(find("silos"), state);
    actions.update();
  }
  if (has("status", "layers", "series")) showFigures();
  if (has("layers")) layers.update(layer);
  if (has("placement", "load", "workers", "layers")) {
    map.update();
    if (isTable) find("load-table").replaceChildren(map.table());
  }
  if (has("status", "load", "layers")) {
    const window = state.load;
    const shown = state.layers.find((one) => one.layer === window?.layer);
    find("load-caption").textContent = window
      ? `layer ${window.layer}, steps ${count(window.from)} to ${count(window.to)}${shown && shown.experts > 0 ? `; ${travels(shown)}` : ""}`
      : "";
  }
  if (has("series", "decisions", "notes")) charts.update();
  if (has("decisions", "status")) showDirector(find("decisions"), find("director-caption"), state, has("decisions"));
  if (has("notes")) showNotes(find("notes"), state);
  if (has("status", "run", "notes")) showRun(find("run"), find("configuration"), state);
}

function showModels() {
  const names = state.models.map((one) => one.name);
  const shown = JSON.stringify([names, model]);
  if (shown === modelsShown) return;
  modelsShown = shown;
  const isThere = model !== null && names.includes(model);
  if (isThere) known = model ?? "";
  else if (model === null ? names.length > 0 : model === known) look(names[0] ?? null, 0);
  const others = names.map((name) => make("option", { value: name, selected: name === model }, name));
  select.disabled = names.length === 0;
  select.replaceChildren(...(model === null || !names.includes(model) ? [make("option", { value: "", selected: true }, model ?? "no model yet")] : []), ...others);
}

function showState() {
  const { status, cluster } = state;
  const word = !status ? "waiting for a model" : status.problem ? "not answering" : status.view === 0 ? "no open view" : state.isTraining ? "training" : "idle";
  const place = find("phase");
  place.className = `state ${word === "training" ? "training" : word === "not answering" ? "lost" : ""}`;
  place.textContent = word;
  const problem = cluster.problem ?? status?.problem ?? null;
  find("problem").hidden = problem === null;
  find("problem").textContent = problem ?? "";
  document.title = status ? `${status.name} – MoEActors` : "MoEActors";
}

function showFigures() {
  const { status, series } = state;
  const newest = status?.newest;
  const last = (/** @type {string} */ name) => series[name]?.findLast((value) => value !== null) ?? null;
  const ratios = state.layers.filter((one) => one.experts > 0).map((one) => one.ratio ?? one.windowRatio);
  const known = /** @type {number[]} */ (ratios.filter((ratio) => ratio !== null));
  const dropped = newest && newest.chosenTokens > 0 ? newest.droppedTokens / newest.chosenTokens : null;
  const dead = state.layers.reduce((sum, one) => sum + one.deadExperts, 0);
  const exchange = last("exchangeBytesPerSecond");
  /** @type {[string, string, string][]} */
  const figures = [
    ["Step", count(status?.step), ""],
    ["Loss", fixed(newest?.crossEntropy, 3), "nats"],
    ["Throughput", rate(newest ? newest.tokens / newest.seconds : null), "tokens/s"],
    ["Balance", known.length > 0 ? fixed(known.reduce((sum, one) => sum + one, 0) / known.length, 2) : "–", known.length > 0 ? `worst ${fixed(Math.max(...known), 2)}` : ""],
    ["Exchange", ...(exchange === null ? /** @type {[string, string]} */ (["–", ""]) : /** @type {[string, string]} */ (traffic(exchange).split(" ")))],
    ["Dropped", percent(dropped, 1), ""],
    ["Dead experts", count(state.layers.length > 0 ? dead : null), ""],
  ];
  find("figures").replaceChildren(...figures.map(([name, value, unit]) => make("div", {}, make("dt", {}, name), make("dd", {}, value, unit ? make("small", {}, unit) : null))));
}

select.addEventListener("change", () => look(select.value, 0));
find("as-table").addEventListener("click", () => {
  isTable = !isTable;
  find("as-table").setAttribute("aria-pressed", String(isTable));
  find("load-table").hidden = !isTable;
  find("map").hidden = isTable;
  find("load-table").replaceChildren(map.table());
  map.draw();
});
const scale = /** @type {HTMLCanvasElement} */ (find("scale"));
drawScale(scale);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawScale(scale));

// Whether a model trains is a question of time: it stops without a message.
setInterval(() => {
  changed.add("cluster");
  frame ||= requestAnimationFrame(show);
}, 2000);
showFigures();
look(model, layer);
