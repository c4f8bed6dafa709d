/**
 * Whether this is /view, the link for the room: all is shown, and there is nothing to change it with.
 * What protects the lab is LAB_TOKEN, and not this page.
 */
export const isViewer = location.pathname === "/view";

/** Whether this is /embed, the page in a frame of Grafana's, which has charts of its own. */
export const isEmbedded = location.pathname === "/embed";
