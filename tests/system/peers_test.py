#!/usr/bin/python3
"""peers_test: Skua's answers against those of NSD, Knot DNS and BIND on the same zone files.

    peers_test.py [--peers nsd,knot,bind] [--most QUESTIONS] [--seed N] [--show N] [FILE or folder …]

Without files: those of tests/system/zones. For each zone, every owner, and names beside, below and
above it, times every interesting type, over UDP without EDNS, with EDNS of 1232 octets, with DO,
and over TCP. Replies must be what expected.py finds in the RFCs. rcode, flags, OPT and the contents of
all sections must be equal, or the difference must be one that rules.py names, explains and verifies.
One case per zone, peer and way to ask.
"""

import argparse
import pathlib
import sys

import cases
import compare
import exchange
import expected
import peers
import process
import questions
import rules
import skua
import wire
import zonedata

ZONES = pathlib.Path(__file__).resolve().parent / "zones"
MOST = 30000  # questions per zone and way to ask


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--peers", default="nsd,knot,bind", help="comma-separated")
    parser.add_argument("--most", type=int, default=MOST, help="questions per zone; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=3, help="examples of each kind of failure")
    return parser.parse_args()


def zone_files(given):
    files = []
    for path in given or [ZONES]:
        files.extend(sorted(path.glob("*.zone")) if path.is_dir() else [path])
    return files


def groups(files):
    """Zones that are served together. The root is alone: it would leave nothing to refuse."""
    roots = [path for path in files if zonedata.origin_of(path) == b"\0"]
    others = [path for path in files if path not in roots]
    return ([others] if others else []) + [[path] for path in roots]


def asked(mode, pairs):
    """The header's flags RD, CD and AD take turns: they change no answer."""
    flags = (wire.RD, 0, 0, wire.CD, wire.RD | wire.AD, 0, wire.RD | wire.CD)
    return [wire.question(0, name, rtype, mode.edns, mode.do, flags[index % len(flags)])
            for index, (name, rtype) in enumerate(pairs)]


def ask_all(server, mode, queries, may_lack=False):
    if mode.tcp:
        return exchange.tcp_many(server.address, queries)
    return exchange.udp_many(server.address, queries, may_lack)


def read(octets):
    """None if it is malformed: check_self() tells."""
    try:
        return wire.Reply(octets)
    except wire.Malformed:
        return None


class Failures:
    """What went wrong, by kind, with examples."""

    def __init__(self):
        self.kinds = {}
        self.count = 0

    def add(self, kind, example):
        self.count += 1
        self.kinds.setdefault(kind, []).append(example)

    def show(self, most):
        for kind, examples in sorted(self.kinds.items(), key=lambda item: -len(item[1])):
            print(f"    {len(examples)} times: {kind}")
            for example in examples[:most]:
                print(f"        {example}")

    def report(self, report, name, reason, most):
        self.show(most)
        if self.kinds:
            report.fail(name, f"{self.count} {reason}")
        else:
            report.ok(name)


class Comparison:
    """Many questions in one mode: Skua against what the RFCs want, and against each peer."""

    def __init__(self, wants, mode, server, others, used):
        self.wants, self.mode, self.server, self.others = wants, mode, server, others
        self.used = used  # {(rule, peer): how often}
        self.own = Failures()
        self.differing = {peer.name: Failures() for peer in others}

    def run(self, pairs):
        queries = asked(self.mode, pairs)
        octets = ask_all(self.server, self.mode, queries)
        replies = [read(reply) for reply in octets]
        for (name, rtype), query, raw, reply in zip(pairs, queries, octets, replies):
            for what in compare.self_check(name, rtype, self.mode, query, raw, reply):
                self.own.add(what, _shown(name, rtype))
        self.check_cut(pairs, queries, replies)
        theirs = [ask_all(peer, self.mode, queries, may_lack=True) for peer in self.others]
        for index, ((name, rtype), query) in enumerate(zip(pairs, queries)):
            if replies[index] is not None:
                self.look(name, rtype, query, replies[index],
                          self.answered([octets[index] for octets in theirs]))

    def answered(self, octets):
        """[(peer, its reply)]. One that is silent has nothing to be compared with; if all are, it is no peer's fault."""
        replies = [(peer, wire.Reply(raw)) for peer, raw in zip(self.others, octets)
                   if raw is not None]
        for peer, raw in zip(self.others, octets):
            if raw is None and replies:
                key = "no reply at all", peer.name
                self.used[key] = self.used.get(key, 0) + 1
            elif raw is None:
                raise exchange.Lost(f"no reply from {peer.name}, nor from another")
        return replies

    def check_cut(self, pairs, queries, replies):
        """RFC 2181 9: TC only where what is needed does not fit, which TCP shows."""
        cut = [index for index, reply in enumerate(replies)
               if reply is not None and reply.flags & wire.TC and
               pairs[index][1] not in (wire.ANY, wire.RRSIG)]
        if self.mode.tcp or not cut:
            return
        whole = exchange.tcp_many(self.server.address, [queries[index] for index in cut])
        for index, raw in zip(cut, whole):
            reply = wire.Reply(raw)
            opt = 11 if self.mode.edns else 0
            octets = reply.size if replies[index].authority else reply.needed + opt
            if octets <= self.mode.limit():
                self.own.add("TC though all that is needed fits", _shown(*pairs[index]))

    def look(self, name, rtype, query, ours, theirs):
        def more(leading, placed):
            return self.wants.additional(leading, placed, self.mode.do)
        wanted = self.wants.reply(name.lower(), rtype, self.mode.do)
        wrong = compare.check_wanted(ours, wanted, self.mode, more)
        for what in wrong:
            self.own.add(what, _shown(name, rtype))
        contexts = [compare.Context(name, rtype, self.mode, peer.name, ours, reply,
                                    self.wants.zones, more)
                    for peer, reply in theirs]
        for context in contexts:
            context.wanted = None if wrong else wanted
            context.others = [other for other in contexts if other is not context]
        for context in contexts:
            self.judge(context)

    def judge(self, context):
        left = rules.explain(context, self.used)
        if left:
            kinds = ", ".join(sorted({difference[0] for difference in left}))
            shown = "; ".join(compare.difference_text(difference)
                              for difference in sorted(left, key=str)[:4])
            self.differing[context.peer].add(
                kinds, f"{_shown(context.sent_name, context.rtype)}: {shown}")

    def count(self):
        return self.own.count + sum(failures.count for failures in self.differing.values())

    def report(self, report, title, show):
        self.own.report(report, f"as the RFCs want {title}", "things are wrong", show)
        for peer, failures in self.differing.items():
            failures.report(report, f"as {peer} {title}",
                            "questions are answered differently, and no rule says why", show)


def _shown(name, rtype):
    return f"{wire.text(name)} {wire.type_text(rtype)}"


def compare_zone(report, options, wants, zone, server, others, used):
    pairs = questions.all_of(zone, options.most, options.seed)
    for mode in questions.MODES:
        title = f"{zone.path.name} {mode.name} ({len(pairs)} questions)"
        comparison = Comparison(wants, mode, server,
                                [peer for peer in others if peer.has(zone.origin)], used)
        comparison.run(pairs)
        comparison.report(report, title, options.show)


def start_peers(report, names, zones):
    running = []
    for name in names:
        try:
            running.append(peers.ALL[name](zones.origins()))
        except peers.Missing as missing:
            report.skip(f"as {name}", missing)
        except process.StartFailed as failure:
            report.fail(f"as {name}", failure)
    return running


def compare_group(report, options, files, used):
    zones = zonedata.Zones(files)
    running = start_peers(report, options.peers.split(","), zones)
    try:
        arguments = [f"{wire.text(zone.origin)}={zone.path}" for zone in zones.all]
        with skua.Skua(arguments) as server:
            wants = expected.Expected(zones)
            for zone in zones.all:
                compare_zone(report, options, wants, zone, server, running, used)
    except (process.StartFailed, exchange.Lost, wire.Malformed) as failure:
        report.fail(f"peers {files[0].name} and others", failure)
    finally:
        for peer in running:
            peer.close()


def main():
    options = arguments()
    report = cases.Report()
    used = {}
    for files in groups(zone_files(options.files)):
        compare_group(report, options, files, used)
    rules.show(used)
    sys.exit(report.end())


if __name__ == "__main__":
    main()
