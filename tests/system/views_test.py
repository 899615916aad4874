"""views_test: who asks decides: views, access lists, and the files of prefixes behind them, over UDP and TCP."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile

import dns.edns
import dns.message
import dns.query
import dns.rcode

from cases import case, eventually, expect, expect_equal, main
from skua import Skua, program

HEAD = "$TTL 60\n@ IN SOA ns hostmaster {serial} 3600 900 604800 60\n@ IN NS ns\nns IN A 192.0.2.53\n"
PARTNER, LATER, STAFF, NOBODY = "127.0.1.7", "127.0.2.7", "127.0.3.7", "127.0.0.9"


def write(path, text, serial=1):
    temporary = path.with_suffix(".swp")
    temporary.write_text(HEAD.format(serial=serial) + text)
    temporary.rename(path)


class Folder:
    """Zones, a file of prefixes and a skua.yaml that joins them."""

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="skua-views-")
        self.path = pathlib.Path(self.temporary.name)
        for name in ("all", "partner"):
            (self.path / name).mkdir()
        write(self.path / "all" / "a.test.zone", "www IN A 192.0.2.1\nalias IN CNAME www.guarded.test.\n")
        write(self.path / "partner" / "a.test.zone", "www IN A 203.0.113.1\n", 7)
        write(self.path / "guarded.test.zone", "www IN A 192.0.2.2\n")
        (self.path / "partner.prefixes").write_text(f"# who is a partner\n{PARTNER}\n")
        (self.path / "skua.yaml").write_text(f"""
acl:
  - {{name: staff, prefixes: [127.0.3.0/24, "2001:db8::/32"]}}
  - {{name: partners, file: {self.path}/partner.prefixes}}
views:
  - {{name: partner, clients: [partners, 198.51.100.0/24], ecs: true}}
zones:
  - {self.path}/all
  - {{file: {self.path}/partner, view: partner}}
  - {{file: {self.path}/guarded.test.zone, allow: staff}}
""")
        return self

    def __exit__(self, *unused):
        self.temporary.cleanup()

    def serve(self, *options):
        return Skua([], "--config", self.path / "skua.yaml", *options)


def ask(server, source, name, tcp=False, **options):
    """(rcode, sorted addresses and targets)"""
    query = dns.message.make_query(name, "A", **options)
    exchange = dns.query.tcp if tcp else dns.query.udp
    reply = exchange(query, server.host, 5.0, server.port, source=source)
    return dns.rcode.to_text(reply.rcode()), sorted(item.to_text() for rrset in reply.answer for item in rrset)


def status(server):
    done = subprocess.run([program(), "status", "--json", "--runtime-dir", server.runtime], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def hang_up(server):
    os.kill(status(server)["control"]["pid"], signal.SIGHUP)


@case("views: each client sees its zone, over UDP and TCP")
def each_its_own():
    with Folder() as folder, folder.serve() as server:
        for tcp in (False, True):
            expect_equal(ask(server, PARTNER, "www.a.test", tcp), ("NOERROR", ["203.0.113.1"]), f"partner, tcp {tcp}")
            expect_equal(ask(server, NOBODY, "www.a.test", tcp), ("NOERROR", ["192.0.2.1"]), f"somebody, tcp {tcp}")


@case("views: an access list refuses others, over UDP and TCP, and an alias ends before it")
def refused():
    with Folder() as folder, folder.serve() as server:
        for tcp in (False, True):
            expect_equal(ask(server, STAFF, "www.guarded.test", tcp), ("NOERROR", ["192.0.2.2"]), f"staff, tcp {tcp}")
            expect_equal(ask(server, NOBODY, "www.guarded.test", tcp), ("REFUSED", []), f"somebody, tcp {tcp}")
            expect_equal(ask(server, STAFF, "alias.a.test", tcp), ("NOERROR", ["192.0.2.2", "www.guarded.test."]), f"staff's alias, tcp {tcp}")
            expect_equal(ask(server, NOBODY, "alias.a.test", tcp), ("NOERROR", ["www.guarded.test."]), f"somebody's alias, tcp {tcp}")


@case("views: a changed file of prefixes comes in force with SIGHUP, a bad one does not")
def prefixes_change():
    with Folder() as folder, folder.serve() as server:
        prefixes = folder.path / "partner.prefixes"
        expect_equal(ask(server, LATER, "www.a.test")[1], ["192.0.2.1"], "before")
        prefixes.write_text(f"{LATER}/32\n")
        hang_up(server)
        eventually(lambda: ask(server, LATER, "www.a.test")[1] == ["203.0.113.1"], "the new partner's view")
        expect_equal(ask(server, PARTNER, "www.a.test")[1], ["192.0.2.1"], "no partner any more")
        prefixes.write_text(f"{PARTNER}\nnonsense\n")
        hang_up(server)
        eventually(lambda: "partner.prefixes:2:1:" in server.log(), "the mistake's place in the log")
        expect_equal(ask(server, LATER, "www.a.test")[1], ["203.0.113.1"], "what was in force stays")
        prefixes.write_text(f"{PARTNER}\n")
        hang_up(server)
        eventually(lambda: ask(server, PARTNER, "www.a.test")[1] == ["203.0.113.1"], "mended")


@case("views: files are followed in each view, and new ones taken in")
def files_are_followed():
    with Folder() as folder, folder.serve() as server:
        write(folder.path / "partner" / "a.test.zone", "www IN A 203.0.113.2\n", 8)
        eventually(lambda: ask(server, PARTNER, "www.a.test")[1] == ["203.0.113.2"], "the partner's new address")
        expect_equal(ask(server, NOBODY, "www.a.test")[1], ["192.0.2.1"], "the others'")
        write(folder.path / "partner" / "b.test.zone", "www IN A 203.0.113.3\n")
        eventually(lambda: ask(server, PARTNER, "www.b.test")[1] == ["203.0.113.3"], "a zone of the partner's only")
        expect_equal(ask(server, NOBODY, "www.b.test")[0], "REFUSED", "the others")
        (folder.path / "partner" / "a.test.zone").unlink()
        eventually(lambda: ask(server, PARTNER, "www.a.test")[1] == ["192.0.2.1"], "without its own zone: that of all")


@case("views: a resolver's EDNS client subnet chooses the view, and the scope says for whom")
def client_subnet():
    with Folder() as folder, folder.serve() as server:
        for address, wanted, scope in (("198.51.100.0", "203.0.113.1", 24), ("203.0.113.0", "192.0.2.1", 5)):
            query = dns.message.make_query("www.a.test", "A", options=[dns.edns.ECSOption(address, 24)])
            reply = dns.query.udp(query, server.host, 5.0, server.port, source=NOBODY)
            expect_equal([item.to_text() for item in reply.answer[0]], [wanted], address)
            subnet = next(option for option in reply.options if option.otype == dns.edns.OptionType.ECS)
            expect_equal((subnet.address, subnet.srclen, subnet.scopelen), (address, 24, scope), "the option")
        expect_equal(ask(server, NOBODY, "www.guarded.test", options=[dns.edns.ECSOption("127.0.3.0", 24)])[0], "REFUSED",
                     "access goes by the source")


@case("views: status shows the view and the list of each zone")
def in_status():
    with Folder() as folder, folder.serve() as server:
        zones = {(zone["name"], zone["view"], zone["allow"]) for zone in status(server)["zones"]}
        expect_equal(zones, {("a.test.", None, None), ("a.test.", "partner", None), ("guarded.test.", None, "staff")}, "zones")
        table = subprocess.run([program(), "status", "--runtime-dir", server.runtime], capture_output=True, text=True, check=False).stdout
        expect(", view partner\n" in table and ", allow staff\n" in table, table)


@case("views: ready when every zone is for others; the command line says the same as skua.yaml")
def by_options():
    with Folder() as folder:
        with Skua([f"{folder.path}/partner,view=partner", f"{folder.path}/guarded.test.zone,allow=127.0.3.0/24,allow=!127.0.3.9"],
                  "--views", f"partner=@{folder.path}/partner.prefixes") as server:
            expect_equal(ask(server, PARTNER, "www.a.test"), ("NOERROR", ["203.0.113.1"]), "partner")
            expect_equal(ask(server, NOBODY, "www.a.test"), ("REFUSED", []), "others")
            expect_equal(ask(server, STAFF, "www.guarded.test"), ("NOERROR", ["192.0.2.2"]), "staff")
            expect_equal(ask(server, "127.0.3.9", "www.guarded.test"), ("REFUSED", []), "the address taken out")


@case("views: mistakes in skua.yaml have a place")
def mistakes():
    with Folder() as folder:
        config = folder.path / "skua.yaml"
        good = config.read_text()
        for old, new, place, word in (("allow: staff", "allow: staf", ":10:", 'no list "staf"'),
                                      ("view: partner}", "view: partners}", ":9:", 'no view "partners"'),
                                      ("127.0.3.0/24", "127.0.3.1/24", ":3:", "bits set behind its length"),
                                      ("ecs: true", "esc: true", ":6:", 'unknown key "esc"')):
            config.write_text(good.replace(old, new))
            done = subprocess.run([program(), "serve", "--config", config, "--runtime-dir", folder.path / "run"],
                                  capture_output=True, text=True, timeout=20, check=False)
            expect(done.returncode == 1 and "skua.yaml" + place in done.stderr and word in done.stderr, f"{new}: {done.stderr}")


main()
