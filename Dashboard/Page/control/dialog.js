// @ts-check
import { find, make } from "../dom.js";

/**
 * @typedef {{ name: string, label: string, kind: "text" | "password" | "number" | "select" | "check", value?: string | number | boolean, options?: [string, string][],
 *   min?: number, max?: number, step?: number | "any", optional?: boolean }} Field
 * @typedef {Record<string, string | number | boolean | null>} Values
 * @typedef {{ title: string, fields?: Field[], says?: (values: Values) => string, action: string, act: (values: Values) => Promise<string> }} Question
 */

/** How long it is told what has been done, in milliseconds. */
const toldFor = 8000;

let hiding = 0;

/** Tells what has been done. @param {string} text */
export function tell(text) {
  const place = find("told");
  place.textContent = text;
  place.classList.toggle("shown", text !== "");
  clearTimeout(hiding);
  hiding = window.setTimeout(() => place.classList.remove("shown"), toldFor);
}

/** @param {Field} field */
function inputOf(field) {
  if (field.kind === "select") {
    return make("select", { name: field.name }, ...(field.options ?? []).map(([value, text]) => make("option", { value, selected: value === String(field.value) }, text)));
  }
  const attributes = { name: field.name, required: !field.optional && field.kind !== "check", min: field.min, max: field.max, step: field.step };
  if (field.kind === "check") return make("input", { ...attributes, type: "checkbox", checked: field.value === true });
  const complete = field.kind === "password" ? "current-password" : "off";
  return make("input", {
    ...attributes,
    type: field.kind,
    value: field.value === undefined ? "" : String(field.value),
    autocomplete: complete,
    spellcheck: "false",
    maxlength: field.kind === "text" ? 64 : null,
  });
}

/** @param {HTMLFormElement} form @param {Field[]} fields @returns {Values} */
function valuesOf(form, fields) {
  return Object.fromEntries(
    fields.map((field) => {
      const input = /** @type {HTMLInputElement} */ (form.elements.namedItem(field.name));
      if (field.kind === "check") return [field.name, input.checked];
      return [field.name, field.kind === "number" ? (input.value === "" ? null : Number(input.value)) : input.value];
    }),
  );
}

/**
 * Asks in a dialog; nothing is done before it is confirmed. What was done is told when it has closed, what went wrong in it.
 * @param {Question} question
 */
export function ask(question) {
  const fields = question.fields ?? [];
  const says = make("p", { class: "says", id: "dialog-says" });
  const wrong = make("p", { class: "problem", role: "alert", hidden: true });
  const cancel = make("button", { type: "button" }, "Cancel");
  const confirm = /** @type {HTMLButtonElement} */ (make("button", { type: "submit", class: "primary" }, question.action));
  const form = /** @type {HTMLFormElement} */ (
    make(
      "form",
      { method: "dialog" },
      make("h2", { id: "dialog-title" }, question.title),
      ...fields.map((field) => make("label", { class: field.kind === "check" ? "check" : null }, make("span", {}, field.label), inputOf(field))),
      says,
      wrong,
      make("div", { class: "buttons" }, cancel, confirm),
    )
  );
  const dialog = /** @type {HTMLDialogElement} */ (make("dialog", { "aria-labelledby": "dialog-title", "aria-describedby": "dialog-says" }, form));
  const explain = () => {
    says.textContent = question.says?.(valuesOf(form, fields)) ?? "";
  };
  form.addEventListener("input", explain);
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = valuesOf(form, fields);
    confirm.disabled = true;
    confirm.textContent = "…";
    wrong.hidden = true;
    try {
      const done = await question.act(values);
      dialog.close();
      tell(done);
    } catch (error) {
      wrong.textContent = error instanceof Error ? error.message : String(error);
      wrong.hidden = false;
      confirm.disabled = false;
      confirm.textContent = question.action;
    }
  });
  explain();
  document.body.append(dialog);
  dialog.showModal();
}
