/** Numbers as a room reads them: two or three digits, the unit always there. */

/** @param {number | null | undefined} value @returns {string} "19 ms", "3.4 s", "12 s" */
export function seconds(value) {
  const [number, unit] = secondsParts(value);
  return unit ? `${number} ${unit}` : number;
}

/** @returns {[string, string]} number and unit apart, for big numerals */
export function secondsParts(value) {
  if (value == null) return ["–", ""];
  if (value < 0.9995) return [value < 0.00995 ? (value * 1000).toFixed(1) : String(Math.round(value * 1000)), "ms"];
  return [value < 9.95 ? value.toFixed(1) : String(Math.round(value)), "s"];
}

/** A share as percent; 100 is all of them, and nothing less is rounded up to it. */
export function percent(value) {
  if (value == null) return "–";
  const hundred = value * 100;
  if (hundred > 99 && hundred < 100) return Math.min(99.9, hundred).toFixed(1);
  return String(Math.round(hundred));
}

export const MB = 1024 * 1024;

/** Bytes in MB, as Docker counts them. */
export function mb(bytes) {
  return bytes == null ? "–" : String(Math.round(bytes / MB));
}

/** A rate or count: one decimal below ten, none above. */
export function rate(value) {
  if (value == null) return "–";
  return value >= 9.95 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}

/** Seconds as a clock: "1:04". */
export function clock(value) {
  const whole = Math.max(0, Math.floor(value));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** The time of day of a moment in seconds since 1970. */
export function timeOfDay(moment) {
  return new Date(moment * 1000).toTimeString().slice(0, 8);
}

/** "memory_leak" as words. */
export function words(name) {
  return name.replaceAll("_", " ");
}
