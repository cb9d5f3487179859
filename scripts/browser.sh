#!/bin/sh
# See that there is a browser for the test of the HTML report; install Chromium where that is one command.
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "browser: installing Chromium for the test of the HTML report"
    export DEBIAN_FRONTEND=noninteractive
    if apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium >/dev/null; then exit 0; fi
fi
echo "browser: the test of the HTML report needs Chromium and will fail without it." >&2
echo "browser: on Debian 'sudo apt-get install chromium', elsewhere put 'chromium' or 'google-chrome' on the PATH." >&2
