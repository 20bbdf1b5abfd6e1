# Shared by the scripts; sourced, not run. Sets `root` to the folder of the project and goes there.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
jobs=${COXSWAIN_JOBS:-$(nproc)}

say() { printf '%s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# configure FOLDER ARGS...: cmake, silent unless it fails.
configure() {
    local dir=$1 log
    shift
    log=$(mktemp)
    if ! cmake -S . -B "$dir" -G Ninja "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "cannot configure $dir: is everything installed? (script/bootstrap)"
    fi
    rm -f "$log"
}

# The programs alone: linking every unit test with LTO takes longer than all of them.
build_release() {
    configure build -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DCOXSWAIN_LTO="${COXSWAIN_LTO:-ON}"
    if [ -t 1 ]; then
        ninja -C build -j "$jobs"
    else
        ninja -C build -j "$jobs" --quiet
    fi || die "the build failed"
}
