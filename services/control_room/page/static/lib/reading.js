/** What of the state the path and the stage read in the same way. */

/** Levels of the control room (ok, strained, failing, down) as the page colours them. */
export const HEALTH = ["good", "warning", "error", "unknown"];

/** Users a second who are served, and those who are not; nobody has failed while none has ended. */
export function answersOf({ offered_rps: offered, served_rps: served, success_ratio: success }) {
  const failed = success ? (served ?? 0) / success - (served ?? 0) : success === 0 ? (offered ?? 0) : 0;
  return { served: served ?? 0, failed: Math.max(0, failed) };
}

/** "api-2" as "2". */
export function numberOf(instance) {
  return instance.slice(instance.lastIndexOf("-") + 1);
}
