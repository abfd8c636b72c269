#!/bin/sh
# Creates the environment in .venv, step by step: `venv.sh serving | training | development`.
#
#   serving      what `make dev` needs: the locked libraries of serving, the build tools, the engine, the package
#   training     adds the libraries of `leadscoring train`
#   development  adds the tools of tests, lint and documentation
#
# Each step requires the one before it. Only Python 3.11 or newer must be installed: a missing compiler comes from the
# package index, and missing headers of Python come through apt-get into build/headers, both without root.
# PYTHON selects the interpreter, CXX the compiler. The output of the tools is in build/install.log.
set -eu
. "$(dirname "$0")/../common.sh"
NAME=install # people type make install

VENV=.venv
PYTHON_IN_VENV=$VENV/bin/python
LOG=build/install.log
HEADERS=$PWD/build/headers
BEGAN=$(date +%s)
SHOWN_FROM_MB=2

# --- what is installed on this machine

# Whether $1 is a Python that starts and is new enough. A name on PATH may be a shim that only fails.
is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

version_of() {
    printed=$("$1" --version 2>/dev/null) || printed="not installed"
    printf '%s\n' "$printed" | sed -n '/./{p;q;}' # another program may print a page
}

# Prints the command that installs everything this script may require, on this system.
how_to_install() {
    case $(uname -s) in
    Darwin) echo "xcode-select --install; brew install python" ;;
    *)
        if command -v apt-get >/dev/null; then
            echo "sudo apt-get install python3 python3-venv python3-dev g++"
        elif command -v dnf >/dev/null; then
            echo "sudo dnf install python3 python3-devel gcc-c++"
        elif command -v apk >/dev/null; then
            echo "sudo apk add python3 python3-dev g++"
        else
            echo "install Python 3.11 or newer with its headers, and a C++ compiler"
        fi
        ;;
    esac
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || fail "PYTHON must name a Python 3.11 or newer, not '$PYTHON' ($(version_of "$PYTHON"))"
        printf '%s' "$PYTHON"
        return
    fi
    for candidate in python3.14 python3.13 python3.12 python3.11 python3; do
        if is_new_enough "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is required; python3 is $(version_of python3)." \
        "Install it: $(how_to_install)" \
        "or select one that is not on PATH: PYTHON=/path/to/python make dev"
}

# `uv --version` also distinguishes a working uv from a shim.
have_uv() {
    uv --version >/dev/null 2>&1
}

# Whether $1 is a compiler that works: one on PATH may lack its C++ library.
compiles() {
    printf '#include <vector>\nint main() { return static_cast<int>(std::vector<int>().size()); }\n' |
        "$1" -x c++ -std=c++17 -fsyntax-only - >/dev/null 2>&1
}

find_compiler() {
    if [ -n "${CXX:-}" ]; then
        # Unquoted on purpose: CXX may contain a launcher or flags, as in "ccache g++".
        # shellcheck disable=SC2086
        printf 'int main() {}\n' | $CXX -x c++ -fsyntax-only - >/dev/null 2>&1 ||
            fail "CXX must name a working C++ compiler, not '$CXX'"
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

has_headers() {
    "$1" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
}

# Checks for all missing requirements before anything is downloaded.
check_machine() {
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 || have_uv ||
        fail "$("$python" --version) has no venv module." "Install it: $(how_to_install)"
    compiler=$(find_compiler)
    [ -n "$compiler" ] || say "no C++ compiler is installed: downloading Zig from the package index (about 95 MB)"
    if has_headers "$python" || [ -e "$HEADERS/.done" ]; then
        headers=
    elif command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
        headers=fetch
        say "Python.h is not installed: downloading Debian's package to build/headers (about 5 MB)"
    else
        fail "$("$python" --version) has no headers (Python.h), which the engine requires to compile." \
            "Install them: $(how_to_install)"
    fi
}

# --- running other tools

# Runs a command with all its output in the log; prints large downloads and the steps of the compiler as progress.
logged() {
    rm -f build/install.failed
    { "$@" 2>&1 || echo $? >build/install.failed; } | while IFS= read -r line; do
        printf '%s\n' "$line" >>"$LOG"
        show "$line"
    done
    [ ! -e build/install.failed ] && return
    tail -n 30 "$LOG" >&2
    fail "this command failed: $*" "Its output is in $LOG. $(what_may_help)"
}

# Prints a likely remedy for a failed command from its last output: pip only reports that it found no versions, not
# that the network failed.
what_may_help() {
    case $(tail -n 30 "$LOG") in
    *"(from versions: none)"* | *"connection broken"* | *"Read timed out"* | *"ConnectTimeout"*)
        echo "The package index did not respond, or lacks a package: check the network, https_proxy and PIP_INDEX_URL, and retry." ;;
    *) echo "A requirement may be missing: $(how_to_install)" ;;
    esac
}

show() {
    case $1 in
    *Downloading*" MB)"* | *Downloading*MiB\)*)
        size=${1##*\(}
        [ "${size%%[!0-9]*}" -lt $SHOWN_FROM_MB ] ||
            printf '%s\n' "$1" | sed 's/.*Downloading /    /; s/-[^-]*-[^-]*-[^- ]*\.whl//'
        ;;
    *"["*/*"] Building"* | *"["*/*"] Linking"*)
        step=${1#*\[}
        step=${step%%\]*}
        if [ -t 1 ]; then
            printf '\r    step %s' "$step"
            [ "${step%/*}" != "${step#*/}" ] || printf '\n'
        elif [ $((${step%/*} % 10)) -eq 0 ]; then
            printf '    step %s\n' "$step"
        fi
        ;;
    esac
}

# Megabytes that pip reports as downloaded, in the log.
downloaded() {
    awk '/Downloading .*\([0-9.]+ [kM]B\)/ { size = $0; sub(/.*\(/, "", size); split(size, part, " ")
         total += part[1] / (part[2] ~ /^k/ ? 1000 : 1) } END { printf "%.0f", total }' "$LOG"
}

# Installs the packages of lock files, by hash. uv takes seconds, pip a minute; both read the same files.
install_locked() {
    locks=
    for lock in "$@"; do
        locks="$locks -r requirements/$lock"
    done
    # shellcheck disable=SC2086  # several words
    if have_uv && uv pip install --python "$PYTHON_IN_VENV" --require-hashes $locks >>"$LOG" 2>&1; then
        return
    fi
    "$PYTHON_IN_VENV" -m pip --version >/dev/null 2>&1 ||
        fail "uv could not install $*, and $VENV has no pip to try instead; the output of uv is in $LOG"
    # shellcheck disable=SC2086
    logged "$PYTHON_IN_VENV" -m pip install --disable-pip-version-check --progress-bar off --require-hashes $locks
}

# --- the steps

make_venv() {
    if [ "$(cat "$VENV/.place" 2>/dev/null)" = "$(pwd -P)" ] && is_new_enough "$PYTHON_IN_VENV" && { have_uv || "$PYTHON_IN_VENV" -m pip --version >/dev/null 2>&1; }; then
        return
    fi
    [ ! -e "$VENV" ] || say "replacing $VENV: it was created in another folder or by another tool, or its Python is gone"
    say "creating $VENV with $("$python" --version)"
    rm -rf "$VENV"
    if "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        "$python" -m venv "$VENV"
    else
        uv venv --quiet --python "$python" "$VENV"
    fi
    pwd -P >"$VENV/.place" # its programs contain this path
}

# CMake requires one executable per tool, and Zig is one executable for all of them.
wrap_zig() {
    install_locked zig.txt
    mkdir -p "$VENV/zig"
    for tool in c++ ar ranlib; do
        printf '#!/bin/sh\nexec "%s" -m ziglang %s "$@"\n' "$PWD/$PYTHON_IN_VENV" "$tool" >"$VENV/zig/$tool"
        chmod +x "$VENV/zig/$tool"
    done
    compiler=$PWD/$VENV/zig/c++
    add_cmake_args "-DCMAKE_AR='$PWD/$VENV/zig/ar' -DCMAKE_RANLIB='$PWD/$VENV/zig/ranlib'"
}

add_cmake_args() {
    CMAKE_ARGS="${CMAKE_ARGS:-} $1"
    export CMAKE_ARGS
}

# apt-get downloads and dpkg unpacks without root. If apt has no package lists, they go next to the headers.
fetch_headers() {
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    rm -rf "$HEADERS"
    mkdir -p "$HEADERS/lists/partial" "$HEADERS/cache/archives/partial"
    if ! (cd "$HEADERS" && apt-get download "libpython$version-dev") >>"$LOG" 2>&1; then
        own="-o Dir::State::Lists=$HEADERS/lists -o Dir::Cache=$HEADERS/cache"
        # shellcheck disable=SC2086  # several words
        (cd "$HEADERS" && apt-get $own update && apt-get $own download "libpython$version-dev") >>"$LOG" 2>&1 ||
            fail "libpython$version-dev could not be downloaded; apt-get's error is in $LOG." "Install it: $(how_to_install)"
    fi
    dpkg -x "$HEADERS"/libpython*.deb "$HEADERS"
    # Debian's pyconfig.h only includes the one of the architecture, from a folder that is not on the include path here.
    cp "$HEADERS"/usr/include/*-*/"python$version"/pyconfig.h "$HEADERS/usr/include/python$version/pyconfig.h"
    (cd "$HEADERS" && rm -rf ./*.deb lists cache usr/lib usr/share)
    touch "$HEADERS/.done"
}

# Without isolation, because the environment already contains the build tools, pinned by hash.
install_package() {
    say "compiling the engine with $compiler"
    PATH=$PWD/$VENV/bin:$PATH
    CXX=$compiler
    export CXX PATH
    # A cache of another compiler would be rejected, or worse, reused.
    build=build/engine-$(printf '%s' "$CXX" | cksum | cut -d ' ' -f 1)
    if have_uv; then
        logged uv pip install --verbose --python "$PYTHON_IN_VENV" --no-deps --no-build-isolation \
            --reinstall-package leadscoring --config-settings build-dir="$build" --editable .
    else
        logged "$PYTHON_IN_VENV" -m pip install --verbose --disable-pip-version-check --no-deps --no-build-isolation \
            --config-settings build-dir="$build" --editable .
    fi
}

serving() {
    check_machine
    make_venv
    say "installing the libraries of serving and the build tools of the engine"
    install_locked serve.txt build.txt
    [ -n "$compiler" ] || wrap_zig
    [ -z "$headers" ] || fetch_headers
    if [ -e "$HEADERS/.done" ] && ! has_headers "$python"; then
        add_cmake_args "-DPython_INCLUDE_DIR='$(echo "$HEADERS"/usr/include/python*)'"
    fi
    install_package
}

training() {
    say "installing the libraries of training"
    install_locked train.txt
}

development() {
    say "installing the tools of tests, lint and documentation"
    install_locked dev.txt
}

{ mkdir -p build && : >"$LOG"; } 2>/dev/null || fail "$PWD must be writable"
case ${1:-} in
serving | training | development) "$1" ;;
*) fail "the step must be serving, training or development, not '${1:-}'" ;;
esac
say "ready: $("$PYTHON_IN_VENV" --version) in $VENV, $(($(date +%s) - BEGAN)) s, $(downloaded) MB downloaded"
