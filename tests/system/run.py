"""Runs every system test and appends "passed failed skipped" to a file. Usage: run.py BUILD RESULTS [FILE…]

Each *_test.py is a program of its own (cases.py): what it prints is passed on line by line."""
import os
import pathlib
import re
import subprocess
import sys

from cases import LONG

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_SECONDS = 3600 if LONG else 1200  # only ends a hung test


def run(path):
    """(passed, failed, skipped) of one file; a file without a total has failed."""
    print(f"-- {path.name}", flush=True)
    last = ""
    with subprocess.Popen(["timeout", str(LIMIT_SECONDS), sys.executable, str(path)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as child:
        for line in child.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    total = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", last)
    if not total:
        print(f"FAIL {path.name}: no total; exit code {child.returncode}")
        return 0, 1, 0
    return tuple(int(word) for word in total.groups())


def main():
    os.environ["SKUA_BUILD"] = os.path.abspath(sys.argv[1])
    files = [pathlib.Path(name) for name in sys.argv[3:]] or sorted(HERE.glob("*_test.py"))
    totals = [sum(column) for column in zip(*map(run, files))]
    with open(sys.argv[2], "a", encoding="ascii") as results:
        results.write("%d %d %d\n" % tuple(totals))


main()
