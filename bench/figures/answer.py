"""What an answer costs one core without I/O: bench/answer, by kind of question, size of the zone and likelihood of names."""
import dataclasses

import figure
from report import cell, number, table as markdown_table
from results import Failure, Sample

NAME = "answer"
TITLE = "Answering without packet I/O, one core"
WHAT = ("`bench/answer`: bursts of 64, query in, reply in place; the echo copies as many octets in the same harness, swaps addresses and "
        "ports. A case is the number of hosts (each with one A record; a tenth as many of each other kind; 10 million: hosts only), "
        "the kind of question, and whether names are equally likely or follow Zipf's law.")
KINDS = {"hit": "A hit", "nxdomain": "NXDOMAIN, two labels missing", "wildcard": "wildcard", "cname": "CNAME chain of 3", "naptr": "NAPTR with four targets",
         "referral": "referral, 2 servers", "signed": "signed A, DO", "cookie": "A hit, query with a cookie",
         "mixed": "mixed: 60 % A hits, 15 NXDOMAIN, 10 NAPTR, 5 each of wildcard, CNAME, signed"}
SECONDS = {"full": 200, "quick": 35, "smoke": 6}
HOSTS_ONLY = 10_000_000
HOSTS_ONLY_KINDS = "hit,nxdomain,cookie"


@dataclasses.dataclass
class Plotted:
    """A line under a shorter name, for the plot."""
    subject: str
    case: str
    measure: str
    unit: str
    values: list
    median: float


def plotted(results):
    """Random names: a group of bars for each kind, a bar for each size."""
    for line in results.of(NAME):
        hosts, kind, distribution = line.case.split()
        if line.subject == "skua" and distribution == "random":
            yield Plotted(f"{hosts} hosts", kind, line.measure, line.unit, line.values, line.median)


def table(results):
    """ns, and in brackets the echo's, for each distribution of names: a row for each kind, a column for each size."""
    lines = {(line.subject, line.case): line for line in results.of(NAME)}
    sizes = list(dict.fromkeys(case.split()[0] for _, case in lines))
    out = ""
    for distribution in ("random", "zipf"):
        rows = []
        for kind, text in KINDS.items():
            cases = [f"{size} {kind} {distribution}" for size in sizes]
            if any(("skua", case) in lines for case in cases):
                rows.append([text, *(f"{cell(lines['skua', case])} ({number(lines['echo', case].median)})" if ("skua", case) in lines else "" for case in cases)])
        if rows:
            out += f"Nanoseconds for an answer, in brackets for the echo; {distribution} names:\n\n"
            out += markdown_table(["question", *(f"{size} hosts" for size in sizes)], rows) + "\n"
    return out


def memory_available():
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))


def memory_needed(names):
    """Octets: zone, image and questions, with some to spare; hosts alone take about 600 a name while the image is made."""
    return names * (800 if names >= HOSTS_ONLY else 2500) + (1 << 28)


def samples(line):
    values = figure.fields(line)
    case = f"{int(values['hosts']):,} {values['kind']} {values['distribution']}"
    yield Sample(NAME, "skua", "ns per answer", values["ns"], "ns", case)
    yield Sample(NAME, "echo", "ns per answer", values["echo_ns"], "ns", case)


def sizes(bench):
    return bench.choose((1, 10_000, 1_000_000, HOSTS_ONLY), (1, 10_000, 1_000_000), (1, 100))


def measure(bench):
    rounds, repeats = bench.choose((256, 5), (128, 3), (2, 1))
    for names in sizes(bench):
        if memory_needed(names) > memory_available():
            yield Failure(NAME, "skua", f"{names:,} names: {memory_needed(names) >> 20} MiB are not free")
            continue
        for distribution in ("random", "zipf"):
            bench.step(f"{names:,} names, {distribution}")
            words = ["taskset", "-c", "0", f"{bench.build}/bench/answer", "--names", names, "--samples", repeats, "--rounds", rounds]
            words += ["--zipf"] if distribution == "zipf" else []
            words += ["--kinds", HOSTS_ONLY_KINDS] if names >= HOSTS_ONLY else []
            try:
                for line in figure.run(words, max(bench.left(), 60) + 120).splitlines():
                    yield from samples(line)
            except figure.EXPECTED as error:
                yield Failure(NAME, "skua", f"{names:,} names, {distribution}: {error}")
