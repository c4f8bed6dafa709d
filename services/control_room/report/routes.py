"""The report's call: the presenter's alone, as it tells the cause."""

from __future__ import annotations

from flask import Flask, Response

from services.control_room.page.guard import Guard
from services.control_room.report.markdown import report
from services.control_room.report.reports import Reports

FILE_NAME = "report.md"


def install_report(app: Flask, guard: Guard, reports: Reports) -> None:
    """Add the call to `app`."""

    @app.get("/api/report")
    def report_now() -> Response:
        guard.check_token()
        incident = reports.incident()
        headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"', "Cache-Control": "no-store"}
        return Response(report(incident), content_type="text/markdown; charset=utf-8", headers=headers)
