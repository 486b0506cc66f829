"""Lays out a Windows Python from wheels, and writes the C sources of what Wine 8 lacks.

python3 scripts/windows/lay_out_python.py DIR

Reads the wheels in DIR/wheels. Writes DIR/py, the interpreter with its library, and into DIR/build
the sources that `setup_wine.sh` compiles:

- python.exe, which calls Py_Main;
- python3.dll, the stable ABI of python311.dll;
- ucrtbase.dll, which adds complex functions of C99 to that of Wine;
- bcryptprimitives.dll with ProcessPrng.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

OBJDUMP = "x86_64-w64-mingw32-objdump"
WINE_UCRT = Path("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/ucrtbase.dll")
BESIDE_EXTENSIONS = ("libffi", "libcrypto", "libssl", "sqlite3", "tcl", "tk")

COMPLEX_TYPES = r"""
#include <complex.h>
#include <math.h>
typedef struct { double r, i; } Z;
typedef struct { float r, i; } F;
static Z z(double complex c) { Z o = {creal(c), cimag(c)}; return o; }
static F f(double complex c) { F o = {(float)creal(c), (float)cimag(c)}; return o; }
#define C(a) ((a).r + (a).i * I)
"""
PYTHON_EXE = r"""
#include <windows.h>
#include <stdio.h>
int wmain(int argc, wchar_t **argv) {
    HMODULE library = LoadLibraryW(L"python311.dll");
    if (!library) {
        fprintf(stderr, "python311.dll: error %lu\n", GetLastError());
        return 99;
    }
    return ((int (*)(int, wchar_t **))GetProcAddress(library, "Py_Main"))(argc, argv);
}
"""
PROCESS_PRNG = r"""
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
    return SystemFunction036(bytes, (ULONG)count);
}
"""


def main() -> None:
    root = Path(sys.argv[1])
    python, build = root / "py", root / "build"
    for wheel in sorted((root / "wheels").glob("*.whl")):
        unpack(wheel, python)
    skipped = shutil.ignore_patterns(
        "site-packages", "lib-dynload", "__pycache__", "test", "config-*"
    )
    library = sysconfig.get_path("stdlib")
    shutil.copytree(library, python / "Lib", ignore=skipped, dirs_exist_ok=True)

    match_core(python / "Lib")

    functions = complex_functions()
    (build / "ucrt.c").write_text(COMPLEX_TYPES + "\n".join(functions.values()) + "\n")
    names = sorted({*exports(WINE_UCRT), *functions})
    rows = [(name, f"my_{name}" if name in functions else f"ucrtorig.{name}") for name in names]
    write_exports(build / "ucrt.def", "ucrtbase.dll", rows)
    copy_as_native(WINE_UCRT, python / "ucrtorig.dll")

    stable_abi = [(name, f"python311.{name}") for name in exports(python / "python311.dll")]
    write_exports(build / "python3.def", "python3.dll", stable_abi)
    (build / "empty.c").write_text("int empty;\n")
    (build / "bcrypt.def").write_text("LIBRARY bcryptprimitives.dll\nEXPORTS\n  ProcessPrng\n")
    (build / "bcrypt.c").write_text(PROCESS_PRNG)
    (build / "python.c").write_text(PYTHON_EXE)


def unpack(wheel: Path, python: Path) -> None:
    """Extract the libraries and extension modules of a wheel into the folders of Python."""
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            name = Path(info.filename).name
            lower = name.lower()
            of_panda3d = info.filename.startswith("deploy_libs/")
            if of_panda3d and not lower.startswith(("api-ms", "vcruntime")):
                is_extension = lower.endswith(".pyd") or lower.startswith(BESIDE_EXTENSIONS)
                folder = python / "DLLs" if is_extension else python
                (folder / name).write_bytes(archive.read(info))
            elif "/Scripts/" in info.filename and lower.endswith(".dll"):
                (python / name).write_bytes(archive.read(info))


def match_core(library: Path) -> None:
    """Correct the library where the core of Python 3.11.9 needs more than an older 3.11 has.

    The library is that of this machine's Python.
    """
    path = library / "importlib" / "metadata" / "__init__.py"
    text = path.read_text(encoding="utf-8")
    method = "    def invalidate_caches(cls):"
    if f"    @classmethod\n{method}" not in text:
        path.write_text(text.replace(method, f"    @classmethod\n{method}"), encoding="utf-8")


def exports(library: Path) -> list[str]:
    """The names that a DLL exports."""
    done = subprocess.run([OBJDUMP, "-p", str(library)], capture_output=True, text=True, check=True)
    row = re.compile(r"\s+\[\s*\d+\]\s+(?:\+base\[\s*\d+\]\s+)?(?:[0-9a-f]+\s+)?(\S+)$")
    lines = done.stdout.split("[Ordinal/Name Pointer] Table")[1].splitlines()
    return [match.group(1) for match in map(row.match, lines) if match]


def complex_functions() -> dict[str, str]:
    """C99's complex functions with the calling convention of MSVC, in C, by name."""
    written: dict[str, str] = {}

    def define(name: str, result: str, arguments: str, body: str) -> None:
        written[name] = f"{result} my_{name}({arguments}) {{ {body} }}"

    names = ("exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan")
    elementary = (*names, "sinh", "cosh", "tanh", "asinh", "acosh", "atanh")
    numbers = {
        "cabs": "hypot(a.r, a.i)",
        "carg": "atan2(a.i, a.r)",
        "creal": "a.r",
        "cimag": "a.i",
        "norm": "a.r * a.r + a.i * a.i",
    }
    for suffix, kind, make, real in (
        ("", "Z", "z", "double"),
        ("f", "F", "f", "float"),
        ("l", "Z", "z", "double"),
    ):
        for name in elementary:
            define(f"c{name}{suffix}", kind, f"{kind} a", f"return {make}(c{name}(C(a)));")
        power = f"return {make}(cpow(C(a), C(b)));"
        define(f"cpow{suffix}", kind, f"{kind} a, {kind} b", power)
        define(f"conj{suffix}", kind, f"{kind} a", "a.i = -a.i; return a;")
        define(f"cproj{suffix}", kind, f"{kind} a", f"return {make}(cproj(C(a)));")
        for name, value in numbers.items():
            define(f"{name}{suffix}", real, f"{kind} a", f"return ({real})({value});")
    product = "return {make}(C(a) * C(b));"
    for prefix, kind, real in (("", "Z", "double"), ("F", "F", "float"), ("L", "Z", "double")):
        make = kind.lower()
        build = f"{kind} o = {{a, b}}; return o;"
        define(f"_{prefix}Cbuild", kind, f"{real} a, {real} b", build)
        define(f"_{prefix}Cmulcc", kind, f"{kind} a, {kind} b", product.format(make=make))
        scale = "a.r *= b; a.i *= b; return a;"
        define(f"_{prefix}Cmulcr", kind, f"{kind} a, {real} b", scale)
    return written


def write_exports(path: Path, library: str, rows: list[tuple[str, str]]) -> None:
    """Write the module definition file of a DLL: its exported names and what they stand for."""
    lines = [
        f'  "{name}" = "{target}"' if "." in target else f'  "{name}" = {target}'
        for name, target in rows
    ]
    path.write_text(f"LIBRARY {library}\nEXPORTS\n" + "\n".join(lines) + "\n")


def copy_as_native(library: Path, copy: Path) -> None:
    """Copy a DLL of Wine without the mark by which Wine would load its own file instead."""
    image = bytearray(library.read_bytes())
    mark = b"Wine builtin DLL"
    place = image.index(mark)
    image[place : place + len(mark)] = b"Copied from Wine"
    copy.write_bytes(image)


if __name__ == "__main__":
    main()
