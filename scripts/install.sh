#!/bin/sh
# Makes .venv with every locked dependency, builds the engine and installs the package in place.
#
# Needs Python 3.11 or newer and nothing else: CMake and Ninja come with the locked dependencies, and
# so does a compiler where the machine has none. PYTHON names the interpreter, CXX the compiler.
set -eu
cd "$(dirname "$0")/.."

VENV=.venv
PYTHON_IN_VENV=$VENV/bin/python

fail() {
    printf 'install: %s\n' "$@" >&2
    exit 1
}

say() {
    printf '==> %s\n' "$1"
}

# True where $1 is a Python that starts and is new enough. A name on PATH may be a shim that only fails.
is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || fail "PYTHON must name a Python 3.11 or newer, not '$PYTHON' ($(version_of "$PYTHON"))"
        printf '%s' "$PYTHON"
        return
    fi
    for candidate in python3.13 python3.12 python3.11 python3; do
        if is_new_enough "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed; python3 is $(version_of python3)." \
        "Install one (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python)," \
        "or name one that is not on PATH: PYTHON=/path/to/python make install"
}

version_of() {
    "$1" --version 2>/dev/null || printf 'not installed'
}

# Quiet unless it fails; `uv --version` also tells a working uv from a shim.
have_uv() {
    uv --version >/dev/null 2>&1
}

make_venv() {
    if is_new_enough "$PYTHON_IN_VENV"; then
        return
    fi
    python=$(find_python)
    say "environment: $VENV, from $("$python" --version)"
    rm -rf "$VENV"
    if "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        "$python" -m venv "$VENV"
    elif have_uv; then
        uv venv --quiet --python "$python" "$VENV"
    else
        fail "$("$python" --version) has no venv module." \
            "Install it (Debian, Ubuntu: apt-get install python3-venv), or install uv."
    fi
}

# Installs what a lock pins, by hash. uv takes seconds, pip a minute; both take the same file.
install_locked() {
    if have_uv && uv pip install --quiet --python "$PYTHON_IN_VENV" --require-hashes -r "$1"; then
        return
    fi
    "$PYTHON_IN_VENV" -m pip --version >/dev/null 2>&1 ||
        fail "uv could not install $1, and $VENV has no pip to try instead"
    "$PYTHON_IN_VENV" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$1"
}

# True where there is a compiler that works: one on PATH may still lack its C++ library.
compiles() {
    printf '#include <vector>\nint main() { return static_cast<int>(std::vector<int>().size()); }\n' |
        "$1" -x c++ -std=c++17 -fsyntax-only - >/dev/null 2>&1
}

find_compiler() {
    if [ -n "${CXX:-}" ]; then
        # Unquoted on purpose: CXX may hold a launcher or flags, as in "ccache g++".
        # shellcheck disable=SC2086
        printf 'int main() {}\n' | $CXX -x c++ -fsyntax-only - >/dev/null 2>&1 ||
            fail "CXX must name a C++ compiler that works, not '$CXX'"
        printf '%s' "$CXX"
        return
    fi
    for candidate in c++ g++ clang++; do
        if compiles "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
}

# CMake wants one executable for each tool, and Zig is one executable for all of them.
wrap_zig() {
    say "no C++ compiler found: taking Zig from the package index (about 400 MB)"
    install_locked requirements/zig.txt
    mkdir -p "$VENV/zig"
    for tool in c++ ar ranlib; do
        printf '#!/bin/sh\nexec "%s" -m ziglang %s "$@"\n' "$PWD/$PYTHON_IN_VENV" "$tool" >"$VENV/zig/$tool"
        chmod +x "$VENV/zig/$tool"
    done
    CXX=$PWD/$VENV/zig/c++
    CMAKE_ARGS="${CMAKE_ARGS:-} -DCMAKE_AR=$PWD/$VENV/zig/ar -DCMAKE_RANLIB=$PWD/$VENV/zig/ranlib"
    export CMAKE_ARGS
}

# Without isolation, because the build tools are in the environment already, pinned by hash.
install_package() {
    say "engine: building with $CXX"
    PATH=$PWD/$VENV/bin:$PATH
    export CXX PATH
    # A cache that another compiler wrote would be refused, or worse, reused.
    build=build/engine-$(printf '%s' "$CXX" | cksum | cut -d ' ' -f 1)
    if have_uv; then
        uv pip install --quiet --python "$PYTHON_IN_VENV" --no-deps --no-build-isolation --reinstall-package leadscoring \
            --config-settings build-dir="$build" --editable .
    else
        "$PYTHON_IN_VENV" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
            --config-settings build-dir="$build" --editable .
    fi
}

make_venv
say "dependencies: requirements/dev.txt"
install_locked requirements/dev.txt
CXX=$(find_compiler)
if [ -z "$CXX" ]; then
    wrap_zig
fi
install_package
say "ready: $("$PYTHON_IN_VENV" --version) in $VENV"
