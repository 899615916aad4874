"""Latency at fixed loads, as histograms."""
import statistics

import figure
import subjects
import usage
import zones
from link import Link
from results import Sample, quantile

NAME = "latency"
TITLE = "Latency at fixed loads"
WHAT = ("`bench/latency_generator` on core 1 offers queries at random moments through kernel sockets, whatever comes back (open loop); a latency counts from the "
        "moment that the query was due (no coordinated omission), and holds the generator's own two system calls and the veth. \"half its own\": half of "
        "the rate that the sweep of the same run found for that server; \"same\": half of the lowest such rate of all, so that all have the same load.")
SECONDS = {"full": 260, "quick": 35, "smoke": 8}
ONLY_PLOTTED = ("latency",)
SUBJECTS = ("skua-xdp", "knot-xdp", "skua", "nsd", "knot", "bind")
PARTS = (0.5, 0.9, 0.99, 0.999, 0.9999)
DEFAULT_RATE = 80000  # answers a second that are taken for saturating if no sweep was made before
MOST = 250000  # what the generator can offer and take by itself


def saturating(bench):
    """{subject: rate}; those without a sweep have the least of the others."""
    found = {}
    for name in ("af_xdp", "sockets"):
        for subject, rates in bench.shared.get(name, {}).items():
            found[subject] = statistics.median(best.answered / best.seconds for best in rates)
    least = min([rate for subject, rate in found.items() if subject in SUBJECTS], default=bench.choose(DEFAULT_RATE, DEFAULT_RATE, 4000))
    return {subject: found.get(subject, least) for subject in SUBJECTS}, least


def offer(bench, server, names, rate, case, name=None):
    """One load on a running server; name: of the figure that the samples are for."""
    name = name or NAME
    seconds = bench.choose(5, 2, 0.3)
    words = ["taskset", "-c", subjects.CLIENT_CORE, f"{bench.build}/bench/latency_generator", "--rate", rate, "--seconds", seconds, "--warm-up",
             bench.choose(0.5, 0.5, 0.1), "--names", names, server.place.address[0]]
    with usage.Meter(server) as meter:
        first, second = figure.run(words, seconds + 60).splitlines()
    values = figure.fields(first)
    histogram = {int(value): int(count) for value, count in (pair.split(":") for pair in second.split(" ", 1)[1].split(","))}
    yield Sample(name, server.name, "latency", quantile(histogram, 0.5) / 1000, "us", case, histogram)
    for part in PARTS:
        yield Sample(name, server.name, f"p{100 * part:g}", quantile(histogram, part) / 1000, "us", case)
    yield Sample(name, server.name, "offered", rate, "queries/s", case)
    yield Sample(name, server.name, "lost", 100 * values["lost"] / max(values["asked"], 1), "%", case)
    yield Sample(name, server.name, "generator behind, p99.9", values["lag_p99.9"] / 1000, "us", case)
    yield from figure.cost_samples(name, server, meter, values["answered"] * meter.seconds / seconds, case)


def measure_one(bench, name, show):
    names = bench.choose(100_000, 100_000, 100)
    rates, least = saturating(bench)
    with Link() as link, subjects.ALL[name](bench, link, zones.zone_file(bench, names), names) as server:
        for case, rate in (("half its own", min(rates[name] / 2, MOST)), ("same", least / 2)):
            bench.step(f"{show}, {rate:,.0f}/s ({case})")
            yield from offer(bench, server, names, round(rate, -1), case)


def measure(bench):
    failures = figure.needs_namespaces(bench, SUBJECTS)
    yield from failures
    if not failures:
        yield from figure.in_turns(bench, bench.choose(3, 1, 1), SUBJECTS, lambda name, show: measure_one(bench, name, show))
