# What the scripts in this folder share. Source it; do not run it.
set -euo pipefail
# Development machines may pin OpenBLAS to kernels of another processor, which halves its speed.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
# dovecot and postfix live in /usr/sbin, which an ordinary user's PATH on Debian leaves out.
PATH=$PATH:/usr/sbin:/sbin
export PATH LC_ALL=C.UTF-8

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
state=$root/.martlet
script=${0##*/}
begun=$EPOCHREALTIME

# step TEXT…: one progress line with the seconds since the script began.
step() {
    local now=$EPOCHREALTIME
    printf '[%4ds] %s\n' $(((${now/[.,]/} - ${begun/[.,]/}) / 1000000)) "$*"
}
warn() { printf '%s: %s\n' "$script" "$*" >&2; }
# fail TEXT…: ends with status 1. usage TEXT…: ends with status 2, as for wrong arguments or a missing prerequisite.
fail() { warn "$@"; exit 1; }
usage() { warn "$@"; exit 2; }

is_root() { [ "$(id -u)" = 0 ]; }

# as_root COMMAND…: as it stands for root, through sudo otherwise. Variables go on the command line: sudo drops them.
as_root() {
    if is_root; then "$@"; else sudo "$@"; fi
}

# can_be_root: root, or a sudo that will not block on a password nobody can type.
can_be_root() {
    is_root || { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; }
}

# free_ports N: N port numbers nobody listens on, below the range the kernel gives to outgoing connections.
free_ports() {
    python3 - "$1" <<'PYTHON'
import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", random.randrange(20000, 32000)))
        held.append(s)
    except OSError:
        s.close()
print(*(s.getsockname()[1] for s in held))
PYTHON
}

# is_listening PORT
is_listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_until SECONDS COMMAND…: asks ten times a second; status 1 when time is up.
wait_until() {
    local tries=$(($1 * 10))
    shift
    until "$@"; do
        [ $((tries -= 1)) -gt 0 ] || return 1
        sleep 0.1
    done
}
