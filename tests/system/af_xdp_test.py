"""af_xdp_test: AF_XDP on a veth pair: real kernel clients on the other side, the kernel's own traffic beside it, kill -9."""

import os
import re
import signal
import subprocess
import tempfile

import cases
from cases import case, expect, expect_equal
from inside import Inside, ask
from namespace import Link, ip
from skua import program
from small_zone import Zone


@case("af_xdp: told to listen on a loopback address only, it refuses: no query would ever come")
def deaf():
    with Link() as link, Zone() as zone, tempfile.TemporaryDirectory(prefix="skua-deaf-") as folder:
        code, output = link.on_server(program(), "serve", zone, "--io", "af_xdp:dns0", "--listen", "127.0.0.1:5300", "--http", "off",
                                      "--runtime-dir", folder)
        expect_equal(code, 1, output)
        expect("no query comes to a loopback address by an interface" in output, output)


@case("af_xdp: answers over IPv4, IPv6 and TCP; what it got is in the log")
def answers():
    with Link() as link, Zone() as zone, Inside(link, [zone]) as server:
        expect("192.0.2.1" in ask(link, "www.x.test", "A", "+noall", "+answer"), "A over IPv4")
        expect("2001:db8::1" in ask(link, "www.x.test", "AAAA", "+noall", "+answer", server="2001:db8::1"), "AAAA over IPv6")
        expect("NXDOMAIN" in ask(link, "nobody.x.test", "A"), "NXDOMAIN")
        truncated = ask(link, "big.x.test", "TXT", "+ignore")
        expect(" tc" in truncated.lower(), f"TC over UDP: {truncated}")
        whole = ask(link, "big.x.test", "TXT", "+tcp")
        expect_equal(len(re.findall(r"\sTXT\s+\"", whole)), 20, "records over TCP")
        log = server.log()
        expect("native" in log and ("copy" in log), f"mode in the log: {log}")


@case("af_xdp: the kernel's own traffic passes: ping, ping -6, TCP, another UDP port")
def kernel_traffic():
    with Link() as link, Zone() as zone, Inside(link, [zone]):
        for words in (("ping", "-c", "3", "-i", "0.05", "198.18.0.1"), ("ping", "-6", "-c", "3", "-i", "0.05", "2001:db8::1")):
            code, output = link.on_client(*words)
            expect(code == 0 and " 0% packet loss" in output, output)
        code, output = link.on_client("sh", "-c", f"ip netns exec {link.server} nc -u -l -p 5353 -W 1 > /tmp/skua-nc-{os.getpid()} & "
                                      f"sleep 0.3; echo through | nc -u -w 1 198.18.0.1 5353; wait; cat /tmp/skua-nc-{os.getpid()}; "
                                      f"rm -f /tmp/skua-nc-{os.getpid()}")
        expect("through" in output, f"UDP to another port: {output}")


@case("af_xdp: two queues, two workers")
def two_workers():
    with Link(queues=2) as link, Zone() as zone, Inside(link, [zone], "--workers", "2") as server:
        for _ in range(40):  # other source ports: both queues
            expect("192.0.2.1" in ask(link, "www.x.test", "A", "+noall", "+answer"), "an answer from either queue")
        expect("queue 0" in server.log() and "queue 1" in server.log(), server.log())


@case("af_xdp: more workers than queues is refused with both numbers")
def too_many_workers():
    with Link() as link, Zone() as zone:
        code, output = refused(link, zone, "--workers", "3")
        expect(code == 1 and "3" in output and "1" in output and "queue" in output, f"{code}: {output}")


def refused(link, zone, *options):
    """(exit code, output) of a start that must fail."""
    server = Inside(link, [zone], *options, start=False)
    try:
        server.launch(server.command())
        code = server.child.wait(30)
        return code, server.log()
    finally:
        server.close()


@case("af_xdp: a foreign XDP program is not evicted, and is named")
def foreign_program():
    with Link() as link, Zone() as zone:
        object_file = foreign_object(zone.parent)
        ip("-n", link.server, "link", "set", "dns0", "xdp", "obj", str(object_file), "sec", "xdp")
        code, output = refused(link, zone)
        expect(code == 1 and "XDP program" in output and "pass_all" in output, f"{code}: {output}")
        expect("xdp" in ip("-n", link.server, "link", "show", "dns0"), "the foreign program is gone")


def foreign_object(folder):
    source = folder / "pass.c"
    source.write_text('__attribute__((section("xdp"), used)) int pass_all(void *context)\n{\n\treturn 2;\n}\n'
                      'char license_text[] __attribute__((section("license"), used)) = "GPL";\n')
    target = folder / "pass.o"
    code = os.spawnlp(os.P_WAIT, "clang", "clang", "-O2", "-g", "-target", "bpf", "-c", str(source), "-o", str(target))
    expect(code == 0, "clang can't compile the foreign program")
    return target


@case("af_xdp: 20 times kill -9: it comes back by itself, nothing blocks it, ping loses nothing")
def killed():
    with Link() as link, Zone() as zone, Inside(link, [zone]) as server:
        with Ping(link) as ping:
            for _ in range(20):
                os.kill(server.dataplane(), signal.SIGKILL)
                cases.eventually(lambda: "192.0.2.1" in ask(link, "www.x.test", "A", "+noall", "+answer", "+timeout=1", "+retry=0"),
                                 "an answer after kill -9", 10)
        expect(" 0% packet loss" in ping.output, ping.output[-300:])


class Ping:
    """Pings the server every 10 ms from the client, until the block ends (or two minutes, should the test hang)."""

    def __init__(self, link):
        self.command = ["ip", "netns", "exec", link.client, "ping", "-q", "-i", "0.01", "-w", "120", "198.18.0.1"]

    def __enter__(self):
        self.child = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return self

    def __exit__(self, *unused):
        self.child.send_signal(signal.SIGINT)
        self.output = self.child.communicate(timeout=10)[0]


cases.main()
