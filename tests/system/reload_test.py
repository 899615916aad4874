"""reload_test: changed files are served by themselves; what no longer parses keeps its last good version."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile

import cases
from cases import case, eventually, expect, expect_equal
from skua import Skua, program

HEAD = "$TTL 60\n@ IN SOA ns hostmaster {serial} 3600 900 604800 60\n@ IN NS ns\nns IN A 192.0.2.53\n"


def write(path, text, serial):
    """As editors do: a new file, renamed."""
    temporary = path.with_suffix(".swp")
    temporary.write_text(HEAD.format(serial=serial) + text)
    temporary.rename(path)


def addresses(server, name):
    reply = server.query_udp(name)
    return sorted(item.to_text() for rrset in reply.answer for item in rrset)


def status(server):
    done = subprocess.run([program(), "status", "--json", "--runtime-dir", server.runtime], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def zone_status(server, name):
    return next(zone for zone in status(server)["zones"] if zone["name"] == name)


class Served:
    """One server on a folder of zones that the test changes."""

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="skua-reload-")
        self.folder = pathlib.Path(self.temporary.name)
        write(self.folder / "a.test.zone", "www IN A 192.0.2.1\n", 1)
        write(self.folder / "b.test.zone", "www IN A 192.0.2.2\n", 1)
        self.server = Skua([self.folder])
        return self

    def __exit__(self, *unused):
        self.server.close()
        self.temporary.cleanup()


@case("reload: a renamed-over file is served, the other zone keeps its generation of data")
def renamed():
    with Served() as served:
        write(served.folder / "a.test.zone", "www IN A 192.0.2.11\n", 2)
        eventually(lambda: addresses(served.server, "www.a.test") == ["192.0.2.11"], "the new address")
        expect_equal(addresses(served.server, "www.b.test"), ["192.0.2.2"], "the other zone")
        expect_equal(zone_status(served.server, "a.test.")["serial"], 2, "serial in status")


@case("reload: a file written in place is served")
def in_place():
    with Served() as served:
        (served.folder / "a.test.zone").write_text(HEAD.format(serial=3) + "www IN A 192.0.2.12\nnew IN A 192.0.2.13\n")
        eventually(lambda: addresses(served.server, "new.a.test") == ["192.0.2.13"], "the new name")
        expect_equal(addresses(served.server, "www.a.test"), ["192.0.2.12"], "the changed name")


@case("reload: a removed record is gone, its empty ancestors too")
def removed_record():
    with Served() as served:
        path = served.folder / "a.test.zone"
        write(path, "deep.down.www IN A 192.0.2.1\n", 2)
        eventually(lambda: addresses(served.server, "deep.down.www.a.test") == ["192.0.2.1"], "the deep name")
        expect_equal(served.server.query_udp("down.www.a.test").rcode(), 0, "empty non-terminal")
        write(path, "other IN A 192.0.2.2\n", 3)
        eventually(lambda: served.server.query_udp("down.www.a.test").rcode() == 3, "NXDOMAIN for the former empty non-terminal")


@case("reload: a broken file keeps its last good version, is reported, blocks nothing")
def broken():
    with Served() as served:
        server = served.server
        write(served.folder / "a.test.zone", "www IN A 192.0.2.\n", 2)
        eventually(lambda: "a.test.zone:5:" in server.log(), "the error in the log")
        expect_equal(addresses(server, "www.a.test"), ["192.0.2.1"], "the last good version")
        state = zone_status(server, "a.test.")
        expect_equal(state["serial"], 1, "serial of the last good version")
        expect("a.test.zone:5:" in (state["error"] or ""), f"the error in status: {state}")
        expect('skua_zone_good{zone="a.test."} 0' in server.http("/metrics")[1], "the metric of the broken zone")
        write(served.folder / "b.test.zone", "www IN A 192.0.2.22\n", 2)
        eventually(lambda: addresses(server, "www.b.test") == ["192.0.2.22"], "a change of the good zone")
        write(served.folder / "a.test.zone", "www IN A 192.0.2.31\n", 3)
        eventually(lambda: addresses(server, "www.a.test") == ["192.0.2.31"], "the mended zone")
        eventually(lambda: 'skua_zone_good{zone="a.test."} 1' in server.http("/metrics")[1], "the metric of the mended zone")


@case("reload: zones come and go with their files")
def come_and_go():
    with Served() as served:
        server = served.server
        expect_equal(server.query_udp("www.c.test").rcode(), 5, "REFUSED before")
        write(served.folder / "c.test.zone", "www IN A 192.0.2.3\n", 1)
        eventually(lambda: server.query_udp("www.c.test").rcode() == 0, "the new zone")
        (served.folder / "c.test.zone").unlink()
        eventually(lambda: server.query_udp("www.c.test").rcode() == 5, "REFUSED after")


@case("reload: a zone between others: names change hands and come back")
def nested():
    with Served() as served:
        server = served.server
        write(served.folder / "a.test.zone", "sub IN NS ns.sub\nns.sub IN A 192.0.2.5\nx.sub IN A 192.0.2.6\n", 2)
        eventually(lambda: server.query_udp("x.sub.a.test").authority and not server.query_udp("x.sub.a.test").answer, "a referral")
        write(served.folder / "sub.a.test.zone", "x IN A 192.0.2.7\n", 1)
        eventually(lambda: addresses(server, "x.sub.a.test") == ["192.0.2.7"], "the child zone's own answer")
        (served.folder / "sub.a.test.zone").unlink()
        eventually(lambda: not server.query_udp("x.sub.a.test").answer, "a referral again")


@case("reload: of many names only those that a change concerns are published")
def few_of_many():
    hosts = "".join(f"h{number} IN A 198.51.100.{number % 250}\n" for number in range(2000))
    inside = "a.sub IN A 192.0.2.71\nb.sub IN A 192.0.2.72\n"
    with Served() as served:
        server, path = served.server, served.folder / "a.test.zone"
        write(path, hosts + inside, 2)
        eventually(lambda: addresses(server, "a.sub.a.test") == ["192.0.2.71"], "the whole zone")
        steps = (("h7", hosts.replace("h7 IN A 198.51.100.7\n", "h7 IN A 192.0.2.77\n") + inside, 2, ["192.0.2.77"]),
                 ("x.w", hosts + inside + "*.w IN A 192.0.2.78\n", 4, ["192.0.2.78"]),
                 ("a.sub", hosts + inside + "sub IN NS ns.elsewhere.\n", 6, []),
                 ("a.sub", hosts + inside, 4, ["192.0.2.71"]))
        for serial, (name, text, names, wanted) in enumerate(steps, 3):
            write(path, text, serial)
            eventually(lambda: zone_status(server, "a.test.")["serial"] == serial, "the new serial")
            expect_equal(addresses(server, name + ".a.test"), wanted, f"the answer after step {serial}")
            published = [line for line in server.log().splitlines() if "control.publish" in line and "published" in line]
            expect(f"changed={names} " in published[-1], f"step {serial}: {names} names wanted: {published[-1]}")
        expect_equal(addresses(server, "h7.a.test"), ["198.51.100.7"], "the host of before")


@case("reload: SIGHUP with nothing changed publishes nothing")
def unchanged():
    with Served() as served:
        server = served.server
        before = status(server)["generation"]
        os.kill(status(server)["control"]["pid"], signal.SIGHUP)
        (served.folder / "a.test.zone").touch()
        write(served.folder / "b.test.zone", "www IN A 192.0.2.44\n", 2)
        eventually(lambda: addresses(server, "www.b.test") == ["192.0.2.44"], "the change behind it")
        expect(status(server)["generation"] - before == 1, f"{before} -> {status(server)['generation']}")


@case("reload: a start with a broken file serves what the run before saved of it")
def last_good():
    with Served() as served:
        server, path = served.server, served.folder / "a.test.zone"
        write(path, "www IN A 192.0.2.61\n*.w IN TXT \"a ; b\"\n", 6)
        eventually(lambda: addresses(server, "www.a.test") == ["192.0.2.61"], "the version to be saved")
        code, left = server.stop()
        expect_equal((code, left), (0, []), "exit code, processes left")
        write(path, "www IN A 192.0.2.\n", 7)
        write(served.folder / "b.test.zone", "www IN A 192.0.2.\n", 7)
        server.start()
        expect_equal(addresses(server, "www.a.test"), ["192.0.2.61"], "the saved version")
        expect_equal(addresses(server, "x.w.a.test"), [], "no address at the wildcard")
        expect_equal(addresses(server, "www.b.test"), ["192.0.2.2"], "the saved version of the other zone")
        state = zone_status(server, "a.test.")
        expect_equal((state["state"], state["serial"]), ("last good", 6), "state and serial")
        expect("a.test.zone:5:" in (state["error"] or ""), f"the error in status: {state}")
        expect("last good version of an earlier run" in server.log(), "a warning in the log")
        expect('skua_zone_good{zone="a.test."} 0' in server.http("/metrics")[1], "the metric of the broken zone")
        write(path, "www IN A 192.0.2.62\n", 8)
        eventually(lambda: addresses(server, "www.a.test") == ["192.0.2.62"], "the mended zone")
        expect_equal(zone_status(server, "a.test.")["state"], "good", "state of the mended zone")


cases.main()
