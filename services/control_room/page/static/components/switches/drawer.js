/** The switches of one service in a sheet at the side. They are the page's own, lent to it while it is open. */

import { dialog } from "../../lib/dom.js";

/**
 * @param {{element: HTMLDetailsElement, title: string}} group
 * @param {HTMLElement} [first] a switch to begin with
 */
export function openDrawer(group, first) {
  document.querySelectorAll("dialog[open]").forEach((open) => open.close());
  const before = document.activeElement;
  const place = document.createComment("");
  const wasOpen = group.element.open;
  group.element.replaceWith(place);
  group.element.open = true;
  const sheet = dialog(`Switches of ${group.title}`, group.element);
  sheet.classList.add("drawer");
  sheet.addEventListener("close", () => {
    group.element.open = wasOpen;
    place.replaceWith(group.element);
    before?.focus();
  });
  first?.scrollIntoView({ block: "center" });
  first?.querySelector("button, summary")?.focus();
}
