#!/bin/sh
# The engine's tests under the address and undefined-behaviour sanitizers: any report fails the run.
# PYTHON selects the interpreter (default: that of .venv), CXX the compiler.
set -eu
. "$(dirname "$0")/../common.sh"

python=$(command -v "${PYTHON:-.venv/bin/python}") || cannot_run "${PYTHON:-.venv/bin/python} does not exist: run make install"
compiler=${CXX:-g++}
build=build/sanitize
package=$build/python/leadscoring

PATH="$(dirname "$python"):$PATH" cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None \
  -DCMAKE_CXX_COMPILER="$compiler" -DPython_EXECUTABLE="$python" -DLEADSCORING_SANITIZE=ON >"$build.log" 2>&1 ||
  { cat "$build.log" >&2; exit 2; }
PATH="$(dirname "$python"):$PATH" cmake --build "$build" >"$build.log" 2>&1 || { cat "$build.log" >&2; exit 2; }

# A separate package, so that the installed one stays unchanged.
rm -rf "$build/python"
mkdir -p "$package"
cp -R src/leadscoring/. "$package"
rm -f "$package"/_engine*.so
cp "$build"/_engine*.so "$package"

# The sanitizers must be loaded first, and libstdc++ with them, so that they intercept exceptions.
preload="$("$compiler" -print-file-name=libasan.so) $("$compiler" -print-file-name=libubsan.so) $("$compiler" -print-file-name=libstdc++.so.6)"
report=$build/report
rm -f "$report".*
status=0
env LD_PRELOAD="$preload" PYTHONMALLOC=malloc PYTHONPATH="$build/python" \
  ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=1:log_path=$report:exitcode=99" \
  UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:log_path=$report" \
  "$python" -S -c "
import site, sys
sys.path.insert(0, '$build/python')
site.main()
sys.meta_path[:] = [finder for finder in sys.meta_path if 'ScikitBuild' not in type(finder).__name__]
from leadscoring import _engine
assert '$build' in _engine.__file__, _engine.__file__
import pytest
sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'tests/model/test_trees.py', 'tests/model/test_ubjson.py', 'tests/engine', 'tests/ledger/test_segments.py', 'tests/ledger/test_tape.py', 'tests/ledger/test_recorder.py', 'tests/ledger/test_lead_key.py', 'tests/bulk/test_recorder.py', *sys.argv[1:]]))
" "$@" || status=$?

for found in "$report".*; do
  [ -e "$found" ] || continue
  cat "$found" >&2
  status=1
done
exit "$status"
