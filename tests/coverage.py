"""Line coverage of what is pure, from the counts that programs built with --coverage left behind.

Usage: coverage.py BUILD [--missed] [--results FILE]
Prints each file's share and the total of each part; exit status 1 if a part has less than WANTED percent.
docs/coverage.md says which lines stay uncovered, and why."""
import argparse
import json
import os
import subprocess
import sys

PARTS = ("zones", "dataplane/answer", "dataplane/net")
WANTED = 95.0
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def data_files(build):
    for folder, _, names in os.walk(build):
        yield from (os.path.join(folder, name) for name in names if name.endswith(".gcda"))


def part_of(path):
    return next((part for part in PARTS if path.startswith(part + "/")), None)


def read(build):
    """{file: {line: times run}}; a header's lines are summed over the sources that include it."""
    lines = {}
    files = [os.path.relpath(path, build) for path in data_files(build)]
    for start in range(0, len(files), 50):
        said = subprocess.run(["gcov", "--json-format", "--stdout", *files[start:start + 50]], cwd=build,
                              check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        for report in said.splitlines():
            for file in json.loads(report)["files"]:
                path = os.path.relpath(os.path.normpath(os.path.join(build, file["file"])), ROOT)
                if part_of(path):
                    counted = lines.setdefault(path, {})
                    for line in file["lines"]:
                        counted[line["line_number"]] = counted.get(line["line_number"], 0) + line["count"]
    return lines


def ranges(numbers):
    spans = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def show(part, lines, missed):
    """Prints a part; returns its percentage."""
    run = total = 0
    for path in sorted(path for path in lines if part_of(path) == part):
        not_run = sorted(line for line, count in lines[path].items() if count == 0)
        here = len(lines[path])
        run, total = run + here - len(not_run), total + here
        print(f"{100 * (here - len(not_run)) / here:6.1f} %  {here - len(not_run):5} of {here:5}  {path}"
              + (f": {ranges(not_run)}" if missed and not_run else ""))
    percent = 100 * run / total if total else 0
    print(f"{percent:6.1f} %  {run:5} of {total:5}  {part}/ in all\n")
    return percent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--missed", action="store_true")
    parser.add_argument("--results", default=os.devnull)
    options = parser.parse_args()
    lines = read(os.path.abspath(options.build))
    low = [part for part in PARTS if show(part, lines, options.missed) < WANTED]
    for part in low:
        print(f"{part}/ has less than {WANTED:.0f} % of its lines covered")
    with open(options.results, "a", encoding="utf-8") as file:
        file.write(f"{len(PARTS) - len(low)} {len(low)} 0\n")
    return 1 if low and options.results == os.devnull else 0


sys.exit(main())
