#!/usr/bin/env bash
# Makes .venv and installs Suasion into it: scripts/install.sh EXTRAS (default: local,train).
# Does nothing if that was done already for these versions. Every failure is one clear line.
set -u
cd "$(dirname "$0")/.." || exit 1
extras=${1:-local,train}
fail() { printf 'suasion: %s\n' "$1" >&2; exit 1; }

python=''
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
  command -v "$candidate" >/dev/null 2>&1 || continue
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate; break
  fi
  old="$candidate is $("$candidate" -V 2>&1)"
done
[ -n "$python" ] || fail "needs Python 3.11 or newer; found ${old:-no Python at all}. Install one, or name it: make PYTHON=/path/to/python3.11"

stamp=.venv/.suasion-$(cat pyproject.toml constraints.txt | "$python" -c 'import hashlib,sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:12])')-${extras//,/-}
[ -e "$stamp" ] && exit 0

log=$(mktemp) || fail "cannot write to ${TMPDIR:-/tmp}: is the disk full?"
trap 'rm -f "$log"' EXIT
explain() {
  grep -qiE 'no space left|disk quota' "$log" && fail "the disk is full: an installation needs about 2.5 GB in $(pwd)/.venv"
  grep -qiE 'name resolution|failed to establish|connection (refused|reset|timed out)|network is unreachable|proxyerror|from versions: none' "$log" \
    && fail "cannot reach a package index: the first installation needs a network (everything after works offline)"
  cp "$log" .venv/install.log 2>/dev/null
  fail "$1: $(grep -iE 'error|denied' "$log" | head -1) (whole log: .venv/install.log)"
}

if [ ! -x .venv/bin/python ]; then
  echo "making .venv with $("$python" -V)"
  "$python" -m venv .venv >"$log" 2>&1 || {
    grep -qi ensurepip "$log" && fail "$python has no venv module; on Debian: apt-get install python3-venv"
    explain "cannot make .venv"
  }
fi
echo "installing (once, a few minutes; about 2.5 GB)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 2 --timeout 20 \
  -c constraints.txt -e ".[$extras]" >"$log" 2>&1 || explain "the installation failed"
touch "$stamp"
