#!/usr/bin/env bash
# python.exe under Wine with the arguments given. Wine 8 needs a standard input that is empty and an
# output that is a pipe.
dir=${YUME_WINDOWS:-$(cd "$(dirname "$0")" && pwd)}
export WINEPREFIX=$dir/prefix WINEDEBUG=${WINEDEBUG:--all}
export LC_ALL=C.UTF-8 # Wine stores names of files in this encoding
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp} KMP_AFFINITY=disabled
native=vcruntime140,vcruntime140_1,msvcp140,msvcp140_1,msvcp140_2,msvcp140_atomic_wait
export WINEDLLOVERRIDES="ucrtbase=n,b;$native,concrt140,vcomp140=n,b;winemenubuilder.exe=d"
set -o pipefail
/usr/lib/wine/wine64 "$dir/py/python.exe" "$@" </dev/null 2>&1 | cat
