#!/usr/bin/env python3
"""bench_test: scripts/bench runs every figure at tiny sizes and writes tables, JSON and plots. What it measures decides nothing."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import cases
from cases import Failure, Skip, case, eventually, expect, expect_equal
from skua import SOURCES, build_folder

BENCH = SOURCES / "bench"
sys.path.append(str(BENCH))
import figures  # noqa: E402
import results as bench_results  # noqa: E402
import sweep  # noqa: E402

# On a busy machine even the lowest rate may not be answered; then the figure says so.
TOO_BUSY = ("less than 99.9 %", "the time was over", "lost")


def words(*options):
    return ["/usr/bin/python3", "-B", str(BENCH / "run.py"), "--build", str(build_folder()), "--smoke", *options]


def needs_root():
    if os.geteuid() != 0:
        raise Skip("namespaces need root")


def traces():
    """What a run could leave behind."""
    shared = {path.name for path in pathlib.Path("/dev/shm").iterdir() if path.name.startswith("skua-bench")}
    spaces = subprocess.run(["ip", "netns", "list"], text=True, capture_output=True, check=True).stdout
    return shared, "skua-bench" in spaces


@case("every figure runs, and is written as tables, JSON and plots")
def run_all():
    needs_root()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(words("--out", folder), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=300, check=False)
        expect_equal(done.returncode, 0, f"exit status; {done.stderr[-2000:]}")
        with open(pathlib.Path(folder, "results.json"), encoding="utf-8") as file:
            data = json.load(file)
        text = pathlib.Path(folder, "README.md").read_text(encoding="utf-8")
        check_results(data, done.stderr)
        check_text(data, text, folder)


def check_results(data, progress):
    failed = {failure["figure"]: failure["reason"] for failure in data["failures"]}
    for reason in failed.values():
        expect(any(part in reason for part in TOO_BUSY), f"a figure failed: {reason}")
    measured = {line["figure"] for line in data["results"]}
    for number, name in enumerate(figures.ALL, 1):
        expect(name in measured or name in failed, f"nothing of {name}")
        expect(name in failed or f"[{number}/{len(figures.ALL)}] {name}: " in progress, f"no progress line of {name}")
    for line in data["results"]:
        expect(line["values"] and min(line["values"]) <= line["median"] <= max(line["values"]), f"no median: {line}")
        if line["measure"] == "answered of offered":
            expect(0 <= line["median"] <= 105, f"more answers than questions: {line}")
    expect(len(data["targets"]) > 20 and all(target["limit"] >= 0 for target in data["targets"]), "targets")
    expect(data["machine"]["versions"].get("knot"), "versions")
    expect(0 <= data["machine"]["stalls"]["share"] <= 100, f"stalls: {data['machine']['stalls']}")


def check_text(data, text, folder):
    expect("## Targets" in text and "| target | wanted | measured | reached |" in text, "no table of targets")
    for line in text.splitlines():
        if line.startswith("![") and line.endswith(".svg)"):
            picture = pathlib.Path(folder, line.rpartition("(")[2][:-1])
            expect(xml.etree.ElementTree.parse(picture).getroot().tag.endswith("svg"), f"{picture} is no SVG")
    for line in data["results"]:
        if line.get("histogram_ns"):
            check_histogram(line)


def check_histogram(line):
    histogram = {int(value): count for value, count in line["histogram_ns"].items()}
    expect(list(histogram) == sorted(histogram) and min(histogram.values()) > 0, "buckets of a histogram")
    expect(len(line["values"]) > 1 or abs(bench_results.quantile(histogram, 0.5) / 1000 - line["median"]) < 1e-6, "the median is that of the histogram")


@case("after kill -9 it leaves nothing behind")
def killed():
    needs_root()
    before = traces()
    child = subprocess.Popen(words("af_xdp"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             start_new_session=True)
    try:
        for line in child.stderr:
            if "/s; at most" in line:  # a server runs and is asked
                break
        else:
            raise Failure("it ended before anything was measured")
        mine = eventually(lambda: descendants(child.pid), "processes of the run", 30)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stderr.close()
    eventually(lambda: not [pid for pid in mine if pathlib.Path(f"/proc/{pid}").exists()], "its processes have ended", 60)
    expect_equal(traces(), before, "what was left behind")


def descendants(pid):
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        try:
            children = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
        except OSError:
            continue
        found += map(int, children)
        waiting += map(int, children)
    return found


@case("figures that are not there are refused")
def unknown():
    done = subprocess.run(words("nonsense"), text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    expect_equal(done.returncode, 2, "exit status")
    expect("no such figure: nonsense" in done.stderr, done.stderr)


FINE = sweep.Settings(1, 16, 80, 2, 1)


class Simulated:
    """A server that answers all up to a rate."""

    def __init__(self, limit):
        self.limit, self.tries = limit, 0

    def offer(self, index):
        self.tries += 1
        rate = sweep.rate(index)
        found = sweep.Offer(rate, rate, min(rate, self.limit), 1, None)
        found.index = index
        return found


@case("the sweep finds the highest rate of the ladder that is answered")
def sweep_finds():
    for limit in (20_000, 47_000, 185_000, 400_000):
        for start in (0, 16, 40):
            server = Simulated(limit)
            best = sweep.highest(server.offer, start, FINE, lambda: False)
            wanted = max(index for index in range(81) if sweep.rate(index) * sweep.ANSWERED <= limit)
            expect_equal(best.index, wanted, f"limit {limit}, first {start}")
            expect(server.tries <= 25, f"{server.tries} tries")
    coarse = sweep.highest(Simulated(185_000).offer, 16, FINE, lambda: True)
    expect(coarse.good and sweep.rate(coarse.index + sweep.JUMP) > 185_000, "out of time: within a jump")
    expect(sweep.highest(Simulated(10_000).offer, 16, FINE, lambda: True) is None, "no rate is answered, and one was found")


@case("percentiles, medians and targets are what they are")
def arithmetic():
    found = bench_results.Results()
    for value in (1.0, 9.0, 2.0):
        found.add(bench_results.Sample("f", "s", "m", value, "us", "c", {1000: 98, 5000: 1, 9000: 1}))
    line = found.of("f")[0]
    expect_equal((line.median, line.spread), (2.0, 4.0), "median and spread")
    expect_equal(line.histogram, {1000: 294, 5000: 3, 9000: 3}, "histograms are added up")
    expect_equal([bench_results.quantile(line.histogram, part) for part in (0.5, 0.98, 0.99, 0.999)], [1000, 1000, 5000, 9000], "percentiles")
    import targets
    for sample in (("skua-memif", 8.0), ("echo-memif", 10.0)):
        found.add(bench_results.Sample("memif", sample[0], "rate", sample[1], "answers/s"))
    judged = {target.text: target.reached for target in targets.judge(found)}
    expect_equal(judged["memif: rate over testpmd 5tswap"], True, "0.8 of the echo's rate")
    expect_equal(judged["two workers over one"], None, "what was not measured")


cases.main()
