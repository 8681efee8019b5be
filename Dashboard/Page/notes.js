// @ts-check
import { make } from "./dom.js";
import { clock, count } from "./format.js";

/** @typedef {import("./state.js").State} State */

const most = 100;
const glyphs = /** @type {Record<string, string>} */ ({ failure: "✕", recovery: "▲", placement: "▼", checkpoint: "■", view: "◆", settings: "◆" });
const names = /** @type {Record<string, string>} */ ({
  failure: "failure",
  recovery: "recovery",
  placement: "moves",
  checkpoint: "checkpoint",
  view: "view",
  settings: "settings",
});

/** What happened besides steps. @param {HTMLElement} list @param {State} state */
export function showNotes(list, state) {
  const notes = state.newestNotes.slice(0, most);
  list.replaceChildren(
    ...(notes.length === 0
      ? [make("li", { class: "empty" }, "Nothing yet.")]
      : notes.map((note) =>
          make(
            "li",
            {},
            make("span", { class: "when" }, clock(note.time)),
            make("span", { class: "step" }, `step ${count(note.step)}`),
            make(
              "span",
              { class: `kind ${note.kind}`, title: names[note.kind] ?? note.kind },
              make("span", { "aria-hidden": "true" }, glyphs[note.kind] ?? "◆"),
              make("span", { class: "hidden" }, names[note.kind] ?? note.kind),
            ),
            make("span", { class: "text" }, note.text),
          ),
        )),
  );
}
