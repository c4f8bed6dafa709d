"""Dashboards as code: plain data, one helper for each panel type, and JSON that is checked in."""
