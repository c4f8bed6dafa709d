#!/bin/sh
# Starts Grafana (the command in "$@") with dashboards that call the control room on LAB_PORT.
# The checked-in ones hold the port's default, and the container's file system cannot be written; so they are copied.
set -eu
from=${DASHBOARDS_FROM:-/etc/lab/dashboards}
to=${DASHBOARDS_TO:-/tmp/lab-dashboards}
mkdir -p "$to"
for file in "$from"/*.json; do
  sed "s|localhost:8080|localhost:${LAB_PORT:-8080}|g" "$file" >"$to/${file##*/}"
done
exec "$@"
