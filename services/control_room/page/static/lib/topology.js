/** Which services there are, and who calls whom: GET /api/topology, asked once. */

import { get } from "./api.js";

const AGAIN_MS = 1000;

/**
 * @typedef {object} Service
 * @property {string} name
 * @property {string} title its name for people
 * @property {string[]} calls
 * @property {string[]} instances
 * @property {string} asked_for what calls of it are called
 * @property {string[]} meters what the path shows of it
 */

/** The services that a request passes, from the users to the end of the chain. @returns {Promise<Service[]>} */
export async function loadChain() {
  for (;;) {
    try {
      return chainOf((await get("/api/topology")).services);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** It begins with the one that calls and that nobody calls. @param {Service[]} services */
function chainOf(services) {
  const byName = Object.fromEntries(services.map((service) => [service.name, service]));
  const called = new Set(services.flatMap(({ calls }) => calls));
  const chain = services.filter(({ name, calls }) => calls.length && !called.has(name));
  while (chain.at(-1)?.calls.length) chain.push(byName[chain.at(-1).calls[0]]);
  return chain;
}
