#!/usr/bin/env bash
# The browser tests need a Chromium: take the one that is here, else Debian's, else say what to do.
set -euo pipefail
for name in "${LANTERN_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$name" ] && command -v "$name" >/dev/null; then exit 0; fi
done
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends chromium >/dev/null
    exit 0
fi
echo "The browser tests need Chromium: install it (Debian: apt-get install chromium) or set LANTERN_CHROMIUM." >&2
exit 1
