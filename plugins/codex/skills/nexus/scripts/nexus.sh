#!/bin/sh
# Runs the installed `nexus`; what is written for this script keeps working.
for nexus in "$(command -v nexus)" "${CARGO_HOME:-$HOME/.cargo}/bin/nexus"; do
    if [ -x "$nexus" ]; then exec "$nexus" "$@"; fi
done
echo 'error: nexus is not installed' >&2
echo '{"error":"not_installed","message":"Install nexus: run `npm install -g @nexus-relay/cli` or `pipx install nexus-cli`, or put the binary of the release for your system into a folder of PATH. Without it, use the curl lines at the front page of the relay."}'
exit 1
