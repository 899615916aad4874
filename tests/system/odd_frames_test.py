"""odd_frames_test: every frame of the catalogue (odd_frames.py) at every back end: no crash, no answer where none is due, one right answer where
one is, and counters that add up to the frames sent, frame by frame. Then random mutations of them, by the ten thousand.

Behind each row goes a plain query: once it is answered, all in front of it has been dealt with, so nothing waits for time to pass.
A failure of the mutations prints its seed; SKUA_SEED repeats it."""

import dataclasses
import os
import random
import re
import socket
import struct

import dns.message
import dns.rcode

import cases
import frames
from cases import LONG, case, eventually, expect, expect_equal
from frames import VLAN
from namespace import Link, ip
from odd_frames import CHAPTERS, Maker
from on_dpdk import MEMORY, needs_dpdk
from raw_ends import Ends, Tap, mac_of, silence
from raw_link import RawLink
from skua import SOURCES, Skua
from small_zone import Zone

MUTATIONS = 100000 if LONG else 20000
BATCH = 64  # fits every queue on the way
NAME, ADDRESS = "www.x.test", "192.0.2.1"
MARKER_PORT = 33333  # of no other query
REASONS = re.findall(r"^REASON\((\w+),", (SOURCES / "zones/abi/frame_reasons.def").read_text(), re.M)
OF_FRAMES = ["received", "drop_rx_full", "pass_no_socket", *(f"{what}_{reason}" for what in ("drop", "pass") for reason in REASONS)]
# Datagrams to us that are broken or forged, and what is no frame: a port that the kernel shares keeps these from it.
NOT_FOR_THE_KERNEL = "runt|udp_length|source|checksum|short|response"
SILENCES = ["drop_short", "drop_response", "drop_no_image", "drop_rate_limited"]


class Wire(Link):
    """A veth pair; the client's kernel has no address, and the server's only if it is to: then it knows the client."""

    def __init__(self, server_has_addresses=True, mtu=1500):
        super().__init__()
        self.server_has_addresses, self.mtu = server_has_addresses, str(mtu)

    def join(self):
        silence(self.client)
        if not self.server_has_addresses:
            silence(self.server)
        ip("-n", self.server, "link", "add", "dns0", "mtu", self.mtu, "type", "veth", "peer", "name", "dns1", "mtu", self.mtu, "netns", self.client)
        ip("-n", self.client, "link", "set", "dns1", "up")
        ip("-n", self.server, "link", "set", "dns0", "up")
        if self.server_has_addresses:
            # Without a subnet: what a kernel sends to a broadcast address comes back to its own generic XDP.
            ip("-n", self.server, "addr", "add", "198.18.0.1/32", "dev", "dns0")
            ip("-n", self.server, "route", "add", "198.18.0.0/24", "dev", "dns0")
            ip("-n", self.server, "-6", "addr", "add", "2001:db8::1/64", "dev", "dns0", "nodad")
            for address in ("198.18.0.2", "2001:db8::2"):
                ip("-n", self.server, "neigh", "replace", address, "lladdr", mac_of(self.client, "dns1").hex(":"), "dev", "dns0", "nud", "permanent")

    def ends(self):
        return Ends(mac_of(self.client, "dns1"), mac_of(self.server, "dns0"))

    def raw(self):
        return RawLink(self.client, "dns1")


class Server(Skua):
    """Skua in the server namespace; its counters are read through control's socket, and nobody else asks it anything."""

    def __init__(self, link, zone, backend, *options):
        self.link, self.backend = link, backend
        super().__init__([zone], "--io", backend, *options)

    def listen_options(self):
        return [] if self.backend.startswith("af_xdp") else ["--listen", "198.18.0.1:53", "--listen", "[2001:db8::1]:53"]

    def command(self):
        return ["ip", "netns", "exec", self.link.server, *super().command()]

    def start(self):
        self.launch(self.command())
        self.wait_ready(lambda: " answering " in self.log() and (self.runtime / "control.sock").exists())

    def counters(self):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.runtime / "control.sock"))
            control.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            text = b"".join(iter(lambda: control.recv(1 << 20), b"")).decode()
        found = {}
        for name, value in re.findall(r'^skua_(\w+)_total{worker="0"} (\d+)$', text, re.M):
            found[name] = found.get(name, 0) + int(value)
        return found

    def counted(self, before):
        """What has moved since, of all that a frame or a message can end in."""
        now = self.counters()
        return {name: now[name] - before[name] for name in [*OF_FRAMES, "answers", *SILENCES] if now[name] != before[name]}


@dataclasses.dataclass
class BackEnd:
    name: str  # as in Outcome: af_xdp, dpdk or socket
    server: Server
    raw: RawLink
    maker: Maker
    has_kernel: bool = False  # DPDK gives to the kernel what it would drop
    sequence: int = 0

    def next_query(self):
        """The maker's frames carry a new question from here on; its identity is returned."""
        self.sequence = self.sequence % 60000 + 1
        self.maker.payload = dns.message.make_query(NAME, "A", id=self.sequence).to_wire()
        return self.sequence

    def answers_until_marker(self, ipv6=False):
        """Sends a plain query, and returns what came from port 53 before its answer, as (frame, datagram)."""
        identity = struct.pack(">H", self.next_query())
        make = self.maker.v6 if ipv6 else self.maker.v4
        self.raw.send(make(udp_fields={"sport": MARKER_PORT}))

        def is_answer(frame):
            datagram = frame.datagram()
            return datagram and datagram[2:4] == (53, MARKER_PORT) and datagram[4][:2] == identity

        seen = [(frame, frame.datagram()) for frame in self.raw.receive_until(is_answer)[:-1]]
        return [(frame, datagram) for frame, datagram in seen if datagram and datagram[2] == 53]


def tag_and_packet(frame):
    if frame[12:14] == b"\x81\0" and len(frame) >= 18:
        return struct.unpack(">HH", frame[12:16]), frame[18:]
    return None, frame[14:]


def source_port(packet):
    """Of a plain packet; those that a kernel puts together are from the usual port."""
    start = 20 if packet[0] == 0x45 and packet[9] == 17 and not struct.unpack(">H", packet[6:8])[0] & 0x3fff else 40 if packet[6] == 17 else 0
    return struct.unpack(">H", packet[start:start + 2])[0] if start else 40053


def check_answer(backend, query, frame, datagram, identity):
    """The one right answer to a query, in every octet that the wire prescribes. A kernel has a way of its own with DSCP and neighbours."""
    ends, (tag, packet) = backend.maker.ends, tag_and_packet(query)
    ipv6 = packet[0] >> 4 == 6
    source, target, _, port, payload = datagram
    expect_equal(frame.octets[:12], ends.client_mac + ends.server_mac, "link addresses")
    expect_equal((source, target), (ends.server6, ends.client6) if ipv6 else (ends.server4, ends.client4), "addresses")
    expect_equal(port, source_port(packet), "port")
    expect_equal(frame.octets[14 + (7 if ipv6 else 8)], 64, "TTL or hop limit")
    if backend.name != "socket":
        expect_equal(frame.tag, tag, "tag")
        check_service(packet, frame.octets[14:], ipv6)
    reply = dns.message.from_wire(payload)
    expect_equal((reply.id, reply.rcode(), [str(rdata) for rrset in reply.answer for rdata in rrset]), (identity, dns.rcode.NOERROR, [ADDRESS]), "answer")


def check_service(query, reply, ipv6):
    """DSCP is copied, ECN not; no fragment, nor to become one; no flow label."""
    if ipv6:
        expect_equal(struct.unpack(">I", reply[:4])[0], struct.unpack(">I", query[:4])[0] & 0xffc00000, "DSCP and flow label")
    else:
        expect_equal((reply[1], reply[6:8]), (query[1] & 0xfc, b"\x40\0"), "DSCP and flags")


def wanted_counts(backend, outcome, sent, is_answered):
    """Counters that a row and its marker move."""
    wanted = {"received": 1 + is_answered + bool(outcome.silence), "answers": 1 + is_answered}
    counter = outcome.silence or getattr(outcome, backend.name)
    if backend.has_kernel:
        counter = re.sub(f"^drop_(?!{NOT_FOR_THE_KERNEL})", "pass_", counter)
    if counter:
        wanted[counter] = sent
    return wanted


def check_row(backend, make):
    """make() gives the row, once the question in it is a new one."""
    identity = backend.next_query()
    what, outcome, sent = make()
    is_answered = outcome.socket_answers if backend.name == "socket" else not outcome.af_xdp and not outcome.silence
    before = backend.server.counters()
    try:
        for frame in sent:
            backend.raw.send(frame)
        answers = backend.answers_until_marker(ipv6=any(b"\x86\xdd" in frame[12:18] for frame in sent))
        expect_equal(len(answers), int(is_answered), "answers")
        for frame, datagram in answers:
            check_answer(backend, sent[0], frame, datagram, identity)
        wanted = wanted_counts(backend, outcome, len(sent), is_answered)
        await_counts(backend, before, wanted)
    except (cases.Failure, frames.Wrong) as reason:
        return f"{what}: {reason}"
    return None


def await_counts(backend, before, wanted):
    try:
        eventually(lambda: sum(backend.server.counted(before).values()) >= sum(wanted.values()), "the counters", 10)
    except cases.Failure:
        pass  # the comparison says more
    expect_equal(backend.server.counted(before), wanted, "what was counted")


def walk(backend, but):
    """Every row of the catalogue, but those whose names begin so; all that are not as they should be are told."""
    backend.next_query()
    names = [(chapter, number, row[0]) for chapter in CHAPTERS.values() for number, row in enumerate(chapter(backend.maker))]
    wrong = [check_row(backend, lambda chapter=chapter, number=number: chapter(backend.maker)[number])
             for chapter, number, name in names if not name.startswith(tuple(but))]
    print(f"# {len(wrong)} rows", flush=True)
    expect(len(wrong) > 250, f"only {len(wrong)} rows")
    wrong = [one for one in wrong if one]
    expect(not wrong, f"{len(wrong)} rows:\n    " + "\n    ".join(wrong))


def mutate(chance, frame):
    """A few octets changed, mostly in the headers; now and then the end cut off or drawn out, or octets put in."""
    frame = bytearray(frame)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(min(len(frame), chance.choice((14, 38, 66, 200))))
        frame[at] = chance.choice((0, 1, 0x45, 0x46, 0x60, 0x81, 0xff, frame[at] ^ 1 << chance.randrange(8), chance.randrange(256)))
    action = chance.randrange(12)
    if action == 0:
        del frame[chance.randrange(14, len(frame) + 1):]
    elif action == 1:
        frame += chance.randbytes(chance.choice((1, 40, 800)))
    elif action == 2:
        at = chance.randrange(12, len(frame))
        frame[at:at] = chance.randbytes(chance.choice((1, 4, 8)))
    return bytes(frame)


def reseal(chance, frame):
    """The IPv4 header's checksum is put right again in half of the frames, else hardly any gets past it."""
    size = max(20, (frame[14] & 15) * 4) if len(frame) > 34 else 0
    if chance.randrange(2) == 0 or frame[12:14] != b"\x08\0" or not size:
        return frame
    return frame[:24] + struct.pack(">H", frames.checksum(frame[14:24] + b"\0\0" + frame[26:14 + size])) + frame[26:]


def mutations(backend, comes):
    seed = int(os.environ.get("SKUA_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"# SKUA_SEED={seed}", flush=True)
    chance = random.Random(seed)
    m, server = backend.maker, backend.server
    backend.next_query()
    good = [m.v4(), m.v6(), m.v4({"tags": [(VLAN, 7)]}), m.v6({"tags": [(VLAN, 7)]})] * 8 + [
        frame for chapter in CHAPTERS.values() for row in chapter(m) for frame in row[2]]
    before, sent, seen, pid = server.counters(), 0, 0, server.dataplane()
    for _ in range(MUTATIONS // BATCH):
        batch = [frame for frame in (reseal(chance, mutate(chance, chance.choice(good))) for _ in range(BATCH)) if comes(frame)]
        for frame in batch:
            backend.raw.send(frame)
        sent += len(batch) + 1
        seen += 1 + len(backend.answers_until_marker())
    expect_equal(server.dataplane(), pid, "the dataplane is the one that started")

    def sums():
        counts = server.counted(before)
        total = sum(counts.get(name, 0) for name in OF_FRAMES)
        answers = counts.get("answers", 0)
        silences = sum(counts.get(name, 0) for name in SILENCES)
        if backend.name == "socket":  # a kernel keeps frames to itself, and replies to neighbours that it does not find
            total, seen_at_least = sent, min(answers, seen)
        else:
            seen_at_least = answers
        return total, seen_at_least, counts.get("received", 0) - answers - silences, counts.get("drop_rx_full", 0)

    try:
        eventually(lambda: sums() == (sent, seen, 0, 0), "the sums", 10)
    except cases.Failure:
        raise cases.Failure(f"seed {seed}: frames, answers, received without an outcome, lost: {sums()}, not {(sent, seen, 0, 0)}; "
                            f"{server.counted(before)}") from None


def at(name, link, io, says, *options, but=(), comes=lambda frame: True):
    """The catalogue and its mutations at one back end, whose log must say so. but: rows whose frames its driver changes; comes: whether it hands over
    a frame as it is."""
    with link, Zone() as zone, Server(link, zone, io, *options) as server, link.raw() as raw:
        eventually(lambda: says in server.log(), f"{says} in the log")
        backend = BackEnd(name, server, raw, Maker(link.ends(), b""), has_kernel="auto" in options)
        walk(backend, but)
        mutations(backend, comes)


@case("odd frames: af_xdp, native")
def af_xdp():
    at("af_xdp", Wire(), "af_xdp:dns0", "(native, copy)")


@case("odd frames: af_xdp, generic")
def af_xdp_generic():
    at("af_xdp", Wire(mtu=9000), "af_xdp:dns0", "(generic, copy)")


def kernel_hands_over(frame):
    """Whether AF_PACKET shows a frame to net_af_packet: no fragment of IPv4, nor one that ends within its tag."""
    while frame[12:14] in (b"\x81\0", b"\x88\xa8"):
        if len(frame) < 20:
            return False
        priority_only = not struct.unpack(">H", frame[14:16])[0] & 0xfff
        frame = frame[:12] + frame[16:]
        if not priority_only:  # else the next tag is taken out, too
            break
    return frame[12:14] != b"\x08\0" or len(frame) < 34 or frame[14] >> 4 != 4 or not struct.unpack(">H", frame[20:22])[0] & 0x3fff


@case("odd frames: dpdk, net_af_packet")
def dpdk_af_packet():
    needs_dpdk()
    # The driver has the kernel put fragments of IPv4 together, and puts a tag that the kernel took out back as 802.1Q, whatever it was.
    at("dpdk", Wire(server_has_addresses=False), f"dpdk:{MEMORY} --vdev=net_af_packet0,iface=dns0", "net_af_packet0", "--kernel", "off",
       but=["802.1ad: a service tag alone", "IPv4 fragment"], comes=kernel_hands_over)


@case("odd frames: dpdk, net_tap")
def dpdk_tap():
    needs_dpdk()
    at("dpdk", Tap(), f"dpdk:{MEMORY} --vdev=net_tap0,iface=skua-tap", "net_tap0", "--kernel", "off")


@case("odd frames: dpdk, net_tap, whose port the kernel shares")
def dpdk_kernel():
    needs_dpdk()
    at("dpdk", Tap(), f"dpdk:{MEMORY} --vdev=net_tap0,iface=skua-tap", "net_tap0", "--kernel", "auto")


def trusts(link, io, *options):
    """A wrong checksum, of IPv4's header or of UDP, is not looked at; all else is."""
    with link, Zone() as zone, Server(link, zone, io, "--checksums", "trust", *options) as server, link.raw() as raw:
        backend, before = BackEnd("trust", server, raw, Maker(link.ends(), b"")), server.counters()
        for make in (lambda m: m.v4(sum_=1), lambda m: m.v4(udp_fields={"sum_": 0x1234}), lambda m: m.v6(udp_fields={"sum_": 0x1234})):
            identity = backend.next_query()
            query = make(backend.maker)
            raw.send(query)
            answers = backend.answers_until_marker(ipv6=query[12:14] == b"\x86\xdd")
            expect_equal(len(answers), 1, "answers")
            check_answer(backend, query, *answers[0], identity)
        raw.send(backend.maker.v4(udp_fields={"length": 7}))
        expect_equal(backend.answers_until_marker(), [], "answers")
        await_counts(backend, before, {"received": 7, "answers": 7, "drop_udp_length": 1})


@case("odd frames: --checksums trust, at AF_XDP and DPDK")
def trust():
    trusts(Wire(), "af_xdp:dns0")
    needs_dpdk()
    trusts(Tap(), f"dpdk:{MEMORY} --vdev=net_tap0,iface=skua-tap", "--kernel", "off")


@case("odd frames: socket")
def kernel_socket():
    # Linux lets in what claims to be from this host over IPv6: the answer stays within it.
    at("socket", Wire(), "socket", "socket", but=["from us, IPv6"])


cases.main()
