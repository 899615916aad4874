"""targets: what Skua wants to reach, as ratios within one run, and whether it does.

A target that needs a figure that was not measured, or a size of it, says so and is neither reached nor missed."""
import dataclasses


@dataclasses.dataclass
class Target:
    text: str
    limit: float
    at_least: bool
    value: float = None  # None: not measured

    @property
    def reached(self):
        if self.value is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def as_dict(self):
        return {"target": self.text, "limit": self.limit, "at_least": self.at_least, "value": self.value, "reached": self.reached}


def ratio(one, other):
    return one / other if one is not None and other else None


def worst(values, at_least):
    """The value that decides; None if any is missing."""
    if not values or None in values:
        return None
    return min(values) if at_least else max(values)


def answering(r):
    def ns(case, subject="skua"):
        return r.median("answer", subject, "ns per answer", case)
    hit = ns("10,000 hit random")
    yield Target("A hit, 10,000 names: cost over an echo of as many octets", 3, False, ratio(hit, ns("10,000 hit random", "echo")))
    yield Target("A hit, 10,000 names: million answers/s of one core", 20, True, 1000 / hit if hit else None)
    yield Target("A hit, 10 million names, random: cost over 10,000", 2, False, ratio(ns("10,000,000 hit random"), hit))


def answered_of_echo(r):
    """The least part of the echo's answers at any offered rate that the echo bore."""
    mine, echo = (r.cases("af_xdp", name, "answered of offered") for name in ("skua-xdp", "echo-xdp"))
    return worst([ratio(mine[case], echo[case]) for case in echo if case in mine and echo[case] >= 99.9], True)


def packets(r):
    def rate(figure, name):
        return r.median(figure, name, "highest rate answered to 99.9 %")
    yield Target("memif: rate over testpmd 5tswap", 0.80, True,
                 ratio(r.median("memif", "skua-memif", "rate"), r.median("memif", "echo-memif", "rate")))
    yield Target("AF_XDP: answers over testpmd's, at the worst offered rate of those both were offered", 0.95, True, answered_of_echo(r))
    yield Target("AF_XDP: highest rate over testpmd's", 0.95, True, ratio(rate("af_xdp", "skua-xdp"), rate("af_xdp", "echo-xdp")))
    yield Target("AF_XDP: highest rate over Knot's XDP mode", 3, True, ratio(rate("af_xdp", "skua-xdp"), rate("af_xdp", "knot-xdp")))
    yield Target("sockets: highest rate over NSD's", 1, True, ratio(rate("sockets", "skua"), rate("sockets", "nsd")))
    yield Target("sockets: highest rate over Knot's", 2, True, ratio(rate("sockets", "skua"), rate("sockets", "knot")))
    case = "at the highest rate"
    yield Target("AF_XDP: CPU in user space per answer over Knot's", 1 / 5, False,
                 ratio(r.median("af_xdp", "skua-xdp", "CPU in user space", case), r.median("af_xdp", "knot-xdp", "CPU in user space", case)))


def latency(r):
    def p999(name, case):
        return r.median("latency", name, "p99.9", case)
    yield Target("sockets: p99.9 over the lower of NSD's and Knot's, same load", 1, False,
                 worst([ratio(p999("skua", "same"), p999(name, "same")) for name in ("nsd", "knot")], False))
    yield Target("AF_XDP: p99.9 at half the saturating rate over the lower of Knot's XDP mode's and NSD's", 1, False,
                 worst([ratio(p999("skua-xdp", "half its own"), p999(name, "half its own")) for name in ("knot-xdp", "nsd")], False))


def changes(r):
    case = "1,000,000 names"
    for part, limit in (("50", 100), ("99", 1000)):
        yield Target(f"one record of a million changed, p{part} until visible, us", limit, False, r.median("update", "skua", f"p{part} until visible", case))
    yield Target("changes, each visible, in a zone of a million names, 1/s", 100000, True, r.median("update", "skua", "changes a second, a commit each", case))
    yield Target("queries while records change: p99 over the quiet run's", 1.1, False,
                 ratio(*(r.median("changes", "skua-xdp", "p99", when) for when in ("while records change", "quiet"))))
    yield Target("queries while records change: lost, %", 0, False, r.median("changes", "skua-xdp", "lost", "while records change"))


def loading(r):
    def of(name, measure, case="1,000,000 node names"):
        return r.median("load", name, measure, case)
    first = "file to first answer"
    yield Target("1,000,000 A records: time over Knot's", 1 / 3, False, ratio(of("skua", first), of("knot", first)))
    yield Target("1,000,000 A records: time over NSD's", 1 / 5, False, ratio(of("skua", first), of("nsd", first)))
    yield Target("1,000,000 A records: memory over Knot's", 1 / 5, False, ratio(of("skua", "memory"), of("knot", "memory")))
    million, ten = "1,000,000 hosts", "10,000,000 hosts"
    many = ratio(of("skua", first, ten), of("skua", first, million))
    yield Target("10 million records: time per record over that of one million", 1.15, False, many / 10 if many else None)
    yield Target("10 million records: memory per record over that of one million", 1.15, False,
                 ratio(of("skua", "memory per record", ten), of("skua", "memory per record", million)))
    yield Target("dataplane, exec to first answer, 1,000,000 names, ms", 50, False, r.median("restart", "skua", "exec to first answer", "1,000,000 names"))
    yield Target("two workers over one", 1.9, True, r.median("scaling", "skua", "both over one"))


def judge(results):
    return [target for part in (answering, packets, latency, changes, loading) for target in part(results)]
