#!/usr/bin/python3
"""wire_test: garbage over UDP and TCP to a running server: at most one reply each, none to a response, no reply to nobody;
afterwards it answers as before, and its counters say where everything went (docs/wire.md).

A failure prints its seed; SKUA_SEED repeats it."""
import os
import pathlib
import random
import socket
import struct

import dns.message
import dns.rdatatype

import cases
import skua
from cases import LONG, case, eventually, expect

SOURCES = pathlib.Path(__file__).resolve().parents[2]
ZONES = [SOURCES / "zones" / "examples"]
ROUNDS = 50000 if LONG else 5000
NAMES = ("epc.mnc001.mcc001.3gppnetwork.org.", "ims.mnc001.mcc001.3gppnetwork.org.", "nothere.example.", ".")


def seed():
    chosen = int(os.environ.get("SKUA_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"# SKUA_SEED={chosen}", flush=True)
    return random.Random(chosen)


def corpus():
    """Messages that the fuzzer found to lead somewhere new."""
    return [path.read_bytes() for path in sorted((SOURCES / "tests" / "fuzz" / "corpus" / "query").iterdir())]


def spoil(chance, message):
    """Some octets changed, the end cut off or drawn out."""
    message = bytearray(message)
    for _ in range(chance.randrange(4)):
        if message:
            message[chance.randrange(len(message))] = chance.choice((0, 1, 0x29, 0x3f, 0x40, 0xc0, 0xff, chance.randrange(256)))
    if chance.randrange(3) == 0:
        message = message[:chance.randrange(len(message) + 1)]
    if chance.randrange(8) == 0:
        message += chance.randbytes(chance.choice((1, 11, 600, 5000)))
    return bytes(message)


def messages(chance):
    seeds = corpus() + [dns.message.make_query(name, rtype, use_edns=edns).to_wire()
                        for name in NAMES for rtype in ("A", "NAPTR", "ANY") for edns in (-1, 0)]
    for _ in range(ROUNDS):
        yield spoil(chance, chance.choice(seeds))


def is_answered(message):
    """A header, no response; longer ones than a buffer are dropped."""
    return 12 <= len(message) <= 4096 and not message[2] & 0x80


def read_counts(server):
    return {name.removeprefix("skua_").removesuffix("_total"): int(value) for name, value in server.metrics().items()}


def check_ledger(server, sent):
    """The sums of docs/wire.md. Control asks now and then, too, so more may have come in, and be on its way."""
    def sums():
        counts = read_counts(server)
        rcodes, reasons = (sum(value for name, value in counts.items() if name.startswith(prefix)) for prefix in ("rcode_", "formerr_"))
        silent = sum(counts[name] for name in ("drop_short", "drop_response", "drop_no_image", "drop_rate_limited"))
        return (counts["received"] + counts["drop_scattered"] >= sent, counts["received"] - counts["answers"] - silent,
                counts["answers"] - rcodes, counts["rcode_formerr"] - reasons, counts["rcode_servfail"])

    try:
        eventually(lambda: sums() == (True, 0, 0, 0, 0), "the counters add up")
    except cases.Failure:
        raise cases.Failure(f"all received; left over of received, answers, FORMERR; SERVFAIL: {sums()}") from None


@case("wire: garbage over UDP: one reply or none, and every datagram is counted")
def udp():
    chance = seed()
    with skua.Skua(ZONES) as server:
        sent = read_counts(server)["received"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(server.address)
            client.settimeout(10)
            for message in messages(chance):
                client.send(message)
                sent += 1
                if is_answered(message):
                    reply = client.recv(65535)
                    expect(reply[:2] == message[:2] and reply[2] & 0x80, f"{message.hex()} got {reply.hex()}")
                    expect(len(reply) <= 1232, f"{message.hex()} got {len(reply)} octets")
            good = dns.message.make_query(NAMES[0], "SOA")
            client.send(good.to_wire())
            sent += 1
            # The next reply is this one's: nothing was answered that should not be, and nothing twice.
            reply = dns.message.from_wire(client.recv(65535))
            expect(reply.id == good.id and reply.answer[0].rdtype == dns.rdatatype.SOA, reply.to_text())
            client.settimeout(0.2)
            try:
                expect(False, f"a reply to nobody: {client.recv(65535).hex()}")
            except TimeoutError:
                pass
        check_ledger(server, sent)


def exchange_tcp(connection, message):
    connection.sendall(struct.pack("!H", len(message)) + message)
    octets = b""
    while len(octets) < 2 or len(octets) < 2 + struct.unpack("!H", octets[:2])[0]:
        more = connection.recv(65535)
        expect(more, f"closed after {message.hex()}")
        octets += more
    return octets[2:]


@case("wire: garbage over TCP: a malformed message is answered, and the connection goes on")
def tcp():
    chance = seed()
    with skua.Skua(ZONES) as server:
        sent = read_counts(server)["received"]
        with socket.create_connection(server.address, 10) as connection:
            for message in messages(chance):
                if len(message) < 12 or message[2] & 0x80:
                    continue
                sent += 1
                reply = exchange_tcp(connection, message)
                expect(reply[:2] == message[:2] and reply[2] & 0x80, f"{message.hex()} got {reply.hex()}")
        check_ledger(server, sent)


cases.main()
