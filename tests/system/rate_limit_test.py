#!/usr/bin/python3
"""rate_limit_test: response rate limits and the budget for NSEC3 hashing, over sockets.

Clients are addresses of the loopback: 127.0.1.0/24 and 127.0.2.0/24 are two networks. Floods are sent in
steps that the sockets hold, so that nothing is lost but by the limit. Time decides nothing: how many
responses a limit lets through is bounded by the time that really went by.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import dns.edns
import dns.message
import dns.name

import exchange
import process
import skua
import wire
from cases import Skip, case, eventually, expect, expect_equal, main

ZONE = """$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
"""
HOSTS = 100
COOKIE = 10  # RFC 7873 8
STEP = 40  # datagrams under way
NSEC3_ZONE = pathlib.Path(__file__).resolve().parent / "zones" / "nsec3.test.zone"


def name(text):
    return dns.name.from_text(text).to_wire()


WWW = name("www.example.")


class Server(skua.Skua):
    def __init__(self, *options, zones=(), start=True):
        self.zone_folder = tempfile.TemporaryDirectory(prefix="skua-test-zone-")
        path = pathlib.Path(self.zone_folder.name, "example.zone")
        path.write_text(ZONE + "".join(f"h{i} A 192.0.2.3\n" for i in range(HOSTS)))
        super().__init__([path, *zones], "--workers", 1, *options, start=start)

    def close(self):
        super().close()
        self.zone_folder.cleanup()

    def status(self):
        command = [skua.program(), "status", "--json", "--runtime-dir", self.runtime]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)

    def count(self, counter):
        """A counter that stands still: workers show theirs a moment later."""
        last = None
        while last != (now := self.metrics().get(f"skua_{counter}_total")):
            last = now
            time.sleep(0.2)
        return last


class Tally:
    """What became of the questions of one client."""

    def __init__(self):
        self.sent = self.whole = self.truncated = 0
        self.started = time.monotonic()

    @property
    def silent(self):
        return self.sent - self.whole - self.truncated

    def most(self, rate):
        """What a limit may have let through by now."""
        return rate * (time.monotonic() - self.started + 1) + 1


def client(source):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, 0))
    return sock


def take(sock, tally):
    reply = wire.Reply(sock.recv(4096))
    if reply.flags & wire.TC:
        expect_equal((len(reply.answer), len(reply.authority)), (0, 0), "records of a truncated reply")
        tally.truncated += 1
    else:
        tally.whole += 1


def flood(server, sock, names, tally):
    """Asks each name once."""
    sock.settimeout(0.05)
    for first in range(0, len(names), STEP):
        for i, asked in enumerate(names[first:first + STEP]):
            sock.sendto(wire.question(i, asked, wire.A, 1232), server.address)
            tally.sent += 1
        try:
            while True:
                take(sock, tally)
        except TimeoutError:
            pass


def random_names(zone, count):
    return [name(f"x{i}.{zone}") for i in range(count)]


@case("without rate_limit nothing is limited")
def off():
    with Server("--rate-limit-exempt", "none") as server, client("127.0.1.1") as sock:
        tally = Tally()
        flood(server, sock, [WWW] * 400 + random_names("example.", 400), tally)
        expect_equal((tally.whole, tally.sent), (800, 800), "answers")


@case("a flood from one network is limited, and another network notices nothing")
def two_networks():
    options = ("--rate-limit", 10, "--rate-limit-slip", 2, "--rate-limit-exempt", "none")
    with Server(*options) as server, client("127.0.1.1") as bad, client("127.0.2.1") as good:
        flooded, others = Tally(), Tally()
        for i in range(10):
            flood(server, bad, [WWW] * 100, flooded)
            flood(server, good, [name(f"h{n}.example.") for n in range(i, HOSTS, 10)] + [WWW] * 2, others)
        expect(10 <= flooded.whole <= flooded.most(10), f"{flooded.whole} of the flood were answered")
        over = flooded.sent - flooded.whole
        expect_equal(flooded.truncated, over // 2, "truncated: each second one that is over")
        expect_equal((others.whole, others.sent), (120, 120), "answers to the other network")
        expect_equal(server.count("drop_rate_limited"), flooded.silent, "skua_drop_rate_limited_total")
        expect_equal(server.count("rate_slipped"), flooded.truncated, "skua_rate_slipped_total")


@case("names that do not exist share one limit, and those that exist are answered on")
def random_subdomains():
    options = ("--rate-limit-negative", 5, "--rate-limit-slip", 0, "--rate-limit-exempt", "none")
    with Server(*options) as server, client("127.0.1.1") as sock:
        negative, hits = Tally(), Tally()
        flood(server, sock, random_names("example.", 400), negative)
        flood(server, sock, [WWW] * 400, hits)
        expect(5 <= negative.whole <= negative.most(5), f"{negative.whole} NXDOMAINs came")
        expect_equal(negative.truncated, 0, "truncated replies without slip")
        expect_equal(hits.whole, 400, "answers of names that exist")


@case("TCP is not limited, and is where truncation leads")
def tcp():
    options = ("--rate-limit", 1, "--rate-limit-slip", 1, "--rate-limit-exempt", "none")
    with Server(*options) as server, client("127.0.1.1") as sock:
        tally = Tally()
        flood(server, sock, [WWW] * 100, tally)
        expect_equal(tally.silent, 0, "without a reply")
        expect(tally.truncated >= 1, "nothing was truncated")
        with exchange.TcpClient(server.address, source=("127.0.1.1", 0)) as stream:
            stream.send(*(wire.question(i, WWW, wire.A) for i in range(200)))
            for _ in range(200):
                reply = wire.Reply(stream.receive())
                expect_equal((len(reply.answer), reply.flags & wire.TC), (1, 0), "reply over TCP")


def cookie_question(identity, cookie):
    message = dns.message.make_query("www.example.", "A", use_edns=0,
                                     options=[dns.edns.GenericOption(COOKIE, cookie)])
    message.id = identity
    return message.to_wire()


def ask_with_cookie(server, sock, cookie, times):
    """(whole answers, the server's last cookie)."""
    whole = 0
    for i in range(times):
        sock.sendto(cookie_question(i, cookie), server.address)
        reply = dns.message.from_wire(sock.recv(4096))
        whole += len(reply.answer)
        found = [option.data for option in reply.options if option.otype == COOKIE]
    return whole, found[0]


@case("a client with a good cookie is not limited, and gets its cookie even when it is")
def cookie():
    options = ("--rate-limit", 1, "--rate-limit-slip", 1, "--rate-limit-exempt", "none")
    with Server(*options) as server, client("127.0.1.1") as sock, client("127.0.1.2") as thief:
        sock.settimeout(5)
        thief.settimeout(5)
        tally = Tally()
        whole, good = ask_with_cookie(server, sock, b"client01", 100)
        expect(1 <= whole <= tally.most(1), f"{whole} whole answers without a server cookie")
        expect_equal(len(good), 24, "octets of a cookie")
        expect_equal(ask_with_cookie(server, sock, good, 100)[0], 100, "whole answers with a cookie")
        tally = Tally()
        whole, _ = ask_with_cookie(server, thief, good, 100)
        expect(whole <= tally.most(1), f"{whole} whole answers with another client's cookie")


@case("private networks are exempt if nothing else is said")
def exempt():
    with Server("--rate-limit", 1) as server, client("127.0.1.1") as sock:
        tally = Tally()
        flood(server, sock, [WWW] * 400, tally)
        expect_equal(tally.whole, 400, "answers")
    with Server("--rate-limit", 1, "--rate-limit-exempt", "127.0.1.0/24", "--rate-limit-exempt", "192.0.2.1",
                "--rate-limit-slip", 0) as server, client("127.0.1.1") as inside, client("127.0.2.1") as outside:
        tally, limited = Tally(), Tally()
        flood(server, inside, [WWW] * 400, tally)
        flood(server, outside, [WWW] * 400, limited)
        expect_equal(tally.whole, 400, "answers to the exempt network")
        expect(limited.whole <= limited.most(1), f"{limited.whole} answers to the other")


SETTINGS = """acl:
  - {{name: core, prefixes: [127.0.3.0/24, "!127.0.3.128/25"]}}
rate_limit: 1
rate_limit_slip: 0
rate_limit_ipv4_prefix: 32
rate_limit_exempt: [core, "@{}"]
"""


def is_exempt(server, source):
    """Fresh names would be limited each by itself: all ask the same one."""
    with client(source) as sock:
        tally = Tally()
        flood(server, sock, [WWW] * 200, tally)
        limited = tally.whole <= tally.most(1)
        expect(limited or tally.whole == 200, f"{tally.whole} of 200 to {source}")
        return not limited


@case("lists and files say who is exempt as well, and SIGHUP reads files again")
def exempt_items():
    with tempfile.TemporaryDirectory(prefix="skua-test-config-") as folder:
        probes, settings = pathlib.Path(folder, "probes"), pathlib.Path(folder, "skua.yaml")
        probes.write_text("127.0.1.0/24 # the probes\n")
        settings.write_text(SETTINGS.format(probes))
        with Server("--config", settings) as server:
            for source, exempt in (("127.0.3.1", True), ("127.0.3.129", False), ("127.0.1.1", True), ("127.0.2.1", False)):
                expect_equal(is_exempt(server, source), exempt, f"{source} is exempt")
            probes.write_text("127.0.2.0/24\n")
            status = server.status()
            os.kill(status["control"]["pid"], signal.SIGHUP)
            eventually(lambda: server.status()["generation"] > status["generation"], "the new list")
            expect(is_exempt(server, "127.0.2.2"), "the new probes are limited")
            expect(not is_exempt(server, "127.0.1.2"), "the old ones still are exempt")
            probes.write_text("nonsense\n")
            os.kill(server.status()["control"]["pid"], signal.SIGHUP)
            eventually(lambda: f"{probes}:1:1:" in server.log(), "the mistake's place in the log")
            expect(is_exempt(server, "127.0.2.3") and not is_exempt(server, "127.0.1.3"), "what was in force stays")


@case("what is no network is refused with its place")
def bad_network():
    with tempfile.TemporaryDirectory(prefix="skua-test-config-") as folder:
        settings = pathlib.Path(folder, "skua.yaml")
        for text, why in (("10.0.0.1/8", '"10.0.0.1/8" has bits set behind its length'), ("10.0.0.0/33", '"10.0.0.0/33" '),
                          ("2001:db8::/129", '"2001:db8::/129" '), ("10/8", '"10/8" is no address or prefix'),
                          ("localhost", 'there is no list "localhost"; define it under acl')):
            settings.write_text(f"rate_limit_exempt: ['{text}']\n")
            try:
                with Server("--config", settings):
                    pass
            except process.StartFailed as failure:
                expect(f"{settings}:1:22: rate_limit_exempt: {why}" in str(failure), str(failure))
                continue
            raise AssertionError(f"{text} was taken")


@case("NSEC3: beyond the budget for hashing a proof comes over TCP, and hits are answered as ever")
def nsec3():
    if not NSEC3_ZONE.exists():
        raise Skip(f"{NSEC3_ZONE} is not there")
    with Server("--nsec3-hashes", 1, zones=[NSEC3_ZONE]) as server, client("127.0.1.1") as sock:
        sock.settimeout(5)
        tally = Tally()
        for i in range(50):
            question = wire.question(i, name(f"x{i}.nsec3.test."), wire.A, 1232, do=True)
            sock.sendto(question, server.address)
            take(sock, tally)
            reply = wire.Reply(exchange.tcp_one(server.address, question))
            expect_equal((reply.rcode, reply.flags & wire.TC), (3, 0), "over TCP")
            expect(any(record[1] == wire.NSEC3 for record in reply.authority), "no proof over TCP")
        expect(tally.truncated >= 40, f"{tally.truncated} truncated")
        hits = Tally()
        flood(server, sock, [WWW] * 400, hits)
        expect_equal(hits.whole, 400, "hits")
        expect_equal(server.count("nsec3_deferred"), tally.truncated, "skua_nsec3_deferred_total")


if __name__ == "__main__":
    main()
