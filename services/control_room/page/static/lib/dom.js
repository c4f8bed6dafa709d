/** Makes elements by DOM calls alone: nothing that a service says is ever parsed as HTML. */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An HTML element. Properties that start with "on" are listeners; booleans set or leave out the attribute.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element; see `h`. @returns {any} */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child || child === 0));
  return element;
}

/** Change an element's text, if it is another one. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set an attribute, if it is another one; null takes it away. */
export function set(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** Shapes for what colour says too: one for each level, kind and button. Drawn in a box of 24. */
const SHAPES = {
  good: ["M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Z", "M7 12.5l3.5 3.5L17 8.5"],
  warning: ["M12 2.5 23 21.5H1Z", "M12 9v6M12 17.6v1.4"],
  error: ["M7.5 1.5h9l6 6v9l-6 6h-9l-6-6v-9Z", "M8 8l8 8M16 8l-8 8"],
  info: ["M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Z", "M12 11v6M12 6.4v1.4"],
  pending: ["", "M12 2.8a9.2 9.2 0 1 0 0 18.4 9.2 9.2 0 0 0 0-18.4ZM12 7v5.5l3.5 2"],
  unknown: ["M12 1.5 22.5 12 12 22.5 1.5 12Z", "M8 12h8"],
  failure: ["", "M13.5 2 5 13.5h6L10.5 22 19 10.5h-6Z"],
  defence: ["", "M12 2.2 20.5 5v6.2c0 5-3.4 8.8-8.5 10.6-5.1-1.8-8.5-5.6-8.5-10.6V5Z"],
  setting: ["", "M2 6.5h9M17 6.5h5M2 17.5h4M12 17.5h10M14 3.5a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM9 14.5a3 3 0 1 1 0 6 3 3 0 0 1 0-6Z"],
  send: ["", "M3 12h17M13 5l7 7-7 7"],
  reset: ["", "M4 12a8 8 0 1 0 2.6-5.9L3 9.2M3 3.5v5.7h5.7"],
  help: ["", "M9 9a3.2 3.2 0 1 1 4.6 2.9c-1.1.6-1.6 1.2-1.6 2.4M12 18v1.2"],
  full: ["", "M3 9V3h6M15 3h6v6M21 15v6h-6M9 21H3v-6"],
  theme: ["", "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 3v18M12 7.5h5M12 12h7M12 16.5h5"],
  pause: ["", "M8 4v16M16 4v16"],
  play: ["M6 3.5 20 12 6 20.5Z", ""],
  copy: ["", "M8 8h12v13H8ZM4 16V3h11"],
  save: ["", "M12 3v12M6.5 10 12 15.5 17.5 10M4 20.5h16"],
  clock: ["", "M12 2.8a9.2 9.2 0 1 0 0 18.4 9.2 9.2 0 0 0 0-18.4ZM12 7v5.5l3.5 2"],
};

/** A shape, for eyes alone: the words beside it say the same. */
export function icon(name) {
  const [solid, line] = SHAPES[name] ?? SHAPES.unknown;
  return s(
    "svg",
    { class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    solid && s("path", { class: "icon-solid", d: solid }),
    line && s("path", { class: solid ? "icon-line icon-cut" : "icon-line", d: line }),
  );
}

/** Put another shape in the place of one, if it is another. */
export function setIcon(holder, name) {
  if (holder.dataset.icon === name) return;
  holder.dataset.icon = name;
  holder.replaceChildren(icon(name));
}

/** An open dialog with a heading and a button that closes it; a click beside it and Escape close it, too. */
export function dialog(title, ...children) {
  const heading = h("h2", { id: `dialog-${title.replace(/\W+/g, "-")}` }, title);
  const close = h("button", { type: "button", class: "button", onclick: () => element.close() }, "Close");
  const element = h(
    "dialog",
    { class: "dialog", "aria-labelledby": heading.id },
    h("div", { class: "dialog-head" }, heading, close),
    ...children,
  );
  element.addEventListener("click", (event) => event.target === element && element.close());
  element.addEventListener("close", () => element.remove());
  document.body.append(element);
  element.showModal();
  return element;
}
