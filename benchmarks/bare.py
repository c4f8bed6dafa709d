"""A bare Flask and gunicorn service that calls the next one: what the lab's own overhead is compared with."""

from __future__ import annotations

import os

import requests
from flask import Flask

app = Flask(__name__)
session = requests.Session()
session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=160))


@app.get("/checkout")
def checkout() -> dict[str, object]:
    """Answer, after the next service did."""
    following = os.environ.get("NEXT_URL")
    return {"order": session.get(f"{following}/checkout", timeout=20).json() if following else "placed"}
