"""sweep: the highest rate of queries of which 99.9 % are answered, found with kxdpgun on the client's core.

All subjects are offered rates of one ladder, each 5 % above the one before: first in jumps, then between the last that
was answered and the first that was not. A rate counts as not answered only if it fails each of several times: the machine does other
things too. When the figure's time is over, the result stays as fine as it is by then: at worst a jump."""
import dataclasses
import re

import figure
import subjects
import usage
from results import Sample

ANSWERED = 0.999
OFFERED = 0.9  # of the rate; less, and the generator is at its end
STEP, JUMP = 1.05, 8
LOWEST = 20000


def rate(index):
    return round(LOWEST * STEP ** index, -2)


@dataclasses.dataclass
class Settings:
    seconds: float  # for each offer
    start: int  # index of the first rate
    top: int  # and of the last
    tries: int  # of a rate that is not answered
    finest: int  # steps of the ladder between the result and the next rate, which was not answered


class Offer:
    """What became of one offered rate."""

    def __init__(self, offered, sent, answered, seconds, meter):
        self.offered, self.sent, self.answered, self.seconds, self.meter = offered, sent, answered, seconds, meter

    @property
    def share(self):
        return self.answered / self.sent if self.sent else 0.0

    @property
    def good(self):
        return self.share >= ANSWERED and self.sent >= OFFERED * self.offered * self.seconds


def offer(server, queries, offered, seconds):
    with usage.Meter(server) as meter:
        output = figure.run(["taskset", "-c", subjects.CLIENT_CORE, "kxdpgun", "-F", subjects.CLIENT_CORE, "-t", seconds, "-Q", int(offered), "-b", 64,
                             "-i", queries, "-p", 53, server.place.address[0]], seconds + 30)
    # It prints nothing if it could send nothing in its time.
    sent, answered = (int(found[1]) if (found := re.search(rf"total {what}:\s+(\d+)", output)) else 0 for what in ("queries", "replies"))
    return Offer(offered, sent, answered, seconds, meter)


def highest(try_rate, start, settings, time_over):
    """try_rate(index) -> Offer. The best good Offer, or None; indices from 0 up to settings.top, `start` first."""
    def attempt(index):
        for _ in range(settings.tries):
            found = try_rate(index)
            if found.good:
                return found
        return None

    best, low, high, index = None, -1, None, start
    while high is None and index <= settings.top:
        found = attempt(index)
        if found:
            best, low, index = found, index, index + JUMP
        else:
            high = index
    while high is not None and high - low > settings.finest and not (best and time_over()):
        middle = (low + high) // 2
        found = attempt(middle)
        if found:
            best, low = found, middle
        else:
            high = middle
    return best


def samples(name, subject, offered):
    yield Sample(name, subject, "answered of offered", 100 * offered.share, "%", f"{offered.offered:.0f}")


def measure(bench, name, server, queries, settings, show):
    """All samples of one sweep over one running server. settings: Settings."""
    tried, shared = [], bench.shared.setdefault(name, {})
    known = shared.get(server.name)  # of the round before: begins a jump below
    start = max(known[-1].index // JUMP * JUMP - JUMP, 0) if known else settings.start

    def try_rate(index):
        bench.step(f"{show}, {rate(index):,.0f}/s")
        tried.append(offer(server, queries, rate(index), settings.seconds))
        tried[-1].index = index
        return tried[-1]

    best = highest(try_rate, start, settings, lambda: bench.left() < 0)
    for each in tried:
        yield from samples(name, server.name, each)
    if best is None:
        raise figure.Failed(f"less than {100 * ANSWERED:g} % answered even at {rate(0):,.0f}/s")
    yield Sample(name, server.name, "highest rate answered to 99.9 %", best.answered / best.seconds, "answers/s")
    yield from figure.cost_samples(name, server, best.meter, best.answered, "at the highest rate")
    shared.setdefault(server.name, []).append(best)
