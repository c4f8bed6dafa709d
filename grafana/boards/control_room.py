"""The control room's own page, in a frame."""

from __future__ import annotations

from typing import Any

from grafana.dashboard import control_variable, dashboard
from grafana.panels import frame

HEIGHT = 27  # rows of 38 px: with the head of a kiosk, 1080 px
PAGE = (
    '<iframe src="http://${control}/embed" title="Control room" referrerpolicy="no-referrer" '
    'style="position:absolute;inset:0;width:100%;height:100%;border:0"></iframe>'
)


def control_room() -> dict[str, Any]:
    """The dashboard with the page; it is not redrawn while someone works in it."""
    page = frame(
        "Control room",
        "The same page as on the control room's own address: switches, scenes, test requests and the activity log. Is "
        "it empty? Then this browser cannot reach the address at the top of this dashboard.",
        PAGE,
    )
    about = "The control room's page, for who would rather not leave Grafana."
    return dashboard("lab-control-room", about, [(HEIGHT, [(24, page)])], variables=[control_variable()], refresh="")
