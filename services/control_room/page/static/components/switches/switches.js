/** Every switch of every service, made from the catalogue. */

import { get } from "../../lib/api.js";
import { offer } from "../../lib/commands.js";
import { h, icon, say } from "../../lib/dom.js";
import { words } from "../../lib/format.js";
import { isViewer } from "../../lib/view.js";
import { openDrawer } from "./drawer.js";
import { Switch } from "./switch.js";

const AGAIN_MS = 3000;
const MOST_NAMED = 2; // a folded service names what is on
const WIDE = matchMedia("(min-width: 1100px)");
const KINDS = [
  ["failure", "Failures", "break something"],
  ["defence", "Defences", "protect something"],
  ["setting", "Settings", "sizes and limits"],
];

/**
 * @param {HTMLElement} root
 * @param {import("../../lib/lab.js").Lab} lab
 * @param {import("../../lib/topology.js").Service[]} chain
 */
export async function mountSwitches(root, lab, chain) {
  const { services } = await get("/api/catalogue").catch(() => ({ services: null }));
  if (!services) {
    setTimeout(() => mountSwitches(root, lab, chain), AGAIN_MS);
    return;
  }
  const titles = Object.fromEntries(chain.map(({ name, title }) => [name, title === name ? name : `${name} (the ${title})`]));
  const groups = Object.entries(services).map(([service, described]) => new Group(chain.find(({ name }) => name === service), titles[service], described, lab));
  root.append(h("div", { class: "switch-services" }, ...groups.map((group) => group.element)));
  if (!isViewer) {
    openFromThePath(groups);
    offer(() => groups.flatMap((group) => group.commands()));
  }
  lab.subscribe(({ state }) => state && groups.forEach((group) => group.show(state.services[group.service])));
}

/** A click on a service, or Enter, opens its switches; on one of its instances those of that one. */
function openFromThePath(groups) {
  const open = (event) => {
    const node = event.target.closest("[data-service]");
    const group = groups.find(({ service }) => service === node?.dataset.service);
    if (!group || (event.type === "keydown" && (event.key !== "Enter" || event.target !== node))) return;
    event.preventDefault(); // Enter would press what has the focus then
    group.open(event.target.closest("[data-instance]")?.dataset.instance);
  };
  for (const kind of ["click", "keydown"]) document.addEventListener(kind, open);
}

class Group {
  constructor({ name: service, instances }, title, described, lab) {
    this.service = service;
    this.title = title;
    this.instances = instances.length > 1 ? instances : [];
    this.target = service; // or one of its instances
    this.switches = described.map((one) => new Switch(service, one, lab));
    this.count = h("small", {}, "");
    // Folded on a phone, where all of them together would be a dozen screens.
    this.element = h(
      "details",
      { class: "switch-service", open: WIDE.matches },
      h("summary", {}, h("h3", {}, title), this.count),
      instances.length > 1 && this.targets(service, instances),
      ...KINDS.map((kind) => this.kind(...kind)),
    );
  }

  /** What the switches are set on: all instances, or one. */
  targets(service, instances) {
    const id = `target-${service}`;
    const options = [h("option", { value: service }, "all instances"), ...instances.map((name) => h("option", { value: name }, name))];
    this.choice = h("select", { id, onchange: () => this.choose(this.choice.value) }, ...options);
    return h("p", { class: "switch-target" }, h("label", { for: id }, "Switches of "), this.choice);
  }

  /** In a sheet at the side: for the whole service, or for one instance; perhaps one of the switches first. */
  open(target = this.service, first = undefined) {
    if (this.choice) this.choice.value = target;
    this.choose(target);
    openDrawer(this, first?.element);
  }

  /** For the command palette: each switch on with its defaults, or off, of all instances or of one. */
  commands() {
    const targets = [this.service, ...this.instances];
    const switches = this.switches.flatMap((one) => targets.map((target) => this.command(one, target)));
    return [{ title: `Open the switches of ${this.title}`, action: () => this.open() }, ...switches];
  }

  command(one, target) {
    const name = `${target}: ${words(one.name)}`;
    const state = this.state?.instances?.[target] ?? this.state;
    const isOn = state?.active[one.kind][one.name] !== undefined;
    if (isOn) return { title: one.isSetting ? `Back to the default: ${name}` : `Switch off ${name}`, action: () => one.turn(target, false) };
    if (one.isSetting) return { title: `Set ${name}`, action: () => this.open(target, one) };
    return { title: `Switch on ${name}`, action: () => one.turn(target, true) };
  }

  choose(target) {
    this.target = target;
    for (const one of this.switches) one.service = target;
    if (this.state) this.show(this.state);
  }

  kind(kind, title, what) {
    const found = this.switches.filter((one) => one.kind === kind);
    return (
      found.length > 0 &&
      h(
        "div",
        { class: `switch-kind ${kind}` },
        h("h4", {}, icon(kind), h("span", {}, `${title} `, h("small", {}, what))),
        h("ul", { class: "switch-list" }, ...found.map((one) => one.element)),
      )
    );
  }

  show(service) {
    this.state = service;
    const state = service.instances?.[this.target] ?? service;
    this.switches.forEach((one) => one.show(state));
    const on = Object.values(state.active).flatMap(Object.keys).map(words);
    const named = on.length > MOST_NAMED ? `${on.length} changed` : on.join(", ");
    say(this.count, !state.up ? "does not answer" : named || "all as usual");
    this.count.classList.toggle("on", on.length > 0);
  }
}
