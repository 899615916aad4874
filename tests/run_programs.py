"""Runs every test program of a build folder, counts its cases, and appends "passed failed skipped" to a file.

Usage: run_programs.py BUILD RESULTS [--suite NAME]
A program that speaks TAP (cmocka with CMOCKA_MESSAGE_OUTPUT=TAP) counts by its cases, any other as one."""
import concurrent.futures
import json
import os
import re
import subprocess
import sys

LIMIT_SECONDS = 600


def programs(build, suite):
    listed = json.loads(subprocess.check_output(["meson", "introspect", "--tests", build]))
    for test in listed:
        if suite is None or any(name.split(":")[-1] == suite for name in test["suite"]):
            yield test


def count(output, status):
    passed = len(re.findall(r"^ok \d+", output, re.M))
    failed = len(re.findall(r"^not ok \d+\b(?! # SKIP)", output, re.M))
    skipped = len(re.findall(r"^not ok \d+ # SKIP", output, re.M))  # so does cmocka say it
    if passed + failed + skipped == 0:
        return (1, 0, 0) if status == 0 else (0, 1, 0)
    if status != 0 and failed == 0:
        failed = 1  # it crashed, or a sanitizer spoke, after its cases
    return passed, failed, skipped


def run(test):
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", **test.get("env", {}))
    environment.setdefault("ASAN_OPTIONS", "abort_on_error=0:detect_leaks=1")
    environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    environment.setdefault("TSAN_OPTIONS", "halt_on_error=1")
    try:
        done = subprocess.run(test["cmd"], env=environment, cwd=test.get("workdir") or None, timeout=LIMIT_SECONDS,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode("utf-8", "replace") + f"\ntimed out after {LIMIT_SECONDS} s\n"


def main():
    build, results = sys.argv[1], sys.argv[2]
    suite = sys.argv[4] if len(sys.argv) > 4 else None
    totals = [0, 0, 0]
    tests = list(programs(build, suite))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(run, test): test["name"] for test in tests}
        for number, done in enumerate(concurrent.futures.as_completed(running), 1):
            status, output = done.result()
            passed, failed, skipped = count(output, status)
            totals = [a + b for a, b in zip(totals, (passed, failed, skipped))]
            word = "FAIL" if failed else "ok"
            print(f"{word} [{number}/{len(tests)}] {running[done]}: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
            if failed:
                print("\n".join("  " + line for line in output.splitlines()[-60:]), flush=True)
    if not tests:
        print(f"no test program in {build}")
        totals[1] = 1
    with open(results, "a", encoding="utf-8") as file:
        file.write("%d %d %d\n" % tuple(totals))
    return 0


sys.exit(main())
