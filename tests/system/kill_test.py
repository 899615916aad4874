"""kill_test: kill -9 of control, of the dataplane, and of both, at random moments under load and reloads.

Every name h<i> has two addresses: 198.18.<i> and 198.19.<version of the zone file>. So an answer shows whether it is
this name's, whole, and of a version that was written and not older than one that was seen before.
Prints how long the dataplane was away; that is a figure, not a condition."""

import os
import pathlib
import random
import signal
import socket
import statistics
import struct
import subprocess
import threading
import time

import dns.exception

import cases
import namespace
import process
from cases import case, expect
from skua import Skua

NAMES = 500
KILLS = 200
ORIGIN = "kill.test."
PATIENCE = 2.0  # seconds until an unanswered query counts as lost
IN_FLIGHT = 0.25  # a query sent this long before its server was killed may be lost with it


def write_zone(path, version):
    lines = [f"$ORIGIN {ORIGIN}", "$TTL 60", f"@ IN SOA ns hostmaster {version} 3600 900 604800 60", "@ IN NS ns",
             "ns IN A 192.0.2.53"]
    for i in range(NAMES):
        lines.append(f"h{i} IN A 198.18.{i >> 8}.{i & 255}\n IN A 198.19.{version >> 8}.{version & 255}")
    temporary = path.with_suffix(".new")
    temporary.write_text("\n".join(lines) + "\n")
    temporary.rename(path)


def question(identity, number):
    labels = b"".join(bytes([len(label)]) + label for label in (b"h%d" % number, *ORIGIN.encode().rstrip(b".").split(b".")))
    return struct.pack(">HHHHHH", identity, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


class Load(threading.Thread):
    """Asks without pause, checks every answer, remembers which query was lost when."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.ending = threading.Event()
        self.written = 1  # newest version on disk; the main thread raises it before the file is renamed
        self.seen = 0
        self.wrong, self.lost = [], []
        self.arrivals = []  # (sent, received) of each answer
        self.asked = self.answered = 0
        self.waiting = {}  # id -> (sent, number, query, newest version seen then)

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as self.client:
            self.client.settimeout(0.001)
            identity = 0
            while not self.ending.is_set():
                for _ in range(8):
                    identity = (identity + 1) & 0xFFFF
                    self.ask(identity)
                self.take_answers()
                self.forget_lost()
            end = time.monotonic() + PATIENCE
            while self.waiting and time.monotonic() < end:
                self.take_answers()
            self.lost += [entry[0] for entry in self.waiting.values()]

    def ask(self, identity):
        number = random.randrange(NAMES)
        query = question(identity, number)
        if identity in self.waiting:
            self.lost.append(self.waiting.pop(identity)[0])
        self.waiting[identity] = (time.monotonic(), number, query, self.seen)
        self.asked += 1
        try:
            self.client.sendto(query, self.address)
        except OSError:
            pass  # nobody listens just now: it is lost, and counted as such

    def take_answers(self):
        try:
            while True:
                self.check(self.client.recv(4096))
        except OSError:
            pass

    def forget_lost(self):
        now = time.monotonic()
        for identity in [key for key, entry in self.waiting.items() if now - entry[0] > PATIENCE]:
            self.lost.append(self.waiting.pop(identity)[0])

    def check(self, reply):
        entry = self.waiting.pop(struct.unpack(">H", reply[:2])[0], None)
        if entry is None:
            self.wrong.append("an answer that nobody waits for: " + reply.hex())
            return
        self.answered += 1
        self.arrivals.append((entry[0], time.monotonic()))
        reason = self.fault(reply, *entry[1:])
        if reason:
            self.wrong.append(f"{reason}: {reply.hex()}")

    def fault(self, reply, number, query, seen):
        flags, questions, answers = struct.unpack(">HHH", reply[2:8])
        if flags != 0x8400 or questions != 1 or answers != 2 or reply[12:len(query)] != query[12:]:
            return f"not the answer to h{number}"
        addresses = sorted(reply[len(query) + 16 * i + 12:len(query) + 16 * i + 16] for i in range(2))
        if addresses[0] != bytes((198, 18, number >> 8, number & 255)):
            return f"not the address of h{number}"
        version = addresses[1][2] << 8 | addresses[1][3]
        if addresses[1][:2] != bytes((198, 19)) or not seen <= version <= self.written:
            return f"version {version}, after {seen} was seen and {self.written} written"
        self.seen = max(self.seen, version)
        return None


def children(pid):
    """{"control": pid, "dataplane": pid} of what runs below `skua serve` now."""
    found = {}
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            command = pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0]
        except OSError:
            continue
        for part in ("control", "dataplane"):
            if command.endswith(b"skua-" + part.encode()):
                found[part] = int(child)
    return found


def kill(server, targets):
    """Sends SIGKILL to those that run; returns which were hit, when they are dead: until then they may still answer."""
    hit = []
    for part, pid in children(server.child.pid).items():
        if part in targets:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            hit.append(part)
            while process.alive(pid):
                time.sleep(0.0002)
    return hit


def torment(server, zone, load):
    """KILLS kills with reloads between them; [(killed, dead)] of the dataplane."""
    outages, done = [], 0
    while done < KILLS:
        targets = random.choice((("control",), ("dataplane",), ("control", "dataplane")))
        moment = time.monotonic()
        hit = kill(server, targets)
        done += bool(hit)
        if "dataplane" in hit:
            outages.append((moment, time.monotonic()))
        time.sleep(random.random() * 0.25)
        if random.random() < 0.5:
            load.written += 1
            write_zone(zone, load.written)
        time.sleep(random.random() * 0.05)
        if done % 50 == 0 and hit:
            print(f"   {done} kills, {load.answered} answers, {len(load.lost)} lost while the dataplane was away", flush=True)
    return outages


def away(outages, arrivals):
    """[(killed, first answer to a query that was sent when it was dead)]"""
    arrivals.sort()
    periods, position = [], 0
    for killed, dead in outages:
        while position < len(arrivals) and arrivals[position][0] <= dead:
            position += 1
        periods.append((killed, arrivals[position][1] if position < len(arrivals) else float("inf")))
    return periods


def overflows():
    """Datagrams that the kernel has dropped in this namespace since a socket's buffer was full: the machine was busy."""
    names, values = (line.split() for line in pathlib.Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Udp:"))
    return int(values[names.index("RcvbufErrors")])


def disk_use(folder):
    return int(subprocess.check_output(["du", "-sk", str(folder)]).split()[0])


def newest_is_served(server, load):
    try:
        reply = server.query_udp("h1." + ORIGIN, "A", seconds=0.5)
    except (dns.exception.Timeout, OSError):
        return False  # the dataplane is still away after the last kill
    return any(address.to_text() == f"198.19.{load.written >> 8}.{load.written & 255}" for address in reply.answer[0])


@case("kill: 200 times at random moments, no wrong answer, no answer lost with control")
def kill_at_random():
    seed = int(os.environ.get("SKUA_SEED", time.time_ns() & 0xFFFFFF))
    random.seed(seed)
    print(f"   seed {seed} (SKUA_SEED)", flush=True)
    folder = pathlib.Path(f"/dev/shm/skua-kill-{os.getpid()}")
    folder.mkdir()
    zone = folder / (ORIGIN + "zone")
    write_zone(zone, 1)
    try:
        with Skua([zone], "--log-level", "warning") as server:
            load = Load(server.address)
            load.start()
            time.sleep(0.5)
            before = disk_use(server.runtime)
            outages = torment(server, zone, load)
            cases.eventually(lambda: newest_is_served(server, load), "the newest version is served after the last kill")
            cases.eventually(lambda: server.http("/ready")[0] == 200, "ready after the last kill")
            load.ending.set()
            load.join()
            judge(server, load, outages, before)
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=False)


def judge(server, load, outages, before):
    expect(not load.wrong, f"{len(load.wrong)} wrong answers; the first: {load.wrong[:3]}")
    periods = away(outages, load.arrivals)
    unexplained = [sent for sent in load.lost if not any(start - IN_FLIGHT <= sent <= end for start, end in periods)]
    dropped = overflows()
    if dropped:
        print(f"   {dropped} datagrams found a socket's buffer full; {len(unexplained)} queries lost while the dataplane ran", flush=True)
    expect(len(unexplained) <= dropped, f"{len(unexplained)} queries lost while the dataplane ran; the first ones, in seconds after the kill before: "
           f"{[round(sent - max((start for start, _ in periods if start < sent), default=sent), 4) for sent in unexplained[:5]]}")
    expect(load.answered > 10 * KILLS, f"only {load.answered} answers: no load")
    arenas = list(server.runtime.glob("arena.*"))
    expect(len(arenas) <= 2, f"arenas left behind: {arenas}")
    after = disk_use(server.runtime)
    expect(after <= 3 * before + 4096, f"the runtime directory grew from {before} to {after} KiB")
    gaps = sorted((end - start) * 1000 for start, end in periods)
    print(f"   {load.answered} right answers; dataplane killed {len(gaps)} times, kill to first answer: "
          f"median {statistics.median(gaps):.1f} ms, p90 {gaps[int(len(gaps) * 0.9)]:.1f} ms, max {gaps[-1]:.1f} ms", flush=True)


namespace.enter_own()
cases.main()
