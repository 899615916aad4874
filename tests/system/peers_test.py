#!/usr/bin/python3
"""peers_test: Skua's answers against those of NSD, Knot DNS and BIND on the same zone files.

    peers_test.py [--peers nsd,knot,bind] [--most QUESTIONS] [--seed N] [--show N] [FILE or folder …]

Without files: those of tests/system/zones. For each zone, every owner, and names beside, below and
above it, times every interesting type, over UDP without EDNS, with EDNS of 1232 octets, with DO,
and over TCP. rcode, flags, OPT and the contents of all sections must be equal, or the difference
must be one that rules.py names, explains and verifies. One case per zone, peer and way to ask.
"""

import argparse
import pathlib
import sys

import cases
import compare
import exchange
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
    return [wire.question(0, name, rtype, mode.edns, mode.do, rd=index % 3 == 0)
            for index, (name, rtype) in enumerate(pairs)]


def ask_all(server, mode, queries):
    many = exchange.tcp_many if mode.tcp else exchange.udp_many
    return many(server.address, queries)


class Comparison:
    """All questions of one zone in one mode, Skua against one peer."""

    def __init__(self, zones, mode, peer, show):
        self.zones, self.mode, self.peer, self.show = zones, mode, peer, show
        self.failures = {}  # kind -> [examples]
        self.count = 0
        self.used = {}

    def ask_peer(self, name, rtype, rd):
        query = wire.question(1, name, rtype, self.mode.edns, self.mode.do, rd)
        octets = exchange.tcp_one(self.peer.address, query)
        return wire.Reply(octets)

    def look(self, name, rtype, ours, theirs):
        context = compare.Context(name, rtype, self.mode, self.peer.name, ours, theirs,
                                  self.zones, self.ask_peer)
        differences = context.differences()
        if not differences:
            return
        left = rules.explain(context, differences, self.used)
        if left:
            self.fail(name, rtype, sorted({difference[0] for difference in left}), left)

    def fail(self, name, rtype, kinds, left):
        self.count += 1
        examples = self.failures.setdefault(", ".join(kinds), [])
        examples.append((name, rtype, [compare.difference_text(d) for d in left[:4]]))

    def outcome(self):
        """The reason why it failed, in one line, after its examples."""
        for kinds, examples in sorted(self.failures.items(), key=lambda item: -len(item[1])):
            print(f"    {len(examples)} times: {kinds}")
            for name, rtype, shown in examples[:self.show]:
                print(f"        {wire.text(name)} {wire.type_text(rtype)}: {'; '.join(shown)}")
        return f"{self.count} questions are answered differently, and no rule says why"


def read(octets):
    """None if it is malformed: check_self() tells."""
    try:
        return wire.Reply(octets)
    except wire.Malformed:
        return None


def check_self(report, title, mode, pairs, queries, octets, replies, show):
    wrong = {}
    for (name, rtype), query, reply_octets, reply in zip(pairs, queries, octets, replies):
        for what in compare.self_check(name, rtype, mode, query, reply_octets, reply):
            wrong.setdefault(what, []).append(f"{wire.text(name)} {wire.type_text(rtype)}")
    for what, examples in wrong.items():
        print(f"    {len(examples)} times: {what}: {', '.join(examples[:show])}")
    if wrong:
        report.fail(f"well-formed {title}", "; ".join(wrong))
    else:
        report.ok(f"well-formed {title}")


def compare_zone(report, options, zones, zone, server, others, used):
    pairs = questions.all_of(zone, options.most, options.seed)
    for mode in questions.MODES:
        queries = asked(mode, pairs)
        title = f"{zone.path.name} {mode.name} ({len(pairs)} questions)"
        octets = ask_all(server, mode, queries)
        replies = [read(reply) for reply in octets]
        check_self(report, title, mode, pairs, queries, octets, replies, options.show)
        for peer in (peer for peer in others if peer.has(zone.origin)):
            comparison = Comparison(zones, mode, peer, options.show)
            for (name, rtype), ours, theirs in zip(pairs, replies, ask_all(peer, mode, queries)):
                if ours is not None:
                    comparison.look(name, rtype, ours, wire.Reply(theirs))
            for rule, times in comparison.used.items():
                used[rule, peer.name] = used.get((rule, peer.name), 0) + times
            name = f"as {peer.name} {title}"
            if comparison.failures:
                report.fail(name, comparison.outcome())
            else:
                report.ok(name)


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
            for zone in zones.all:
                compare_zone(report, options, zones, zone, server, running, used)
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
    if used:
        print("    differences that rules explain:")
        for (rule, peer), times in sorted(used.items(), key=lambda item: -item[1]):
            print(f"    {times:8} {peer:5} {rule}")
    sys.exit(report.end())


if __name__ == "__main__":
    main()
