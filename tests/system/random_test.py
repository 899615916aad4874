#!/usr/bin/python3
"""random_test: Skua against NSD, Knot DNS and BIND on zones that random_zones.py makes up.

    random_test.py [--rounds N] [--questions N] [--peers nsd,knot,bind] [--show N] [--keep FOLDER]

Each round makes a few zones that lead to and hide each other, some of them signed, and asks all
servers the same random questions in every way. As in peers_test.py, replies must be what the RFCs
want, and equal, or a rule says why not. A failure prints the seed of its round, the question and the
zones' text; SKUA_SEED=<that seed> random_test.py --rounds 1 makes the same again. Without SKUA_SEED
the seed is always the same, so that a failure is the change's. SKUA_LONG=yes (scripts/test --long)
takes a new one each time, and asks 100,000 questions.
"""

import argparse
import concurrent.futures
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

import cases
import expected
import peers
import peers_test
import process
import questions
import random_zones
import rules
import skua
import wire
import zonedata
from cases import LONG

TYPES = (wire.A, wire.AAAA, wire.NS, wire.SOA, wire.CNAME, wire.MX, wire.TXT, wire.SRV, wire.NAPTR,
         wire.DNAME, wire.DS, wire.DNSKEY, wire.ANY, wire.RRSIG, wire.NSEC, wire.NSEC3, 51, 64, 65,
         wire.PTR, 17, 257, 65280)
SIZES = (1, 511, 512, 513, 600, 750, 900, 1100, 1231, 1400, 4096, 65535)  # that clients offer


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=67 if LONG else 10)
    parser.add_argument("--questions", type=int, default=1500, help="in each round")
    parser.add_argument("--peers", default="nsd,knot,bind", help="comma-separated")
    parser.add_argument("--show", type=int, default=3, help="examples of each kind of failure")
    parser.add_argument("--keep", type=pathlib.Path, help="leave the zones of failed rounds here")
    return parser.parse_args()


def first_seed():
    given = os.environ.get("SKUA_SEED")
    if given:
        return int(given)
    return random.SystemRandom().randrange(1, 1 << 32) if LONG else 1


def write_zones(zones, folder):
    """Writes and signs them; returns the paths of what is to be served."""
    plain = []
    for index, zone in enumerate(zones):
        path = folder / f"{index}.zone"
        path.write_text(zone.text(), encoding="ascii")
        plain.append(path)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(lambda zone, path: path if zone.security == "no"
                             else zone.sign(folder, path), zones, plain))


def where_it_leads(record):
    """Names that a record leads to, and one below an alias."""
    yield from (name for name, _ in expected.targets(record))
    if record[1] in (wire.CNAME, wire.DNAME):
        yield record[4]
        yield wire.from_labels([b"below"] + wire.labels(record[4]))


def interesting_names(zones):
    names = set()
    for zone in zones.all:
        names.update(questions.names_of(zone))
        for owner, sets in zone.records.items():
            for rtype, rdatas in sets.items():
                for _, rdata in rdatas:
                    names.update(where_it_leads((owner, rtype, 1, 0, rdata)))
        parts = wire.labels(zone.origin)
        names.add(wire.from_labels(parts[1:]))
        names.add(wire.from_labels([b"beside"] + parts[1:]))
    names.discard(None)
    return sorted(names)


def pick_questions(dice, zones, most):
    """(name, type): half of them for what a name or what answers for it has."""
    names = interesting_names(zones)
    pairs = []
    for _ in range(most):
        name = dice.choice(names)
        have = sorted(set(zones.sets_at(name)) - questions.NOT_ASKED)
        rtype = dice.choice(have) if have and dice.random() < 0.5 else dice.choice(TYPES)
        pairs.append((questions.mixed_case(name, dice), rtype))
    return pairs


class Round:
    def __init__(self, report, options, seed, used):
        self.report, self.options, self.seed, self.used = report, options, seed, used
        self.dice = random.Random(seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skua-random-"))
        self.made = random_zones.make(self.dice)
        self.failed = False
        self.asked = self.unexplained = 0  # questions; differences and what the RFCs forbid
        self.running = {}  # name -> server

    def begin(self, name, start):
        self.running[name] = start()  # from now on run() stops it

    def start(self, zones):
        """Skua and the peers, at the same time."""
        starts = [(name, lambda name=name: peers.ALL[name](zones.origins()))
                  for name in self.options.peers.split(",")]
        served = [f"{wire.text(zone.origin)}={zone.path}" for zone in zones.all]
        starts.append(("skua", lambda: skua.Skua(served)))
        running = self.running
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for name, future in [(name, pool.submit(self.begin, name, start))
                                 for name, start in starts]:
                try:
                    future.result()
                except peers.Missing as missing:
                    self.report.skip(f"seed {self.seed} as {name}", missing)
                except (process.StartFailed, OSError) as failure:
                    self.fail(f"seed {self.seed} {name} starts", failure)
        for name in self.options.peers.split(","):
            refused = [wire.text(zone.origin) for zone in zones.all
                       if name in running and not running[name].has(zone.origin)]
            if refused:
                self.fail(f"seed {self.seed} {name} loads all", f"not {', '.join(refused)}")

    def fail(self, name, reason):
        self.failed = True
        self.report.fail(name, reason)

    def compare(self, zones):
        if "skua" not in self.running:
            return
        pairs = pick_questions(self.dice, zones, self.options.questions)
        wants = expected.Expected(zones)
        modes = questions.MODES + tuple(
            questions.Mode(f"udp-{size}{'-do' if do else ''}", False, size, do)
            for size, do in ((self.dice.choice(SIZES), True), (self.dice.choice(SIZES), False)))
        share = len(pairs) // len(modes)
        for index, mode in enumerate(modes):
            part = pairs[index * share:(index + 1) * share]
            self.compare_mode(wants, mode, part)

    def compare_mode(self, wants, mode, pairs):
        title = f"seed {self.seed} {mode.name} ({len(pairs)} questions, {len(self.made)} zones)"
        others = [self.running[name] for name in self.running if name != "skua"]
        comparison = peers_test.Comparison(wants, mode, self.running["skua"], others, self.used)
        comparison.run(pairs)
        self.asked += len(pairs)
        self.unexplained += comparison.count()
        before = self.report.failed
        comparison.report(self.report, title, self.options.show)
        self.failed |= self.report.failed > before

    def run(self):
        try:
            zones = zonedata.Zones(write_zones(self.made, self.folder))
            self.start(zones)
            self.compare(zones)
        except Exception as failure:  # a broken round is a failed one, with its seed
            self.fail(f"seed {self.seed}", f"{type(failure).__name__}: {failure}")
        finally:
            for server in self.running.values():
                server.close()
            if self.failed:
                self.tell()
            shutil.rmtree(self.folder, ignore_errors=True)

    def tell(self):
        """What one needs to do it again."""
        print(f"    again: SKUA_SEED={self.seed} {sys.argv[0]} --rounds 1 "
              f"--questions {self.options.questions}; its zones:")
        for path, zone in zip(sorted(self.folder.glob("*.zone")), self.made):
            print(f"    ; {random_zones.shown(zone.origin)} signed: {zone.security}")
            for line in path.read_text(encoding="ascii").splitlines():
                print(f"    {line}")
        if self.options.keep:
            kept = self.options.keep / f"seed-{self.seed}"
            shutil.copytree(self.folder, kept, dirs_exist_ok=True)
            print(f"    kept in {kept}")


def main():
    options = arguments()
    report = cases.Report()
    used = {}
    seed = first_seed()
    print(f"seeds {seed} to {seed + options.rounds - 1}; {options.questions} questions each")
    started = time.monotonic()
    asked = unexplained = 0
    for number in range(options.rounds):
        one = Round(report, options, seed + number, used)
        one.run()
        asked += one.asked
        unexplained += one.unexplained
    rules.show(used)
    print(f"    seed {seed}: {asked} questions to each server in {time.monotonic() - started:.0f} s, "
          f"{unexplained} unexplained")
    sys.exit(report.end())


if __name__ == "__main__":
    main()
