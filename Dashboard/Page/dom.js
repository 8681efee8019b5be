// @ts-check
/** Elements. Whatever comes from the cluster becomes text, never markup. */

/** @param {string} id */
export function find(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}.`);
  return found;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 * @param {...(Node | string | null)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A bar, filled to a share. @param {number} share @param {string} [kind] */
export function bar(share, kind = "bar") {
  const filled = make("span");
  filled.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return make("span", { class: kind, "aria-hidden": "true" }, filled);
}

/** A colour of the style sheet, as it is now. @param {string} name */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
