"""Kernel sockets on a veth pair: the highest rate that is still answered."""
import figure
from figures.af_xdp import sweep_one

NAME = "sockets"
TITLE = "Kernel sockets on veth, rate sweep"
WHAT = "As with AF_XDP: `kxdpgun` on core 1, one worker of each server on core 0, which shares that core with the kernel's network stack."
SECONDS = {"full": 380, "quick": 70, "smoke": 8}
ONLY_PLOTTED = ("answered of offered",)
SUBJECTS = ("skua", "nsd", "knot", "bind")


def measure(bench):
    failures = figure.needs_namespaces(bench, SUBJECTS)
    yield from failures
    if not failures:
        yield from figure.in_turns(bench, bench.choose(3, 1, 1), SUBJECTS, lambda name, show: sweep_one(bench, name, show, NAME))
