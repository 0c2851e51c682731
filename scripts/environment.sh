# The project's virtual environment, for the scripts beside this file, which source it.
# Sets `project` (its directory) and `python` (the environment's).

project=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
python=$project/.venv/bin/python

fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Make .venv hold the project with one of its extras: `environment dev` or `environment embedded`.
#
# What was installed is stamped with pyproject.toml and the place, for an environment does not survive a move: while
# both are as they were, nothing is done. The extra `dev` contains `embedded`.
environment() {
    local extra=$1 stamp installed
    stamp=$(printf '%s\n' "$project" && cat "$project/pyproject.toml")
    if is_new_enough "$python"; then
        for installed in dev "$extra"; do
            if [ "$(cat "$project/.venv/installed-$installed" 2>/dev/null)" = "$stamp" ]; then return; fi
        done
    fi

    printf 'Installing what scripts/%s needs into .venv (once, and when pyproject.toml has changed) ...\n' "${0##*/}" >&2
    rm -f "$project/.venv/installed-dev" "$project/.venv/installed-embedded"
    # An interrupted run leaves an environment without pip.
    if ! is_new_enough "$python" || ! "$python" -m pip --version >/dev/null 2>&1; then make_environment; fi
    "$python" -m pip install -qq --disable-pip-version-check --no-input --editable "$project[$extra]" ||
        fail 'The project could not be installed into .venv: see what pip says above, then run this again.'
    printf '%s\n' "$stamp" >"$project/.venv/installed-$extra"
}

make_environment() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11; do
        if ! is_new_enough "$candidate"; then continue; fi
        "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
            fail "$candidate cannot make virtual environments: install its venv package (Debian: apt install python3-venv)."
        "$candidate" -m venv --clear "$project/.venv" ||
            fail "$candidate could not make a virtual environment in .venv: see what it says above."
        return
    done
    fail 'There is no Python 3.11 or newer on PATH: install one.'
}
