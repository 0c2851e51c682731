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
    local log=$project/.venv/installing.log
    if ! "$python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
        --editable "$project[$extra]" 2>&1 | tee "$log" | show_progress; then
        { grep -i '^ *error' "$log"; tail -n 1 "$log"; } | uniq >&2
        fail "The project could not be installed into .venv: see what pip says above (all of it is in $log), then run this again."
    fi
    printf '%s\n' "$stamp" >"$project/.venv/installed-$extra"
}

# Say how an installation goes on, by what pip says: on a terminal in a line that changes, elsewhere every few seconds.
show_progress() {
    local line now found=0 next=$((SECONDS + 5))
    while IFS= read -r line; do
        case $line in
            Collecting\ * | Processing\ *)
                # A requirement, or the path of a wheel.
                found=$((found + 1)) now=${line#* } now=${now%% *} now=${now##*/} now=${now%%-[0-9]*}
                now="packages found: $found, the last is ${now%%[<>=!~;[]*}"
                ;;
            Building\ wheels*) now='building what no wheel is there for' ;;
            Installing\ collected*) now="installing packages: $found" ;;
            *) continue ;;
        esac
        if [ -t 2 ]; then
            printf '\r\033[K  %s' "$now" >&2
        elif ((SECONDS >= next)); then
            next=$((SECONDS + 5))
            printf '  %s\n' "$now" >&2
        fi
    done
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
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
