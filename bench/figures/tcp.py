"""TCP: answers a second over 32 connections that stay."""
import re

import figure
import subjects
import usage
import zones
from link import Link
from results import Sample

NAME = "tcp"
TITLE = "TCP, 32 connections that stay, pipelined"
WHAT = "`dnsperf -m tcp -c 32` on core 1, as fast as it is answered (100 under way at most); the server on core 0."
SECONDS = {"full": 110, "quick": 15, "smoke": 6}
DRAWN = ("rate",)
SUBJECTS = ("skua", "nsd", "knot", "bind")


def ask(bench, name, show):
    names = bench.choose(100_000, 100_000, 100)
    seconds = bench.choose(4, 2, 1)
    zone, queries = zones.zone_file(bench, names), zones.query_file(bench, names)
    bench.step(show)
    with Link() as link, subjects.ALL[name](bench, link, zone, names) as server:
        with usage.Meter(server) as meter:
            output = figure.run(["taskset", "-c", subjects.CLIENT_CORE, "dnsperf", "-m", "tcp", "-s", link.address[0], "-p", link.address[1], "-d", queries,
                                 "-c", 32, "-T", 1, "-q", 100, "-l", seconds, "-t", 2], seconds + 60)
        numbers = [re.search(pattern, output) for pattern in (r"Queries sent:\s+(\d+)", r"Queries completed:\s+(\d+)", r"Queries per second:\s+([\d.]+)")]
        if None in numbers:
            raise figure.Failed(f"dnsperf: {output.strip()[-300:]}")
        sent, answered, rate = (float(number[1]) for number in numbers)
        yield Sample(NAME, name, "rate", rate, "answers/s")
        yield Sample(NAME, name, "answered of sent", 100 * answered / max(sent, 1), "%")
        yield from figure.cost_samples(NAME, server, meter, answered)


def measure(bench):
    failures = figure.needs_namespaces(bench, SUBJECTS)
    yield from failures
    if not failures:
        yield from figure.in_turns(bench, bench.choose(3, 1, 1), SUBJECTS, lambda name, show: ask(bench, name, show))
