/**
 * Whether this is /view, the link for the room: all is shown, and there is nothing to change it with.
 * What protects the lab is LAB_TOKEN, and not this page.
 */
export const isViewer = location.pathname === "/view";
