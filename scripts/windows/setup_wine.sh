#!/usr/bin/env bash
# Builds a Windows Python 3.11 that runs under Wine, to try Yume on the Windows API from Linux.
#
#   scripts/windows/setup_wine.sh [DIR]     default: ~/.cache/yume-windows, about a minute
#
# Everything comes from Debian and PyPI: the Windows wheel of Panda3D holds python311.dll and the
# standard extension modules. Needs Debian or Ubuntu, apt-get as root, and python3 3.11.
# Afterwards DIR/python is python.exe.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:-$HOME/.cache/yume-windows}
if [ -e "$dir/ready" ]; then
  echo "ready: $dir/python"
  exit 0
fi
if ! command -v x86_64-w64-mingw32-gcc >/dev/null || [ ! -x /usr/lib/wine/wine64 ]; then
  apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    wine wine64 gcc-mingw-w64-x86-64 >/dev/null
fi
mkdir -p "$dir"/{py/DLLs,py/Lib,wheels,build}
for wheel in panda3d==1.10.16 msvc-runtime==14.44.35112; do
  python3 -m pip download -q --no-deps --only-binary=:all: --platform win_amd64 \
    --python-version 311 -d "$dir/wheels" "$wheel"
done
python3 "$here/lay_out_python.py" "$dir"
cd "$dir/build"
x86_64-w64-mingw32-gcc -municode -O2 -o ../py/python.exe python.c
x86_64-w64-mingw32-gcc -O2 -shared -static -o ../py/ucrtbase.dll ucrt.c ucrt.def
x86_64-w64-mingw32-gcc -O2 -shared -o ../py/python3.dll empty.c python3.def
x86_64-w64-mingw32-gcc -O2 -shared -o ../py/bcryptprimitives.dll bcrypt.c bcrypt.def -ladvapi32
install -m 755 "$here/wine_python.sh" "$dir/python"
YUME_WINDOWS="$dir" "$dir/python" -m ensurepip >/dev/null
touch "$dir/ready"
echo "ready: $dir/python"
