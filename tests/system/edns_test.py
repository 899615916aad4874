#!/usr/bin/python3
"""edns_test: EDNS options and class CH over sockets, asked by dig; secrets of cookies change without a lost answer."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading

import dns.edns
import dns.message
import dns.query

import cases
import skua
from cases import case, eventually, expect, expect_equal

ZONE = "$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n"
SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"
NEXT_SECRET = "445536bcd2513298075a5d379663c962"
CLIENT_COOKIE = bytes.fromhex("2464c4abcf10c957")
COOKIE = 10


def status(server):
    done = subprocess.run([skua.program(), "status", "--json", "--runtime-dir", server.runtime], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


class Server(skua.Skua):
    """One zone; secrets: lines of its file, or None for a secret of its own."""

    def __init__(self, *options, secrets=None):
        self.own = tempfile.TemporaryDirectory(prefix="skua-edns-")
        zone = pathlib.Path(self.own.name, "example.zone")
        zone.write_text(ZONE)
        self.secrets = pathlib.Path(self.own.name, "secrets")
        if secrets is not None:
            self.write_secrets(*secrets)
            options += ("--cookie-secret-file", self.secrets)
        super().__init__([zone], *options)

    def write_secrets(self, *secrets):
        temporary = self.secrets.with_suffix(".new")
        temporary.write_text("# the first makes cookies\n" + "".join(f"{secret}\n" for secret in secrets))
        temporary.rename(self.secrets)

    def reload(self):
        os.kill(status(self)["control"]["pid"], signal.SIGHUP)

    def dig(self, *arguments):
        done = subprocess.run(["dig", f"@{self.host}", "-p", str(self.port), "+norec", "+time=5", "+tries=1", *arguments],
                              capture_output=True, text=True, check=False)
        expect_equal(done.returncode, 0, f"dig's exit code; {done.stdout}")
        return done.stdout

    def ask_cookie(self, cookie, name="www.example."):
        """(reply, its cookie)"""
        option = dns.edns.GenericOption(COOKIE, cookie)
        query = dns.message.make_query(name, "A", use_edns=0, options=[option])
        reply = dns.query.udp(query, self.host, 5.0, self.port)
        found = [each.to_wire() for each in reply.options if each.otype == COOKIE]
        expect_equal(len(found), 1, f"cookies in {reply}")
        return reply, found[0]

    def close(self):
        super().close()
        self.own.cleanup()


@case("edns: dig sees NSID, a cookie that is good, the server's name and version")
def names():
    with Server("--nsid", "site-7") as server:
        seen = server.dig("www.example", "A", "+nsid", "+cookie=2464c4abcf10c957")
        expect('("site-7")' in seen, f"no NSID: {seen}")
        expect(re.search(r"; COOKIE: 2464c4abcf10c95701000000[0-9a-f]{24} \(good\)", seen), f"no cookie: {seen}")
        version = subprocess.run([skua.program(), "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        expect_equal(server.dig("CH", "TXT", "version.bind", "+short").strip(), f'"Skua {version}"', "version.bind")
        expect_equal(server.dig("CH", "TXT", "version.server", "+short").strip(), f'"Skua {version}"', "version.server")
        expect_equal(server.dig("CH", "TXT", "id.server", "+short").strip(), f'"{socket.gethostname()}"', "id.server")
        expect_equal(server.dig("CH", "TXT", "hostname.bind", "+short").strip(), f'"{socket.gethostname()}"', "hostname.bind")


@case("edns: all of it can be turned off, or said otherwise")
def turned_off():
    with Server("--cookies", "off", "--extended-errors", "off", "--chaos-version", "off", "--chaos-identity", "here",
                "--any", "hinfo", "--rotate", "fixed") as server:
        seen = server.dig("www.example", "ANY", "+nsid", "+cookie", "+notcp")
        expect("COOKIE" not in seen and "NSID" not in seen, f"options: {seen}")
        expect('"RFC8482" ""' in seen, f"no HINFO: {seen}")
        expect("status: REFUSED" in server.dig("CH", "TXT", "version.bind"), "version.bind")
        expect_equal(server.dig("CH", "TXT", "id.server", "+short").strip(), '"here"', "id.server")
        expect("EDE" not in server.dig("elsewhere.test", "+tcp"), "an extended error")


@case("edns: over TCP dig sees how long it may be idle, and why it is refused; over UDP no error is larger than the query")
def over_tcp():
    with Server("--tcp-idle", "10", "--nsid", "0x616263") as server:
        seen = server.dig("www.example", "A", "+tcp", "+keepalive")
        expect(re.search(r"; TCP KEEPALIVE: 10\.0 secs", seen), f"no keepalive: {seen}")
        expect("KEEPALIVE" not in server.dig("www.example", "A", "+keepalive"), "keepalive over UDP")
        refused = server.dig("elsewhere.test", "+tcp", "+nsid")
        expect("EDE: 20 (Not Authoritative)" in refused and '("abc")' in refused, f"no reason: {refused}")
        refused = server.dig("elsewhere.test", "+nsid", "+nocookie")
        expect("status: REFUSED" in refused and "EDE" not in refused and "NSID" not in refused, f"over UDP: {refused}")


@case("edns: two nodes with the same secrets take each other's cookies, and one with its own does not")
def shared():
    with Server(secrets=[SECRET]) as first, Server(secrets=[SECRET]) as second, Server() as other:
        cookie = first.ask_cookie(CLIENT_COOKIE)[1]
        expect_equal(second.ask_cookie(cookie)[1], cookie, "the other node's answer")
        expect(other.ask_cookie(cookie)[1] != cookie, "a node with another secret took the cookie")
        eventually(lambda: second.metrics()["skua_cookies_valid_total"] == 1, "the counter of valid cookies")
        eventually(lambda: other.metrics()["skua_cookies_invalid_total"] == 1, "the counter of invalid cookies")


class Client(threading.Thread):
    """Asks without pause, always with the cookie that it got last."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.ending = threading.Event()
        self.answers = 0
        self.wrong = []
        self.cookie = server.ask_cookie(CLIENT_COOKIE)[1]

    def run(self):
        while not self.ending.is_set():
            try:
                reply, self.cookie = self.server.ask_cookie(self.cookie)
                self.answers += 1
                if reply.rcode() != 0 or len(reply.answer) != 1:
                    self.wrong.append(str(reply))
            except Exception as error:  # a lost answer, too
                self.wrong.append(repr(error))

    def finish(self):
        self.ending.set()
        self.join()


def roll_over(server, client):
    """RFC 9018 5: known everywhere, then used, then the old one goes."""
    for secrets in ([SECRET, NEXT_SECRET], [NEXT_SECRET, SECRET], [NEXT_SECRET]):
        generation = status(server)["generation"]
        answers = client.answers
        server.write_secrets(*secrets)
        server.reload()
        eventually(lambda: status(server)["generation"] > generation, "the new secrets")
        eventually(lambda: client.answers > answers + 100, "more answers")
        if client.wrong:
            return


@case("edns: secrets roll over on SIGHUP without a lost answer, a BADCOOKIE or an invalid cookie")
def roll():
    with Server(secrets=[SECRET]) as server:
        client = Client(server)
        before = client.cookie
        client.start()
        try:
            roll_over(server, client)
        finally:
            client.finish()
        expect_equal(client.wrong, [], "what went wrong")
        expect(client.cookie != before, "the cookie was never made with the new secret")
        expect(server.ask_cookie(before)[1] != before, "the old secret still counts")
        counts = server.metrics()
        expect_equal(counts["skua_rcode_badcookie_total"], 0, "BADCOOKIE")
        eventually(lambda: server.metrics()["skua_cookies_invalid_total"] == 1, "only the old cookie is invalid")


@case("edns: secrets that can't be read leave those in force, and are shown nowhere")
def bad_secrets():
    with Server(secrets=[SECRET]) as server:
        cookie = server.ask_cookie(CLIENT_COOKIE)[1]
        server.write_secrets(NEXT_SECRET + "0")
        server.reload()
        eventually(lambda: ":2: a secret is 32 hexadecimal digits" in server.log(), "what is wrong in the log")
        expect_equal(server.ask_cookie(cookie)[1], cookie, "the cookie")
        shown = server.log() + server.http("/status")[1] + server.http("/metrics")[1]
        shown += pathlib.Path("/proc", str(status(server)["control"]["pid"]), "cmdline").read_text()
        expect(SECRET not in shown and NEXT_SECRET not in shown, "a secret is shown")


@case("edns: without a file of secrets that of the start stays, and SIGHUP publishes nothing")
def own_secret():
    with Server() as server:
        cookie = server.ask_cookie(CLIENT_COOKIE)[1]
        generation = status(server)["generation"]
        server.reload()
        eventually(lambda: "reading all zones again" in server.log(), "SIGHUP in the log")
        new = pathlib.Path(server.own.name, "new")
        new.write_text(ZONE.replace("192.0.2.2", "192.0.2.3"))
        new.rename(new.with_name("example.zone"))
        eventually(lambda: "192.0.2.3" in server.dig("www.example", "+short"), "the change behind it")
        expect_equal(status(server)["generation"], generation + 1, "generation")
        expect_equal(server.ask_cookie(cookie)[1], cookie, "the cookie")
        expect_equal(server.metrics()["skua_cookies_invalid_total"], 0, "invalid cookies")


@case("edns: a configuration that can't be is refused at the start")
def refused():
    with tempfile.TemporaryDirectory(prefix="skua-edns-") as folder:
        zone = pathlib.Path(folder, "example.zone")
        zone.write_text(ZONE)
        refuse_all(zone, os.path.join(folder, "run"))


def refuse_all(zone, runtime):
    for option, value, word in (("--nsid", "0xabc", "hexadecimal"), ("--nsid", "x" * 129, "longer than 128"),
                                ("--cookie-secret-file", "/nonexistent/file", "can't open"), ("--any", "two", "none of")):
        done = subprocess.run([skua.program("skua-control"), zone, "--http", "off", "--runtime-dir", runtime, option, value],
                              capture_output=True, text=True, check=False, timeout=20)
        expect(done.returncode != 0 and word in done.stderr, f"{option} {value}: {done.stderr}")


if __name__ == "__main__":
    cases.main()
