"""AF_XDP on a veth pair: the highest rate that is still answered."""
import figure
import subjects
import sweep
import zones
from link import Link
from results import Sample

NAME = "af_xdp"
TITLE = "AF_XDP on veth, rate sweep"
WHAT = ("`kxdpgun -b 64` on core 1, the server on core 0, veth with native XDP in copy mode. testpmd's `5tswap` over `net_af_xdp` answers nothing, and is the "
        "ceiling. What the kernel does for a packet in an interrupt counts for whoever ran then, so CPU in the kernel is not comparable; CPU in user space is.")
SECONDS = {"full": 290, "quick": 55, "smoke": 8}
ONLY_PLOTTED = ("answered of offered",)
SUBJECTS = ("skua-xdp", "knot-xdp", "echo-xdp")


def sweep_one(bench, name, show, title):
    names = bench.choose(100_000, 100_000, 100)
    settings = bench.choose(sweep.Settings(1.5, 16, 80, 3, 1), sweep.Settings(0.5, 24, 80, 2, 3), sweep.Settings(0.2, 0, 0, 2, 1))
    zone, queries = zones.zone_file(bench, names), zones.query_file(bench, names)
    with Link() as link, subjects.ALL[name](bench, link, zone, names) as server:
        yield from sweep.measure(bench, title, server, queries, settings, show)
        yield Sample(title, name, "memory", server.memory() / 1e6, "MB")


def measure(bench):
    failures = figure.needs_namespaces(bench, SUBJECTS)
    yield from failures
    if not failures:
        yield from figure.in_turns(bench, bench.choose(3, 1, 1), SUBJECTS, lambda name, show: sweep_one(bench, name, show, NAME))
