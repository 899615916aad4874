#!/usr/bin/python3
"""tcp_test: DNS over TCP as clients use and misuse it (RFC 7766, RFC 1035 4.2.2, RFC 9210).

Limits are made small by options. Nothing passes or fails by how long it took: what must happen is
waited for.
"""

import os
import pathlib
import random
import socket
import struct
import tempfile
import threading

import dns.name

import cases
import exchange
import process
import skua
import wire
from cases import case, expect, expect_equal, eventually

ZONE = """$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
* TXT "any"
"""


def zone_text():
    big = "".join(f'big TXT "{i:04d}{"x" * 240}"\n' for i in range(240))
    return ZONE + big


def name(text):
    return dns.name.from_text(text).to_wire()


WWW = name("www.example.")
BIG = name("big.example.")


class Server(skua.Skua):
    def __init__(self, *options, address="127.0.0.1"):
        self.zone_folder = tempfile.TemporaryDirectory(prefix="skua-test-zone-")
        path = pathlib.Path(self.zone_folder.name, "example.zone")
        path.write_text(zone_text())
        super().__init__([path], *options, address=address)

    def close(self):
        super().close()
        self.zone_folder.cleanup()


def is_www(octets, identity):
    reply = wire.Reply(octets)
    expect_equal(reply.identity, identity, "identity")
    expect_equal(reply.rcode, 0, "rcode")
    expect_equal([record[4] for record in reply.answer], [b"\xc0\x00\x02\x02"], "address")


def open_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@case("one query, and the connection stays for the next")
def one_query():
    with Server() as server, exchange.TcpClient(server.address) as client:
        for identity in (1, 2, 3):
            client.send(wire.question(identity, WWW, wire.A))
            is_www(client.receive(), identity)


@case("IPv6")
def ipv6():
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).bind(("::1", 0))
    except OSError as reason:
        raise cases.Skip(f"no IPv6 on loopback: {reason}")
    with Server(address="::1") as server, exchange.TcpClient(server.address) as client:
        client.send(wire.question(7, WWW, wire.A))
        is_www(client.receive(), 7)


@case("5,000 queries in one stream are all answered, in order")
def pipelining():
    with Server() as server, exchange.TcpClient(server.address) as client:
        queries = [wire.question(i, WWW, wire.A, 1232 if i % 2 else 0) for i in range(5000)]
        sender = threading.Thread(target=client.send, args=queries)
        sender.start()
        for i in range(5000):
            is_www(client.receive(), i)
        sender.join()


@case("every cut of the stream gives the same answers")
def fragments():
    dice = random.Random(3)
    stream = b"".join(struct.pack("!H", len(m)) + m
                      for m in (wire.question(i, WWW, wire.A) for i in range(40)))
    with Server() as server:
        for most in (1, 2, 3, 40, 500):
            with exchange.TcpClient(server.address) as client:
                at = 0
                while at < len(stream):
                    piece = dice.randint(1, most)
                    client.socket.sendall(stream[at:at + piece])
                    at += piece
                for i in range(40):
                    is_www(client.receive(), i)


@case("an answer of 60,000 octets comes whole")
def big_answer():
    with Server() as server, exchange.TcpClient(server.address) as client:
        client.send(wire.question(1, BIG, wire.TXT))
        reply = wire.Reply(client.receive())
        expect_equal(len(reply.answer), 240, "records")
        expect(not reply.flags & wire.TC, "TC over TCP")


@case("a client that does not read does not hinder others, and gets all when it reads")
def back_pressure():
    with Server() as server, exchange.TcpClient(server.address) as deaf:
        deaf.send(*(wire.question(i, BIG, wire.TXT) for i in range(300)))
        with exchange.TcpClient(server.address) as other:
            for i in range(200):
                other.send(wire.question(i, WWW, wire.A))
                is_www(other.receive(), i)
        for i in range(300):
            reply = wire.Reply(deaf.receive())
            expect_equal((reply.identity, len(reply.answer)), (i, 240), "late reply")


@case("a half-closed client gets its answers, then the end")
def half_closed():
    with Server() as server, exchange.TcpClient(server.address) as client:
        client.send(*(wire.question(i, WWW, wire.A) for i in range(300)))
        client.socket.shutdown(socket.SHUT_WR)
        for i in range(300):
            is_www(client.receive(), i)
        expect_equal(client.receive(), None, "end of stream")


@case("a length of less than a header closes the connection")
def bad_length():
    with Server() as server:
        for length in (0, 1, 11):
            with exchange.TcpClient(server.address) as client:
                client.send(wire.question(5, WWW, wire.A))
                client.socket.sendall(struct.pack("!H", length) + b"x" * length)
                is_www(client.receive(), 5)
                expect_equal(client.receive(), None, "end of stream")
        eventually(lambda: server.metrics().get("skua_tcp_framing_total") == 3,
                   "skua_tcp_framing_total is 3")


@case("a response gets no answer, and the connection goes on")
def responses():
    with Server() as server, exchange.TcpClient(server.address) as client:
        response = bytearray(wire.question(1, WWW, wire.A))
        response[2] |= 0x80
        client.send(bytes(response), wire.question(2, WWW, wire.A))
        is_www(client.receive(), 2)
        eventually(lambda: server.metrics()["skua_drop_response_total"] == 1,
                   "skua_drop_response_total is 1")


@case("malformed messages get FORMERR or nothing, and the connection goes on")
def malformed():
    dice = random.Random(5)
    with Server() as server, exchange.TcpClient(server.address) as client:
        for i in range(2000):
            message = bytearray(wire.question(i, WWW, wire.A, 1232))
            for _ in range(dice.randint(1, 6)):
                message[dice.randrange(4, len(message))] = dice.randrange(256)
            client.send(bytes(message))
        client.send(wire.question(60000, WWW, wire.A))
        while True:
            octets = client.receive()
            expect(octets is not None, "closed before the last reply")
            if octets[:2] == b"\xea\x60":
                break
        is_www(octets, 60000)


@case("a message that is no query gets FORMERR, and the connection goes on")
def no_query():
    with Server() as server, exchange.TcpClient(server.address) as client:
        header = bytes([0, 7, 0, 0, 0, 2] + [0] * 6)  # two questions, of which none is there
        client.send(header, wire.question(8, WWW, wire.A))
        reply = wire.Reply(client.receive())
        expect_equal((reply.identity, reply.rcode, reply.size), (7, 1, 12), "identity, rcode, size")
        is_www(client.receive(), 8)
        eventually(lambda: server.metrics()["skua_rcode_formerr_total"] == 1,
                   "skua_rcode_formerr_total is 1")


@case("clients that break off amid a message or amid their replies are counted, and leave nothing")
def broken_off():
    with Server() as server:
        half = exchange.TcpClient(server.address)
        half.socket.sendall(b"\x00\x20\x12\x34")
        half.close()
        reset = exchange.TcpClient(server.address)
        reset.send(*(wire.question(i, BIG, wire.TXT) for i in range(300)))
        expect_equal(wire.Reply(reset.receive()).identity, 0, "first reply")
        reset.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset.close()
        eventually(lambda: server.metrics()["skua_tcp_broken_total"] == 2,
                   "skua_tcp_broken_total is 2")
        metrics = server.metrics()
        expect_equal(metrics["skua_tcp_closed_total"], metrics["skua_tcp_accepted_total"], "closed")
        expect(_served(server), "no service afterwards")


@case("1,000 clients at once")
def many_clients():
    with Server("--tcp-clients", 2000, "--tcp-per-client", 1000) as server:
        clients = [exchange.TcpClient(server.address) for _ in range(1000)]
        try:
            for turn in range(3):
                for i, client in enumerate(clients):
                    client.send(wire.question(i, WWW, wire.A), wire.question(i, BIG, wire.A))
                for i, client in enumerate(clients):
                    is_www(client.receive(), i)
                    expect_equal(wire.Reply(client.receive()).identity, i, "identity")
        finally:
            for client in clients:
                client.close()


@case("connections over the limit per client are closed at once; other clients get in")
def limit_per_client():
    with Server("--tcp-per-client", 3) as server:
        clients = [exchange.TcpClient(server.address) for _ in range(3)]
        for client in clients:
            client.send(wire.question(1, WWW, wire.A))
            is_www(client.receive(), 1)
        with exchange.TcpClient(server.address) as fourth:
            expect_equal(fourth.receive(), None, "fourth connection")
        with exchange.TcpClient(server.address, source=("127.0.0.2", 0)) as other:
            other.send(wire.question(2, WWW, wire.A))
            is_www(other.receive(), 2)
        clients.pop().close()
        eventually(lambda: _served(server), "a freed place can be had again")
        for client in clients:
            client.close()


def _served(server):
    with exchange.TcpClient(server.address) as client:
        try:
            client.send(wire.question(1, WWW, wire.A))
        except ConnectionError:
            return False
        return client.receive() is not None


@case("when all places are taken, the connection that is idle longest makes room (RFC 7766 6.2.3)")
def limit_in_all():
    with Server("--tcp-clients", 5, "--tcp-idle", 3600) as server:
        clients = [exchange.TcpClient(server.address, source=(f"127.0.0.{i + 10}", 0))
                   for i in range(5)]
        for client in clients:
            client.send(wire.question(1, WWW, wire.A))
            is_www(client.receive(), 1)
        with exchange.TcpClient(server.address, source=("127.0.0.99", 0)) as sixth:
            sixth.send(wire.question(6, WWW, wire.A))
            is_www(sixth.receive(), 6)
            expect_equal(clients[0].receive(), None, "the first connection")
            for client in clients[1:]:
                client.send(wire.question(2, WWW, wire.A))
                is_www(client.receive(), 2)
        metrics = server.metrics()
        expect_equal([metrics[f"skua_tcp_{name}_total"] for name in ("accepted", "evicted", "refused")],
                     [6, 1, 0], "accepted, evicted, refused")
        for client in clients:
            client.close()


@case("silent connections that take all places keep nobody out")
def silent_crowd():
    with Server("--tcp-clients", 50, "--tcp-idle", 3600) as server:
        silent = [exchange.TcpClient(server.address, source=(f"127.0.1.{i + 10}", 0))
                  for i in range(60)]
        expect(_served(server), "kept out")
        eventually(lambda: server.metrics()["skua_tcp_evicted_total"] >= 11, "they made room")
        for client in silent:
            client.close()


@case("silent, half-sent and deaf connections are closed")
def time_outs():
    with Server("--tcp-idle", 1) as server:
        silent = exchange.TcpClient(server.address)
        half = exchange.TcpClient(server.address)
        half.socket.sendall(b"\x00\x20\x12\x34")
        deaf = exchange.TcpClient(server.address)
        deaf.send(*(wire.question(i, BIG, wire.TXT) for i in range(300)))
        expect_equal(silent.receive(), None, "silent connection")
        expect_equal(half.receive(), None, "half-sent connection")
        eventually(lambda: server.metrics().get("skua_tcp_timed_out_total", 0) >= 3,
                   "skua_tcp_timed_out_total counts three")
        for client in (silent, half, deaf):
            client.close()
        expect(_served(server), "no service after time-outs")


@case("nothing stays open after its clients are gone")
def no_leak():
    with Server("--tcp-per-client", 1000) as server:
        dataplane = [pid for pid in process.processes_of_session(server.child.pid)
                     if "dataplane" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()]
        expect_equal(len(dataplane), 1, "dataplane processes")
        expect(_served(server), "no service")
        before = eventually(lambda: open_descriptors(dataplane[0]), "descriptors")
        for _ in range(5):
            clients = [exchange.TcpClient(server.address) for _ in range(200)]
            for client in clients:
                client.send(wire.question(1, WWW, wire.A))
                client.socket.sendall(b"\x00")
            for client in clients:
                is_www(client.receive(), 1)
                client.close()
        eventually(lambda: open_descriptors(dataplane[0]) <= before, "descriptors are closed")


@case("a port in use is refused with a clear message")
def port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Server() as server:
            server.stop()
            server.port = port
            try:
                server.start()
            except process.StartFailed:
                log = server.log()
                expect(f"127.0.0.1:{port}" in log, f"the address is not named: {log}")
                expect_equal(server.leftovers(), [], "leftover processes")
                return
        raise cases.Failure("started on a port that is in use")


if __name__ == "__main__":
    cases.main()
