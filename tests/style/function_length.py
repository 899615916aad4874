"""Names every function that is longer than LIMIT lines. Usage: function_length.py LIMIT FILE…

Relies on the formatter: a function body opens with "{" and closes with "}" in column 0."""
import sys


def long_functions(path, limit):
    lines = open(path, encoding="utf-8").read().split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            if number - start + 1 > limit:
                yield start, number - start + 1
            start = None


def main():
    limit = int(sys.argv[1])
    found = [(path, line, length) for path in sys.argv[2:] for line, length in long_functions(path, limit)]
    for path, line, length in found:
        print(f"{path}:{line}: function of {length} lines; split it (limit {limit})")
    return 1 if found else 0


sys.exit(main())
