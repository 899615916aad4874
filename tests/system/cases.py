"""cases: a tiny runner, so that scripts/test can add up what every kind of test reports.

A test file decorates functions with @case("name") and ends with cases.main(). Each case prints one
line, `ok name`, `FAIL name: reason` or `skip name: reason`; the last line is the total,
`12 passed, 0 failed, 1 skipped`. The exit code is 1 if one failed. Arguments that are no options
pick the cases whose names contain one of them.
"""

import os
import sys
import time
import traceback

LONG = os.environ.get("SKUA_LONG") == "yes"  # scripts/test --long; else it says "no"

_cases = []


class Skip(Exception):
    """Raised by a case that can't run here; says why."""


class Failure(Exception):
    """Raised by a case whose expectation was not met; says which."""


def case(name):
    def register(function):
        _cases.append((name, function))
        return function
    return register


def expect(condition, reason):
    if not condition:
        raise Failure(reason)


def expect_equal(got, expected, what):
    if got != expected:
        raise Failure(f"{what}: expected {expected!r}, got {got!r}")


def eventually(question, what, seconds=30.0):
    """Asks until the answer is true; the limit only ends a test that hangs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = question()
        if result:
            return result
        time.sleep(0.01)
    raise Failure(f"{what}: not within {seconds:g} s")


class Report:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def ok(self, name):
        self.passed += 1
        print(f"ok {name}", flush=True)

    def fail(self, name, reason):
        self.failed += 1
        print(f"FAIL {name}: {reason}", flush=True)

    def skip(self, name, reason):
        self.skipped += 1
        print(f"skip {name}: {reason}", flush=True)

    def run(self, name, function):
        try:
            function()
            self.ok(name)
        except Skip as reason:
            self.skip(name, reason)
        except Failure as reason:
            self.fail(name, reason)
        except Exception as error:  # a broken test is a failed test, with its place
            place = traceback.extract_tb(error.__traceback__)[-1]
            self.fail(name, f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})")

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0


def main():
    wanted = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    report = Report()
    for name, function in _cases:
        if not wanted or any(part in name for part in wanted):
            report.run(name, function)
    sys.exit(report.end())
