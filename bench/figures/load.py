"""From zone file to first answer: time and memory."""
import time

import figure
import subjects
import zones
from make_zone import HOSTS, NODES
from figures.answer import memory_available
from link import Loopback
from results import Failure, Sample

NAME = "load"
TITLE = "A records, file to first answer, one core; memory"
WHAT = ("Each server is started on core 0 with the same file, and asked for the last name until it answers. Memory is proportional set size (pages "
        "that processes share count once) a second after; of Skua, both programs and the image. "
        f"Node names: `{NODES % 1}`, so each record brings three names; hosts: `{HOSTS % 1}`.")
SECONDS = {"full": 240, "quick": 30, "smoke": 5}
DRAWN = ("file to first answer", "memory")
SUBJECTS = ("skua", "knot", "nsd")
LARGE = 10_000_000
SHAPES = {NODES: "node names", HOSTS: "hosts"}


def load(bench, name, count, pattern, show):
    case = f"{count:,} {SHAPES[pattern]}"
    zone = zones.zone_file(bench, count, pattern)
    bench.step(f"{case}, {show}")
    started = time.monotonic()
    with subjects.ALL[name](bench, Loopback(), zone, count, pattern) as server:
        took = time.monotonic() - started
        used = server.cpu()
        time.sleep(1)  # what loading needed has been given back
        yield Sample(NAME, name, "file to first answer", took, "s", case)
        yield Sample(NAME, name, "CPU until then", used.user + used.system, "s", case)
        yield Sample(NAME, name, "memory", server.memory() / 1e6, "MB", case)
        yield Sample(NAME, name, "memory per record", server.memory() / count, "octets", case)


def measure(bench):
    if not bench.isolated:
        yield Failure(NAME, "all", "needs root: port 53")
        return
    count = bench.choose(1_000_000, 1_000_000, 1000)
    if bench.scale == "full":
        if memory_available() > 8 << 30:
            yield from figure.in_turns(bench, 1, ("skua",), lambda name, show: load(bench, name, LARGE, HOSTS, show))
        else:
            yield Failure(NAME, "skua", f"{LARGE:,} records: 8 GiB are not free")

    def both(name, show):
        for pattern in SHAPES:
            yield from load(bench, name, count, pattern, show)
    yield from figure.in_turns(bench, bench.choose(3, 1, 1), SUBJECTS, both)
