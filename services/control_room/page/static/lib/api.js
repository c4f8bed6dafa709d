/** The one place that calls the control room. */

import { isViewer } from "./view.js";

const TOKEN_KEY = "lab-token";
const READ_TIMEOUT_MS = 5000;
const AS_JSON = { "Content-Type": "application/json" };

/** The control room refused, and says why (RFC 9457). */
export class Refused extends Error {
  constructor(status, document) {
    super(document.detail ?? `the control room answered ${status}`);
    this.status = status;
    this.reason = document.reason ?? "";
    this.field = document.field ?? "";
    this.allowed = document.allowed;
  }
}

/** The control room did not answer at all. */
export class NoAnswer extends Error {
  constructor() {
    super("the control room does not answer");
  }
}

/** Asks the person at the page for the token; resolves to null when they would rather not. */
let askForToken = async () => null;

/** @param {(message: string) => Promise<string | null>} ask */
export function onTokenNeeded(ask) {
  askForToken = ask;
}

/** @param {string} path @param {AbortSignal} [signal] */
export async function get(path, signal) {
  const limit = AbortSignal.timeout(READ_TIMEOUT_MS);
  const response = await send(path, { signal: signal ? AbortSignal.any([signal, limit]) : limit });
  return json(response);
}

/** @param {string} path @param {object} [body] */
export async function post(path, body = {}) {
  return json(await write(path, body));
}

/** What is the presenter's alone to see: it needs the token where there is one. @param {string} path */
export async function getSecret(path) {
  return json(await withToken(path));
}

/** The same, where this page has the token already, or else null: nobody is asked for it. @param {string} path */
export async function getWithToken(path) {
  return sessionStorage.getItem(TOKEN_KEY) ? json(await send(path, { headers: authorization() })) : null;
}

/** A vote, or what a team says in a drill: what /view may send, without the token. */
export async function sendFromRoom(path, body) {
  return json(await send(path, { method: "POST", headers: AS_JSON, body: JSON.stringify(body) }));
}

/** The same as getSecret for a file, to be saved. @param {string} path @returns {Promise<Blob>} */
export async function getFile(path) {
  return (await withToken(path)).blob();
}

/** Test requests, one after another: calls `each` as a line comes in. */
export async function testRequests(count, each) {
  const response = await write("/api/requests", { count });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch {
      throw new NoAnswer();
    }
    const lines = (rest + (part.value ?? "")).split("\n");
    rest = lines.pop() ?? "";
    lines.filter(Boolean).forEach((line) => each(JSON.parse(line)));
    if (part.done) return;
  }
}

async function write(path, body) {
  if (isViewer) throw new Refused(403, { detail: "this page only shows the lab" });
  return withToken(path, { method: "POST", headers: AS_JSON, body: JSON.stringify(body) });
}

async function withToken(path, options = {}) {
  for (let asked = 0; ; asked++) {
    const response = await send(path, { ...options, headers: { ...options.headers, ...authorization() } });
    if (response.ok) return response;
    const problem = new Refused(response.status, await response.json().catch(() => ({})));
    if (problem.reason !== "token_needed" || asked > 4) throw problem;
    const given = await askForToken(sessionStorage.getItem(TOKEN_KEY) ? "That token is not the lab's." : "This lab takes changes with its token alone.");
    if (given === null) throw problem;
    sessionStorage.setItem(TOKEN_KEY, given);
  }
}

function authorization() {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

async function send(path, options) {
  try {
    return await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (error?.name === "AbortError") throw error;
    throw new NoAnswer();
  }
}

async function json(response) {
  let body;
  try {
    body = await response.json();
  } catch (error) {
    if (error?.name === "AbortError") throw error;
    throw new NoAnswer();
  }
  if (!response.ok) throw new Refused(response.status, body);
  return body;
}
