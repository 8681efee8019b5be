// @ts-check
import { make } from "./dom.js";
import { bytes, clock, count, duration, fixed, percent } from "./format.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./state.js").Decision} Decision */
/** @typedef {import("./state.js").LayerDecision} LayerDecision */

/** Decisions shown; the others are in the API. */
const most = 30;

/** What the director did, and why. @param {HTMLElement} list @param {HTMLElement} caption @param {State} state @param {boolean} isNew Whether there are other decisions. */
export function showDirector(list, caption, state, isNew) {
  const settings = state.status?.director;
  const error = state.status?.predictionError;
  caption.textContent = settings
    ? `${settings.paused ? "paused; " : ""}${settings.policy}, plans every ${settings.every} steps above ${fixed(settings.trigger, 2)}${typeof error === "number" ? `; predictions off by ${percent(error)}` : ""}`
    : state.status
      ? "off: experts stay where they are"
      : "";
  if (!isNew && list.childElementCount > 0) return;
  const decisions = state.newestDecisions.slice(0, most);
  list.replaceChildren(
    ...(decisions.length > 0
      ? decisions.map((decision) => show(decision, state))
      : [make("li", { class: "empty" }, settings ? "No decision yet: the load is level enough." : "No decisions.")]),
  );
}

/** @param {Decision} decision @param {State} state */
function show(decision, state) {
  const word = { applying: "is being applied", applied: "in force", abandoned: "abandoned" }[decision.state] ?? decision.state;
  const kind = { applying: "joining", applied: "training", abandoned: "lost" }[decision.state] ?? "";
  return make(
    "li",
    {},
    make(
      "div",
      { class: "head" },
      make("b", {}, `Decision ${decision.number}`),
      make("span", { class: `state ${kind}` }, word),
      make("span", { class: "when" }, clock(decision.time)),
    ),
    make("p", { class: "steps" }, stepsOf(decision)),
    decision.failure ? make("p", { class: "why" }, decision.failure) : null,
    ...decision.layers.flatMap((layer) => ofLayer(layer, state)),
    decision.shardsMoved > 0
      ? make(
          "p",
          { class: "moves" },
          `${bytes(decision.bytesMoved)} of ${count(decision.shardsMoved)} ${decision.shardsMoved === 1 ? "expert" : "experts"} copied in ${duration(decision.copySeconds)} beside steps, which waited ${duration(decision.waitSeconds)}`,
        )
      : null,
  );
}

/** When it was made, and when it was in force: steps go on while experts are copied. @param {Decision} decision */
function stepsOf(decision) {
  const made = `Decided after step ${count(decision.step)}`;
  if (decision.concludedAt === 0) return `${made}.`;
  return `${made}, ${decision.state === "abandoned" ? "abandoned" : "in force"} after step ${count(decision.concludedAt)}.`;
}

/** @param {LayerDecision} layer @param {State} state */
function ofLayer(layer, state) {
  const cell = (/** @type {string} */ text, /** @type {string} */ kind = "") => make("span", { class: kind }, text);
  const arrivals = layer.arrivals.map((arrival) => `${arrival.expert}: ${state.nameOf(arrival.from)} → ${state.nameOf(arrival.to)}`);
  const shown = arrivals.slice(0, 6).join(", ") + (arrivals.length > 6 ? ` and ${arrivals.length - 6} more` : "");
  return [
    make("p", { class: "why" }, layer.reason),
    make(
      "div",
      { class: "effect" },
      cell(`layer ${layer.layer}`, "key label"),
      cell("before", "key"),
      cell("predicted", "key"),
      cell("measured", "key"),
      cell("balance", "label"),
      cell(fixed(layer.ratioBefore, 2)),
      cell(fixed(layer.predictedRatio, 2)),
      cell(fixed(layer.measuredRatio, 2)),
      // What is predicted and what is measured are compared each with its like: the cost model may be off by a factor, and its difference right.
      cell("time, by the model", "label"),
      cell(duration(layer.secondsBefore)),
      cell(duration(layer.predictedSeconds)),
      cell(""),
      cell("time, measured", "label"),
      cell(duration(layer.measuredSecondsBefore)),
      cell(""),
      cell(duration(layer.measuredSeconds)),
    ),
    make("p", { class: "moves" }, arrivals.length > 0 ? `${arrivals.length === 1 ? "Expert" : "Experts"} ${shown}` : "No expert comes anywhere; replicas go."),
  ];
}
