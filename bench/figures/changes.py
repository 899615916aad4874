"""Queries while records change: latency and loss, beside a quiet run in the same round."""
import os
import select
import subprocess

import figure
import subjects
from figures.latency import offer
from link import Link
from results import Sample

NAME = "changes"
TITLE = "Queries while records change"
WHAT = ("A `skua-dataplane` over AF_XDP on core 0 answers `bench/latency_generator` (core 1) at a fixed load, first in quiet, then while `bench/update --publish` makes "
        "100,000 changes a second in slices of 100 us, each a commit of its own, of a host that is not asked for. It runs on core 2, or, on a machine with two cores, on the "
        "generator's, whose latencies it then disturbs: such a machine shows an upper bound.")
SECONDS = {"full": 60, "quick": 15, "smoke": 5}
SUBJECTS = ("skua-xdp",)
ONLY_PLOTTED = ("latency",)
CASES = ("quiet", "while records change")
PATIENCE = 120


class Control:
    """bench/update --publish, in a runtime directory of its own."""

    def __init__(self, bench, names, folder):
        core = "2" if os.cpu_count() > 2 else subjects.CLIENT_CORE
        self.child = subprocess.Popen([f"{bench.build}/bench/update", "--publish", folder, "--names", str(names), "--cores", f"{core},0"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self):
        """The next line that it writes."""
        if not select.select([self.child.stdout], [], [], PATIENCE)[0]:
            raise figure.Failed("bench/update does not answer")
        return self.child.stdout.readline()

    def tell(self):
        self.child.stdin.write("now\n")
        self.child.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()


class Dataplane(subjects.SkuaXdp):
    """Alone: who publishes is not this process's child. runtime: the directory."""

    def __init__(self, bench, place, count, runtime):
        super().__init__(bench, place, None, count)
        self.runtime = runtime

    def prepare(self):
        pass

    def command(self):
        return [f"{self.build}/skua-dataplane", *self.io(), "--cores", subjects.SERVER_CORE, "--log-level", "warning", "--runtime-dir", self.runtime]


def measure_one(bench, show):
    names = bench.choose(1_000_000, 100_000, 100)
    asked = min(names, 100_000)  # by the generator
    rate = bench.choose(50_000, 50_000, 2000)
    runtime = os.path.join(bench.folder, "changes")
    os.makedirs(runtime, mode=0o700, exist_ok=True)
    bench.step(f"{show}, publishing {names:,} names")
    with Control(bench, names, runtime) as control:
        if control.line().strip() != "published":
            raise figure.Failed("bench/update did not publish")
        with Link() as link, Dataplane(bench, link, asked, runtime) as server:
            for case in CASES:
                bench.step(f"{show}, {case}")
                yield from offer(bench, server, asked, rate, case, NAME)
                control.tell()  # begins, and then ends, the changes
        values = figure.fields(control.line())
        if not values.get("changes"):
            raise figure.Failed("no record was changed")
        yield Sample(NAME, "skua-xdp", "changes", values["changes"] / values["seconds"], "changes/s", CASES[1])


def measure(bench):
    failures = figure.needs_namespaces(bench, SUBJECTS)
    yield from failures
    if not failures:
        yield from figure.in_turns(bench, bench.choose(3, 1, 1), SUBJECTS, lambda _, show: measure_one(bench, show))
