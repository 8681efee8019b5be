// @ts-check
import { bar, make } from "./dom.js";
import { count, fixed, percent } from "./format.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./state.js").Layer} Layer */

/** What travels in a layer, and the copies that were made for passes of the load window. @param {Layer} layer */
export function travels(layer) {
  const rows = layer.slices > 1 ? `rows travel to ${layer.slices} slices` : "rows travel";
  const how = layer.exchange === "hierarchical" ? " hierarchically" : "";
  const what = ({ data: "experts travel", transientCopies: "copies where faster" }[layer.parallelism] ?? rows) + how;
  return layer.transientCopies > 0 ? `${what}: ${count(layer.transientCopies)} ${layer.transientCopies === 1 ? "copy" : "copies"}` : what;
}

/** One row per layer: its balance, drops, dead experts; one of them is chosen for the map. */
export class Layers {
  /** @param {HTMLElement} place @param {State} state @param {(layer: number) => void} choose */
  constructor(place, state, choose) {
    this.place = place;
    this.state = state;
    this.choose = choose;
    /** @type {HTMLElement[]} */
    this.rows = [];
    place.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {number} chosen */
  update(chosen) {
    const { layers } = this.state;
    if (this.rows.length !== layers.length) {
      this.rows = layers.map((layer) => {
        const row = make("button", { type: "button", role: "radio" });
        row.addEventListener("click", () => this.choose(layer.layer));
        return row;
      });
      this.place.replaceChildren(...this.rows);
    }
    layers.forEach((layer, index) => {
      const row = this.rows[index];
      const isChosen = layer.layer === chosen;
      row.setAttribute("aria-checked", String(isChosen));
      row.tabIndex = isChosen ? 0 : -1;
      row.title = layer.tuning ?? "";
      const ratio = layer.ratio ?? layer.windowRatio;
      const unusual = layer.parallelism !== "expert" || layer.slices > 1 || layer.exchange === "hierarchical";
      const more =
        layer.experts === 0
          ? "dense"
          : [
              layer.shards > layer.experts ? `${layer.shards - layer.experts} extra ${layer.shards - layer.experts === 1 ? "replica" : "replicas"}` : "",
              layer.tuning ? `tuned, ${travels(layer)}` : unusual ? travels(layer) : "",
              layer.dropped > 0 ? `${percent(layer.dropped / Math.max(1, layer.dropped + layer.tokens), 1)} dropped` : "",
              layer.deadExperts > 0 ? `${layer.deadExperts} dead` : "",
            ]
              .filter((part) => part !== "")
              .join(", ");
      row.replaceChildren(
        make("span", {}, make("span", { class: "hidden" }, "Layer "), String(layer.layer)),
        bar(ratio === null ? 0 : ratio - 1),
        make("span", { class: "ratio" }, make("span", { class: "hidden" }, "balance ratio "), layer.experts === 0 ? "" : fixed(ratio, 2)),
        make("span", { class: "more" }, more || `${count(layer.experts)} experts`),
        make("span", { class: "hidden" }, layer.tuning ?? ""),
      );
    });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const index = this.rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (!step || index < 0) return;
    event.preventDefault();
    const next = (index + step + this.rows.length) % this.rows.length;
    this.rows[next].focus();
    this.choose(this.state.layers[next].layer);
  }
}
