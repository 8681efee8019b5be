// @ts-check
import { make } from "./dom.js";
import { bytes, count } from "./format.js";

/** @typedef {import("./state.js").State} State */

/** What the run is. @param {HTMLElement} list @param {HTMLElement} text @param {State} state */
export function showRun(list, text, state) {
  const { status, run } = state;
  if (!status || !run) {
    list.replaceChildren();
    text.textContent = "";
    return;
  }
  const model = run.configuration?.model ?? {};
  const gate = model.gate ?? {};
  const experts = /** @type {number[]} */ (model.experts ?? []);
  const checkpoint = state.newestNotes.find((note) => note.kind === "checkpoint");
  const pairs = [
    ["Kind", run.isLayer ? "single layer" : "decoder"],
    ["Parameters", count(run.parameters)],
    ["Layers", count(experts.length)],
    ["Experts", new Set(experts).size === 1 ? `${count(experts[0])} in each layer` : experts.join(", ")],
    ["Bytes of an expert", `${bytes(run.shardBytes)} with moments`],
    ["Gate", `${gate.kind ?? "–"}, top ${gate.topK ?? "–"}${gate.capacityFactor ? `, capacity ${gate.capacityFactor}` : ""}`],
    ...run.gates.map((other) => [`Gate of layer ${other.layer}`, `top ${other.options?.topK ?? "–"} since step ${count(other.fromStep)}`]),
    ["Micro-batches", count(run.configuration?.microBatches)],
    ["Term, view", `${count(status.term)}, ${count(status.view)}`],
    ["Last snapshot", `step ${count(status.snapshotStep)}`],
    ["Last checkpoint", checkpoint ? `step ${count(checkpoint.step)}` : "none seen"],
    ["Learning rate", status.newest ? status.newest.learningRate.toPrecision(3) : "–"],
    ["Gradient norm", status.newest ? status.newest.gradientNorm.toPrecision(3) : "–"],
  ];
  list.replaceChildren(...pairs.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  const json = JSON.stringify(run.configuration, null, 2);
  if (text.textContent !== json) text.textContent = json;
}
