/** Puts the page together. Each component keeps to its own section, and hears of the lab from one place. */

import { mountBets } from "./components/bets/bets.js";
import { mountCharts } from "./components/charts/charts.js";
import { mountCliff } from "./components/cliff/cliff.js";
import { mountDrill } from "./components/drill/drill.js";
import { mountKpis } from "./components/kpis/kpis.js";
import { mountLink } from "./components/link/link.js";
import { mountLog } from "./components/log/log.js";
import { mountOutcomes } from "./components/outcomes/outcomes.js";
import { mountPalette } from "./components/palette/palette.js";
import { mountOn } from "./components/on/on.js";
import { mountPath } from "./components/path/path.js";
import { mountPathTable } from "./components/path/table.js";
import { mountRequests } from "./components/requests/requests.js";
import { mountStage } from "./components/stage/stage.js";
import { mountScenes } from "./components/scenes/scenes.js";
import { mountStatus } from "./components/status/status.js";
import { mountSwitches } from "./components/switches/switches.js";
import { mountToken } from "./components/token/token.js";
import { listenToKeys, takeTheme } from "./lib/commands.js";
import { History } from "./lib/history.js";
import { Lab } from "./lib/lab.js";
import "./lib/mode.js";
import { Room } from "./lib/room.js";
import { loadChain } from "./lib/topology.js";
import { isEmbedded, isViewer } from "./lib/view.js";

const part = (id) => document.getElementById(id);

takeTheme();
const lab = new Lab();
mountToken();
document.documentElement.classList.toggle("viewer", isViewer);
document.documentElement.classList.toggle("embedded", isEmbedded);
const chain = await loadChain();
const history = new History();
mountStage(part("stage"), lab, chain, history);
const path = mountPath(part("path"), lab, chain);
mountPathTable(part("path"), lab, chain);
if (isViewer) part("requests").remove(); // the log tells of those that the presenter sends
else mountRequests(part("requests"), lab, path);
mountStatus(part("status"), part("banners"), lab);
const room = new Room(lab);
mountBets(part("bets"), part("status").querySelector(".status-controls"), lab, room);
if (isEmbedded) part("drill").remove();
else mountDrill(part("drill"), lab, room);
mountKpis(part("kpis"), lab);
mountScenes(part("scenes"), lab);
mountLog(part("log"));
mountSwitches(part("switches"), lab, chain);
if (isEmbedded) {
  mountOn(part("main"), lab);
  for (const id of ["glance", "charts", "outcomes", "cliff"]) part(id).remove(); // Grafana has its own
} else {
  mountCharts(part("glance"), part("charts"), history, chain.slice(1));
  mountOutcomes(part("outcomes"), document.querySelector(".stage-figure"), lab);
  mountCliff(part("cliff"), lab);
}
mountLink();
if (!isViewer) mountPalette();
listenToKeys();
lab.start();
