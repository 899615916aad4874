#!/usr/bin/python3
"""tcp_large_test: answers as large as a message can be, and what their readers may cost others.

RRsets of 4,000 records over TCP, signed ones too; what no message can hold; a client that reads an
octet at a time, and one that asks 100,000 times and never reads.
"""

import ipaddress
import pathlib
import socket
import struct
import subprocess
import tempfile
import threading
import time

import dns.name

import exchange
import skua
import wire
from cases import case, expect, expect_equal, eventually, main

ZONE = """$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
"""
A_FIRST, AAAA_FIRST = ipaddress.ip_address("198.18.0.0"), ipaddress.ip_address("2001:db8::")
NSEC3_ZONE = pathlib.Path(__file__).parent / "zones" / "nsec3.test.zone"


def name(text):
    return dns.name.from_text(text).to_wire()


WWW, MANY, MANY6, EDGE = (name(f"{label}.example.") for label in ("www", "many", "many6", "edge"))
SIGNED, ALIAS = name("signed.example."), name("alias.example.")
# Behind header and question of "edge.example. A" there are 65,505 octets: 4,094 records of 16
# leave one octet, so an OPT record of 11 does not fit.
EDGE_RECORDS = 4094


def rrset(label, rtype, first, count):
    return "".join(f"{label} {rtype} {first + i}\n" for i in range(count))


def zone_text():
    signature = "RRSIG A 13 2 300 20600101000000 20200101000000 1 example. AAAA\n"
    return (ZONE + rrset("many", "A", A_FIRST, 4000) + rrset("many6", "AAAA", AAAA_FIRST, 2300) +
            rrset("edge", "A", A_FIRST, EDGE_RECORDS) + "alias CNAME edge\n" +
            rrset("signed", "A", A_FIRST, 4000) + "signed " + signature)


class Server(skua.Skua):
    def __init__(self, *options, text=None):
        self.zone_folder = tempfile.TemporaryDirectory(prefix="skua-test-zone-")
        path = pathlib.Path(self.zone_folder.name, "example.zone")
        path.write_text(text or zone_text())
        super().__init__([path, NSEC3_ZONE], *options)

    def close(self):
        super().close()
        self.zone_folder.cleanup()


def addresses(reply, rtype):
    return {record[4] for record in reply.answer if record[1] == rtype}


def packed(first, count):
    return {(first + i).packed for i in range(count)}


def is_www(octets, identity):
    reply = wire.Reply(octets)
    expect_equal((reply.identity, reply.rcode), (identity, 0), "identity and rcode")
    expect_equal(addresses(reply, wire.A), {b"\xc0\x00\x02\x02"}, "address")


@case("4,000 A and 2,300 AAAA come whole over TCP, pipelined beside small ones on other connections")
def whole():
    expected = {wire.A: packed(A_FIRST, 4000), wire.AAAA: packed(AAAA_FIRST, 2300)}
    with Server() as server, exchange.TcpClient(server.address) as large:
        large.send(*(wire.question(i, MANY6 if i % 2 else MANY, wire.AAAA if i % 2 else wire.A,
                                   1232) for i in range(40)))
        with exchange.TcpClient(server.address) as small:
            for i in range(200):
                small.send(wire.question(i, WWW, wire.A))
                is_www(small.receive(), i)
        for i in range(40):
            reply = wire.Reply(large.receive())
            expect_equal((reply.identity, reply.flags & wire.TC), (i, 0), "identity and TC")
            rtype = wire.AAAA if i % 2 else wire.A
            expect(addresses(reply, rtype) == expected[rtype], f"reply {i} has other records")


@case("4,000 signed A come with their signature over TCP; over UDP there is TC")
def signed():
    with Server() as server:
        query = wire.question(1, SIGNED, wire.A, 1232, do=True)
        reply = wire.Reply(exchange.tcp_one(server.address, query))
        expect(addresses(reply, wire.A) == packed(A_FIRST, 4000), "records")
        expect_equal([record[1] for record in reply.answer].count(wire.RRSIG), 1, "signatures")
        cut = wire.Reply(exchange.udp_one(server.address, query))
        expect_equal((cut.flags & wire.TC, cut.answer), (wire.TC, []), "over UDP")


@case("a message has 65,535 octets: what passes them by OPT or an alias says TC, even over TCP (RFC 2181 9)")
def edge():
    with Server() as server:
        bare = wire.Reply(exchange.tcp_one(server.address, wire.question(1, EDGE, wire.A)))
        expect_equal((bare.size, len(bare.answer)), (65534, EDGE_RECORDS), "without OPT")
        for what, query in (("OPT", wire.question(2, EDGE, wire.A, 1232)),
                            ("alias", wire.question(3, ALIAS, wire.A))):
            reply = wire.Reply(exchange.tcp_one(server.address, query))
            expect_equal((reply.rcode, reply.flags & wire.TC, len(reply.answer)),
                         (0, wire.TC, 0), f"with {what}")


@case("an RRset that no message can hold is refused where it passes, once")
def too_large():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "example.zone")
        path.write_text(ZONE + rrset("edge", "A", A_FIRST, EDGE_RECORDS + 500) +
                        rrset("six", "AAAA", AAAA_FIRST, 4000) + "last A 192.0.2.256\n")
        done = subprocess.run([skua.program(), "check", f"example.={path}"], check=False, text=True,
                              capture_output=True)
        output = done.stdout + done.stderr
        expect_equal(done.returncode, 1, "exit code")
        lines = [line for line in output.splitlines() if "65,535 octets" in line]
        expect_equal(len(lines), 2, f"errors in\n{output}\nof that kind")
        at = len(ZONE.splitlines()) + EDGE_RECORDS + 1
        expect(lines[0].startswith(f"{path}:{at}:"), f"the first is at line {at}: {lines[0]}")
        expect("192.0.2.256" in output, f"what else is wrong is shown: {output}")


class Dripper:
    """Reads an octet of its answers every few milliseconds."""

    def __init__(self, address):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(address)
        self.stopping = threading.Event()
        self.read = 0
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.stopping.wait(0.005):
            try:
                self.read += len(self.socket.recv(1))
            except OSError:
                return

    def __enter__(self):
        messages = (wire.question(i, MANY, wire.A, 1232) for i in range(300))
        self.socket.sendall(b"".join(struct.pack("!H", len(m)) + m for m in messages))
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.stopping.set()
        self.thread.join()
        self.socket.close()


@case("a client that reads an octet at a time slows nobody, and has little made for it")
def dripping_reader():
    with Server("--tcp-idle", 3600) as server, Dripper(server.address) as dripper:
        eventually(lambda: dripper.read > 10, "it reads")
        with exchange.TcpClient(server.address) as other:
            for i in range(1000):
                other.send(wire.question(i % 65536, WWW, wire.A))
                is_www(other.receive(), i % 65536)
        answers = eventually(lambda: server.metrics().get("skua_queries_tcp_total", 0), "answers") - 1000
        expect(answers < 100, f"{answers:.0f} of its 300 answers of 64,000 octets were made")
        expect(dripper.socket.fileno() >= 0 and dripper.thread.is_alive(), "it was closed")


class Flood:
    """Asks 100,000 times for NSEC3 proofs on one connection and never reads."""

    def __init__(self, address):
        self.socket = socket.create_connection(address)
        self.thread = threading.Thread(target=self._run)
        parts = [wire.question(i, name(f"x{i}.nsec3.test."), wire.A, 1232, do=True)
                 for i in range(1000)]
        self.octets = b"".join(struct.pack("!H", len(m)) + m for m in parts)

    def _run(self):
        try:
            for _ in range(100):
                self.socket.sendall(self.octets)
        except OSError:
            pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()


def exchanges(server, count):
    """Milliseconds of each of `count` questions on a connection of their own, sorted."""
    took = []
    with exchange.TcpClient(server.address) as client:
        for i in range(count):
            began = time.monotonic()
            client.send(wire.question(i, WWW, wire.A))
            is_www(client.receive(), i)
            took.append((time.monotonic() - began) * 1e3)
    return sorted(took)


@case("a client that asks 100,000 times and never reads is answered as far as its window, others wholly")
def flood():
    with Server("--tcp-idle", 3600) as server:
        alone = exchanges(server, 1000)
        with Flood(server.address):
            eventually(lambda: server.metrics().get("skua_queries_tcp_total", 0) > 1064, "the flood")
            beside = exchanges(server, 1000)
            made = server.metrics()["skua_queries_tcp_total"] - 2000
        expect(made < 50000, f"{made:.0f} answers were made for nobody")
        eventually(lambda: server.metrics()["skua_tcp_accepted_total"] ==
                   server.metrics()["skua_tcp_closed_total"], "all is closed")
        print(f"  one question, half of 1,000 / 99 in 100: alone {alone[500]:.2f} / {alone[990]:.2f} ms, "
              f"beside the flood {beside[500]:.2f} / {beside[990]:.2f} ms; {made:.0f} answers made for it")


if __name__ == "__main__":
    main()
