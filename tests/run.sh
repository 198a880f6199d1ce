#!/usr/bin/env bash
# Every test, with the GPU ones on whatever Vulkan driver answers: a real GPU's, or Mesa's software
# one, which is installed where it may be.
set -euo pipefail
cd "$(dirname "$0")/.."

# Without a session Mesa's device chooser complains of a missing display.
export NODEVICE_SELECT=1

has_adapter() {
    cargo run --release --quiet -- doctor --no-twins --json | grep -q '"api"'
}

case "$(uname -s)" in
    Linux)
        if ! has_adapter; then
            if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
                echo "no Vulkan driver answers: installing Mesa's software one"
                apt-get update -qq && apt-get install -y -qq mesa-vulkan-drivers
            fi
        fi
        if ! has_adapter; then
            echo "no Vulkan driver answers. Install your GPU's, or Mesa's software one:" >&2
            echo "  sudo apt-get install mesa-vulkan-drivers      (Debian, Ubuntu)" >&2
            echo "  sudo dnf install mesa-vulkan-drivers          (Fedora)" >&2
            exit 1
        fi
        ;;
esac

# The report's page is opened in a browser.
if ! command -v chromium >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "no chromium: installing it"
        apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium
    else
        echo "no chromium, which the report's tests open its page in. Install it:" >&2
        echo "  sudo apt-get install chromium      (Debian), or LIGHTLOOM_CHROMIUM=auto to skip them" >&2
    fi
fi

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
status=0
export LIGHTLOOM_GPU="${LIGHTLOOM_GPU:-require}" LIGHTLOOM_CHROMIUM="${LIGHTLOOM_CHROMIUM:-require}"
cargo test --release --no-fail-fast -- --show-output 2>&1 | tee "$log" || status=$?

# What ran on the GPU, and what did not, said aloud.
ran=$(sed -n 's/^twin: .*: \([0-9]*\) GPU cases ran on .*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
skipped=$(sed -n 's/^twin: .*, \([0-9]*\) skipped$/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
adapter=$(sed -n 's/^twin: .* GPU cases ran on \(.*\)/\1/p' "$log" | head -n 1)
opened=$(sed -n 's/^browser: .*: \([0-9]*\) checks ran on .*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
closed=$(sed -n 's/^browser: .*, \([0-9]*\) skipped$/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
echo "browser: $opened checks ran, $closed skipped"
echo "twin: $ran GPU cases ran on ${adapter:-no adapter}, $skipped skipped"
exit "$status"
