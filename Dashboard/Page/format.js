// @ts-check
/** Numbers, times and sizes as the page writes them. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** @param {number | null | undefined} value @param {number} digits */
export const fixed = (value, digits) => (typeof value === "number" && Number.isFinite(value) ? value.toFixed(digits) : "–");

/** @param {number | null | undefined} value */
export const count = (value) => (typeof value === "number" ? whole.format(value) : "–");

/** @param {number | null | undefined} value */
export function rate(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e5 ? `${(value / 1e3).toFixed(0)} k` : whole.format(value);
}

/** @param {number | null | undefined} value */
export function bytes(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

/** Bytes per second, in powers of a thousand. @param {number | null | undefined} value */
export function traffic(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const units = ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

/** @param {number | null | undefined} value */
export const percent = (value, digits = 0) => (typeof value === "number" && Number.isFinite(value) ? `${(value * 100).toFixed(digits)} %` : "–");

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) return "–";
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(2)} ms`;
  return seconds < 1 ? `${(seconds * 1000).toFixed(seconds < 0.1 ? 1 : 0)} ms` : `${seconds.toFixed(2)} s`;
}

/** @param {string | null | undefined} time */
export function clock(time) {
  if (!time) return "";
  const at = new Date(time);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}
