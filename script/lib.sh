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

# The Go that the tests need: Debian 12's is too old for kubectl and the Go clients.
go_minimum=1.26
find_go() {
    local go=
    for go in "$(command -v go || true)" /usr/local/go/bin/go; do
        [ -x "$go" ] || continue
        local version
        version=$("$go" env GOVERSION 2>/dev/null) || continue
        if [ "$(printf '%s\n' "$go_minimum" "${version#go}" | sort -V | head -n 1)" = "$go_minimum" ]; then
            printf '%s\n' "$go"
            return
        fi
    done
    die "the tests need Go $go_minimum or newer to build kubectl and the Go clients (Debian 12 has 1.19): install it from https://go.dev/dl into /usr/local/go"
}

# build_bench FILE: the load generator.
build_bench() {
    local go to
    go=$(find_go)
    mkdir -p "$(dirname "$1")"
    to=$(cd "$(dirname "$1")" && pwd)/${1##*/}
    (cd "$root/conformance/bench" && "$go" build -o "$to" .) || die "cannot build conformance/bench"
}
