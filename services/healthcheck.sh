#!/bin/bash
# Asks this container's own /readyz. The shell does it alone: starting Python for each check would cost more CPU than
# the service that it looks after.
exec 3<>"/dev/tcp/127.0.0.1/${HEALTH_PORT}" || exit 1
printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r -t 2 _ status _ <&3
[ "$status" = 200 ]
