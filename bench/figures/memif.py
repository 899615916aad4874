"""Answers a second from one core over memif, every answer checked; and what the link itself can do."""
import time

import figure
import subjects
import usage
import zones
from link import Loopback
from results import Sample

NAME = "memif"
TITLE = "DPDK over memif, one core"
WHAT = ("`bench/memif_generator` on core 1 keeps 512 queries under way and checks each answer, checksums included; none is lost. testpmd's `5tswap` "
        "takes Skua's place in turns: it returns frames as they are, and so gives the ceiling of link and generator.")
SECONDS = {"full": 90, "quick": 15, "smoke": 8}
DRAWN = ("rate",)
SUBJECTS = ("skua-memif", "echo-memif")


def generate(bench, server, names, seconds):
    words = [f"{bench.build}/bench/memif_generator", "-l", subjects.CLIENT_CORE, *subjects.EAL, subjects.memif("client", server.folder), "--",
             "--names", names, "--seconds", seconds]
    words += ["--echo"] if isinstance(server, subjects.Echo) else []
    with usage.Meter(server) as meter:
        values = figure.fields(figure.run(words, seconds + 60))
    if values["wrong"] > 0 or values["lost"] > 0.001 * values["answered_per_s"] * seconds:
        raise figure.Failed(f"{values['wrong']:.0f} answers were wrong, {values['lost']:.0f} lost")
    return values, meter


def exchange(bench, name, show, names):
    seconds = bench.choose(3, 2, 0.3)
    bench.step(show)
    with subjects.ALL[name](bench, Loopback(), zones.zone_file(bench, names), names) as server:
        time.sleep(0.1)
        values, meter = generate(bench, server, names, seconds)
        yield Sample(NAME, name, "rate", values["answered_per_s"], "answers/s")
        yield Sample(NAME, name, "memory", server.memory() / 1e6, "MB")
        yield from figure.cost_samples(NAME, server, meter, values["answered_per_s"] * seconds)


def measure(bench):
    names = bench.choose(100_000, 100_000, 100)
    yield from figure.in_turns(bench, bench.choose(5, 2, 1), SUBJECTS, lambda name, show: exchange(bench, name, show, names))
