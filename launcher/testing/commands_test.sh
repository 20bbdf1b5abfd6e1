#!/usr/bin/env bash
# The coxswain command as people use it, beside a stand-in for the API server (testing/stand_in_main.c).
# Usage: commands_test.sh FOLDER_OF_THE_PROGRAMS. Prints TAP.
set -u
bin=$1
work=$(mktemp -d /tmp/coxswain-commands-XXXXXX)
export HOME=$work/home XDG_DATA_HOME=$work/data
mkdir -p "$HOME"
count=0 failed=0

cleanup() {
    for dir in "$work"/*/; do
        "$bin/coxswain" down --data-dir "$dir" >/dev/null 2>&1
    done
    chmod -R u+w "$work"
    rm -rf "$work"
}
trap cleanup EXIT

ok() { # ok CLAIM: by the last exit code
    local code=$?
    count=$((count + 1))
    if [ $code -eq 0 ]; then
        echo "ok $count - $1"
    else
        failed=$((failed + 1))
        echo "not ok $count - $1"
        sed 's/^/#   /' "$work/out" "$work/err" 2>/dev/null
    fi
}

cox() { "$bin/coxswain" "$@" >"$work/out" 2>"$work/err"; }
said() { grep -qF -- "$1" "$work/out" "$work/err"; }
fails_with() { # fails_with SENTENCE ARGS...: exit code not 0 and exactly one line on stderr that holds the sentence
    local sentence=$1
    shift
    ! cox "$@" && grep -qF -- "$sentence" "$work/err" && [ "$(wc -l <"$work/err")" = 1 ]
}
is_up() { cox status --data-dir "$1"; }
is_down() { fails_with "nothing runs in $1" status --data-dir "$1"; }
part_pid() { "$bin/coxswain" status --data-dir "$1" 2>/dev/null | awk '$1 == "apiserver" && $2 == "ready" {print $3}'; }
supervisor_pid() { "$bin/coxswain" status --data-dir "$1" 2>/dev/null | awk '$1 == "supervisor" {print $3}'; }
server_of() { awk '$1 == "server:" {print $2}' "$1"; }
eventually() { # an event that only shows from outside; 10 s at most
    local end=$((SECONDS + 10))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
    done
}
sum() { find "$1/pki" "$1/store" -type f -exec sha256sum {} + | sort; }

a=$work/a b=$work/b

# --- up and down ---
cox up --detach --data-dir "$a" --listen 127.0.0.1:0
ok "up --detach starts a cluster"
said "export KUBECONFIG=$a/kubeconfig"
ok "it prints the line to export"
is_up "$a" && said "API         ready"
ok "status finds it ready"
[ "$(stat -c %a "$a/kubeconfig" "$a" "$a/pki/ca.key" | tr '\n' ' ')" = "600 700 600 " ]
ok "kubeconfig and keys are private"
first=$(server_of "$a/kubeconfig") pid=$(part_pid "$a")

cox up --detach --data-dir "$a" && said "runs already" && [ "$(part_pid "$a")" = "$pid" ]
ok "a second up finds it running and starts nothing"
cox up --data-dir "$a" && said "runs already"
ok "without --detach too"
fails_with "runs already, at ${first#https://}: stop it" up --detach --data-dir "$a" --listen 127.0.0.1:1
ok "a second up cannot move it"

cox up --detach --data-dir "$b" --listen 127.0.0.1:0 --name other --kubeconfig "$work/shared" &&
    cox up --detach --data-dir "$a" --kubeconfig "$work/shared" && is_up "$a" && is_up "$b"
ok "two clusters run side by side"
[ "$(grep -c 'server:' "$work/shared")" = 2 ] && grep -qx 'current-context: coxswain' "$work/shared"
ok "both contexts are in one kubeconfig"
fails_with "port ${first##*:} is in use by coxswain-apiserver (process $pid)" up --detach --data-dir "$work/c" --listen "${first#https://}"
ok "a port in use is named with who uses it"

cox down --data-dir "$b" && is_down "$b" && is_up "$a"
ok "down stops one and leaves the other"
cox down --data-dir "$b" && said "nothing runs in $b"
ok "down of a cluster that is down is no error"
cox down --data-dir "$b" --delete-data --kubeconfig "$work/shared" --name other && [ ! -e "$b" ] &&
    [ "$(grep -c 'server:' "$work/shared")" = 1 ]
ok "--delete-data removes data and context"

# --- supervision ---
kill -9 "$pid"
again() { is_up "$a" && [ "$(part_pid "$a")" != "$pid" ]; }
eventually again && grep -q 'apiserver.* 1$' "$work/out" && said "killed by signal 9"
ok "a part that dies is started again and status tells"
[ "$(server_of "$a/kubeconfig")" = "$first" ] && is_up "$a" && said "$first"
ok "it keeps the port that the system chose"
touch "$a/store/unready"
fails_with "is not ready: HTTP/1.1 500" status --data-dir "$a"
ok "status is not 0 while the API is not ready"
rm "$a/store/unready"
pid=$(part_pid "$a")
kill -9 "$(supervisor_pid "$a")"
cox up --detach --data-dir "$a" --listen "${first#https://}" && [ "$(part_pid "$a")" != "$pid" ] && ! tr -d '\0' <"/proc/$pid/cmdline" 2>/dev/null | grep -q .
ok "after a supervisor was killed its parts end and up starts anew on the same port"

# --- restart keeps what is there ---
cox down --data-dir "$a"
before=$(sum "$a")
cox up --detach --data-dir "$a" --listen 127.0.0.1:0 && [ "$(sum "$a")" = "$before" ] && said "certificates are good"
ok "certificates are kept from one run to the next"
cox down --data-dir "$a"
cox up --detach --data-dir "$a" --listen 127.0.0.1:0 --service-cluster-ip-range 10.7.0.0/16 && said "renewed the server certificate" &&
    openssl x509 -in "$a/pki/apiserver.crt" -noout -ext subjectAltName | grep -q 'IP Address:10.7.0.1'
ok "a certificate whose names do not fit is renewed"
cox down --data-dir "$a"
cox up --detach --data-dir "$a" --listen 127.0.0.1:0 --log-level debug --loops 3 --no-sync &&
    grep -q 'serving with log level debug, loops 3, no-sync 1' "$a/logs/apiserver.log"
ok "options of the API server are passed on"
cox down --data-dir "$a"

{ "$bin/coxswain" up --detach --data-dir "$a" --listen 127.0.0.1:0; } 2>"$work/err" | true
eventually is_up "$a"
ok "a reader of the output that goes away does not end the cluster"
cox down --data-dir "$a"

# --- foreground ---
"$bin/coxswain" up --data-dir "$a" --listen 127.0.0.1:0 >"$work/out" 2>"$work/err" &
up=$!
eventually grep -q 'press Ctrl-C' "$work/out"
kill -INT $up && wait $up
ok "Ctrl-C in the foreground ends with 0"
said "apiserver stopped" && is_down "$a"
ok "and everything is down"

# --- what goes wrong ---
before=$(sum "$a")
echo -n "the store in $a/store was written by a newer Coxswain: use that one" >"$a/store/fail"
fails_with "apiserver did not start: the store in $a/store was written by a newer Coxswain: use that one" \
    up --detach --data-dir "$a" --listen 127.0.0.1:0
ok "what the part said is shown"
rm "$a/store/fail"
[ "$(sum "$a")" = "$before" ] && is_down "$a"
ok "and the data is untouched"
touch "$a/store/hang"
fails_with "apiserver is not ready in time, see $a/logs/apiserver.log" up --detach --data-dir "$a" --listen 127.0.0.1:0 --timeout 1
ok "a part that is never ready is given up"
is_down "$a"
ok "and ended"
rm "$a/store/hang"
fails_with '"nosuch" in --parts is not a part of Coxswain; the parts are: apiserver' up --detach --data-dir "$a" --parts apiserver,nosuch
ok "an unknown part"
fails_with "\"6443\" is not an address: write HOST:PORT" up --detach --data-dir "$a" --listen 6443
ok "a listen address without a port"
fails_with "--service-cluster-ip-range is a network" up --detach --data-dir "$a" --listen 127.0.0.1:0 --service-cluster-ip-range x
ok "a service range that is none"
fails_with "unknown flag --datadir, did you mean --data-dir?" up --datadir "$a"
ok "a flag that is misspelt"
fails_with "there is no command \"upp\"" upp
ok "a command that is misspelt"
echo x >"$work/file"
fails_with "$work/file is in the way: it is not a folder" up --detach --data-dir "$work/file"
ok "a file where the folder should be"
fails_with "cannot make the folder /proc/coxswain" up --detach --data-dir /proc/coxswain
ok "a folder that cannot be made"
echo "users: word" >"$work/bad"
fails_with "$work/bad: not a kubeconfig: \"users\" is not a list" up --detach --data-dir "$a" --listen 127.0.0.1:0 --kubeconfig "$work/bad"
ok "a kubeconfig that is none"
[ "$(cat "$work/bad")" = "users: word" ] && is_down "$a"
ok "is left as it was and nothing runs"
cp "$a/pki/ca.key" "$work/ca.key" && echo garbage >"$a/pki/ca.key"
fails_with "certificate authority is damaged" up --detach --data-dir "$a" --listen 127.0.0.1:0
ok "a damaged authority is not replaced"
cp "$work/ca.key" "$a/pki/ca.key"
mkdir "$work/alone" && cp "$bin/coxswain" "$work/alone/"
"$work/alone/coxswain" up --detach --data-dir "$a" >"$work/out" 2>"$work/err"
[ $? = 1 ] && said "$work/alone/coxswain-apiserver is missing: build it"
ok "no API server beside the command"

# --- defaults ---
mkdir -p "$HOME"
cox version && said "coxswain 0."
ok "version"
cox help && said "Commands:"
ok "help"
cox up --help && said "--service-cluster-ip-range CIDR"
ok "help of a command"
cox up --detach --listen 127.0.0.1:0 && [ -s "$XDG_DATA_HOME/coxswain/kubeconfig" ] && cox status && cox down
ok "the default folder is under XDG_DATA_HOME"

echo "1..$count"
[ $failed = 0 ]
