# Words the programs in ops/ share. Sourced by bash, after `set -euo pipefail`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
release=$root/.build/release
# Where ops/install-deps puts what drives Chromium, and the players that it shows.
aiortc_version=1.16.0
playwright_version=1.65.2
webrtc=$root/.tools/webrtc-clients-$aiortc_version-$playwright_version
players=$root/.tools/web-players-1.6.15-7.21.7

say() { printf '%s\n' "$*"; }
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "needs root for: $*; run it as root or install sudo"
    fi
}

# step NAME COMMAND...: runs it and keeps how long it took, for step_times.
step_lines=()
step() {
    local name=$1 begin=$SECONDS
    shift
    say "== $name"
    "$@" || {
        say "== $name FAILED after $((SECONDS - begin)) s" >&2
        exit 1
    }
    step_lines+=("$(printf '%6d s  %s' $((SECONDS - begin)) "$name")")
}

step_times() { [ ${#step_lines[@]} = 0 ] || printf '%s\n' "${step_lines[@]}"; }

# Builds the programs unless nothing they are made of has changed since.
build_programs() {
    local stamp=$root/.build/programs-built sources=(Package.swift ControlPlane DataPlane Shared ops/millrace) program
    local programs=(millrace-control millrace-worker millrace) missing=0
    for program in "${programs[@]}"; do [ -x "$release/$program" ] || missing=1; done
    if [ $missing = 0 ] && [ -e "$stamp" ] &&
        [ -z "$(cd "$root" && find "${sources[@]}" -type f -newer "$stamp" -print -quit)" ]; then
        return
    fi
    touch "$stamp.begun" 2>/dev/null || { mkdir -p "$root/.build" && touch "$stamp.begun"; }
    say "building release (the first time takes some minutes)"
    for program in "${programs[@]}"; do
        (cd "$root" && swift build -c release --product "$program") || fail "the build failed; its words are above"
    done
    # A source that changed while the build ran must count as newer.
    mv "$stamp.begun" "$stamp"
}
