"""dpdk_kernel_test: a port of DPDK that the kernel shares: net_af_packet on a veth end, and the kernel's interface beside it."""

import hashlib
import os
import re
import signal
import subprocess

import cases
from cases import Skip, case, expect, expect_equal
from inside import Within
from namespace import Link, ip
from small_zone import Zone
from skua import build_folder

DEVICE = "--no-huge -m 128 --vdev=net_af_packet0,iface=dns0"
ADDRESSES = "198.18.0.1", "2001:db8::1"


class Port(Link):
    """A link whose server end is a wire only: its kernel would see the frames, too, and answer beside the port."""

    def __enter__(self):
        if not (build_folder() / "bench" / "memif_generator").exists():
            raise Skip("this build has no DPDK")
        return super().__enter__()

    def join(self):
        super().join()
        # The server's kernel gets a copy of each frame: none of it is to be answered there.
        self.on_server("ip", "addr", "flush", "dev", "dns0")
        for setting in ("ipv6.conf.dns0.disable_ipv6", "ipv4.conf.dns0.rp_filter"):
            self.set_server(setting, 1)
        ip("-n", self.server, "link", "set", "dns0", "arp", "off")
        # A wire carries frames as a card sends them: no sums left to finish, none larger than the MTU.
        self.offload("tx", "off")

    def offload(self, *settings):
        code, output = self.on_client("ethtool", "-K", "dns1", *settings)
        expect_equal(code, 0, f"ethtool: {output}")

    def set_server(self, setting, value):
        self.on_server("sysctl", "-qw", f"net.{setting}={value}")


class Shared(Within):
    """`skua serve` on the server's end, without --listen."""

    def __init__(self, link, zone, *options, device=DEVICE):
        super().__init__(link, [zone], "--io", f"dpdk:{device}", *options)

    def start(self):
        self.launch(self.command())
        self.wait_ready(lambda: " answering " in self.log())

    def count(self, name):
        """A counter, summed over threads: asked for inside the namespace, where the HTTP port is."""
        fetch = f"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:{self.http_port}/metrics').read().decode())"
        text = subprocess.run(["ip", "netns", "exec", self.link.server, "/usr/bin/python3", "-c", fetch], stdout=subprocess.PIPE, text=True,
                              timeout=60, check=True).stdout
        return sum(int(value) for value in re.findall(rf"^skua_{name}_total{{.*}} (\d+)$", text, re.M))

    def adds_up(self):
        """Whether each frame that went one way or the other is counted at its end, too; until then some are under way."""
        return (self.count("pass_[a-z_]+") == sum(map(self.count, ("to_kernel_full", "to_kernel_taken", "to_kernel_refused"))) and
                self.count("from_kernel") == sum(map(self.count, ("from_kernel_sent", "from_kernel_unsent"))))


def address(link, verb="add", interface="skua0", addresses=ADDRESSES):
    for one in addresses:
        ip("-n", link.server, "addr", verb, one + ("/64" if ":" in one else "/24"), "dev", interface, *(["nodad"] if ":" in one else []))


def answers(link, server, *options):
    return link.on_client("kdig", f"@{server}", "www.x.test", "A", "+short", "+timeout=1", "+retry=0", *options)[1].strip() == "192.0.2.1"


def eventually_answers(link, server, *options):
    cases.eventually(lambda: answers(link, server, *options), f"an answer of {server} {' '.join(options)}")


def pings(run, server, *options):
    """Ten pings, all answered, each once: the address is known by ARP or neighbour discovery only."""
    code, output = run("ping", "-c", "10", "-i", "0.05", "-W", "5", *options, server)
    expect(code == 0 and " 10 received" in output and "dup" not in output.lower(), f"ping {server}: {output}")


@case("kernel: ping and neighbour discovery both ways, and queries, over IPv4 and IPv6")
def reaches():
    with Port() as link, Zone() as zone, Shared(link, zone) as server:
        address(link)
        for one, other in zip(ADDRESSES, ("198.18.0.2", "2001:db8::2")):
            eventually_answers(link, one)
            pings(link.on_client, one)
            for space in (link.server, link.client):
                ip("-n", space, "neigh", "flush", "all")
            pings(link.on_server, other)
        expect('io="kernel skua0 (tap)"' in server.log(), server.log())
        expect(server.count("to_kernel_taken") >= 40, "frames to the kernel")
        expect(server.count("from_kernel_sent") >= 40, "frames from the kernel")
        cases.eventually(server.adds_up, "counters that add up")


@case("kernel: it has the port's MAC address and MTU, and is up")
def agrees():
    with Port() as link, Zone() as zone:
        ip("-n", link.server, "link", "set", "dns0", "mtu", "1400")
        with Shared(link, zone):
            port, kernel = (ip("-n", link.server, "link", "show", name) for name in ("dns0", "skua0"))
            for pattern in (r"link/ether (\S+)", r"mtu (\d+)"):
                expect_equal(re.search(pattern, kernel)[1], re.search(pattern, port)[1], pattern)
            expect("UP,LOWER_UP" in kernel, kernel)


@case("kernel: its addresses are followed while it runs")
def followed():
    with Port() as link, Zone() as zone, Shared(link, zone) as server:
        for one, other in zip(ADDRESSES, ("198.18.0.77", "2001:db8::77")):
            address(link, addresses=[one])
            eventually_answers(link, one)
            address(link, addresses=[other])
            eventually_answers(link, other)
            address(link, "del", addresses=[other])
            cases.eventually(lambda gone=other: not answers(link, gone), f"no answer of {other} any more")
            expect(answers(link, one), f"{one} is still there")
        expect(server.count("pass_not_ours") > 0, "queries to addresses that are not ours")


STREAM = 8 * 1024 * 1024
# Sends or takes a stream whose every octet is known; the taker prints what it got.
SENDER = ("import hashlib, socket, sys; at = socket.create_connection((sys.argv[1], 7777), 20)\n"
          "for i in range({blocks}): at.sendall(hashlib.sha256(str(i).encode()).digest() * 256)\n"
          "at.shutdown(socket.SHUT_WR); at.settimeout(60); at.recv(1)")
TAKER = ("import hashlib, socket; at = socket.create_server(('', 7777), family=socket.AF_INET6, dualstack_ipv6=True); print('ready', flush=True); peer = at.accept()[0]; peer.settimeout(60)\n"
         "sum, count = hashlib.sha256(), 0\n"
         "while data := peer.recv(65536): sum.update(data); count += len(data)\n"
         "print(count, sum.hexdigest())")


def whole_stream(link, taker, sender, address):
    """TCP from one namespace to the other: every octet arrives once, in order."""
    blocks = STREAM // 8192
    expected = hashlib.sha256(b"".join(hashlib.sha256(str(i).encode()).digest() * 256 for i in range(blocks))).hexdigest()
    with subprocess.Popen(["ip", "netns", "exec", taker, "/usr/bin/python3", "-c", TAKER], stdout=subprocess.PIPE, text=True) as receiver:
        try:
            expect_equal(receiver.stdout.readline().strip(), "ready", "the taker")
            code, output = link.run(sender, ["/usr/bin/python3", "-c", SENDER.format(blocks=blocks), address], 120)
            expect_equal(code, 0, f"sending to {address}: {output}")
            expect_equal(receiver.stdout.readline().split(), [str(STREAM), expected], f"what came to {address}")
        finally:
            receiver.kill()


@case("kernel: TCP both ways, whole, beside queries over UDP and TCP on the same addresses")
def tcp():
    with Port() as link, Zone() as zone, Shared(link, zone) as server:
        address(link)
        for one, other in zip(ADDRESSES, ("198.18.0.2", "2001:db8::2")):
            eventually_answers(link, one)
            eventually_answers(link, one, "+tcp")
            whole_stream(link, link.server, link.client, one)
            whole_stream(link, link.client, link.server, other)
            expect("big" in link.on_client("kdig", f"@{one}", "big.x.test", "TXT", "+ignore", "+tcp")[1], "an answer that only TCP can carry")
        expect_equal(server.count("to_kernel_refused"), 0, "frames that the interface did not take")
        cases.eventually(server.adds_up, "counters that add up")


@case("kernel: what a sender on this host leaves unfinished in its checksums is taken")
def unfinished():
    with Port() as link, Zone() as zone, Shared(link, zone) as server:
        address(link)
        link.offload("tx", "on", "tso", "off", "gso", "off")
        for one in ADDRESSES:
            eventually_answers(link, one)
            eventually_answers(link, one, "+tcp")
            whole_stream(link, link.server, link.client, one)
        cases.eventually(server.adds_up, "counters that add up")


@case("kernel: a flood of what is no query loses no answer")
def flood():
    with Port() as link, Zone() as zone, Shared(link, zone) as server:
        address(link)
        eventually_answers(link, ADDRESSES[0])
        with subprocess.Popen(["ip", "netns", "exec", link.client, "ping", "-f", "-q", "-s", "56", ADDRESSES[0]], stdout=subprocess.DEVNULL) as noise:
            try:
                before = server.count("pass_not_udp")
                for _ in range(100):
                    expect(answers(link, ADDRESSES[0], "+timeout=10"), "an answer under the flood")
                expect(server.count("pass_not_udp") > before + 100, "the flood")
            finally:
                noise.kill()
        cases.eventually(server.adds_up, "counters that add up")


@case("kernel: no link, no carrier; with the link it is back, and so are answers")
def carrier():
    with Port() as link, Zone() as zone, Shared(link, zone):
        address(link)
        eventually_answers(link, ADDRESSES[0])
        state = lambda: ip("-n", link.server, "link", "show", "skua0")
        for _ in range(2):
            ip("-n", link.client, "link", "set", "dns1", "down")
            cases.eventually(lambda: "NO-CARRIER" in state(), "no carrier")
            ip("-n", link.client, "link", "set", "dns1", "up")
            cases.eventually(lambda: "LOWER_UP" in state(), "a carrier")
            eventually_answers(link, ADDRESSES[0])
            pings(link.on_client, ADDRESSES[0])


@case("kernel: a smaller MTU there makes answers that no longer fit say so")
def smaller():
    with Port() as link, Zone() as zone, Shared(link, zone):
        address(link, addresses=ADDRESSES[:1])
        fits = lambda: " tc" not in link.on_client("kdig", f"@{ADDRESSES[0]}", "middling.x.test", "TXT", "+bufsize=1232", "+ignore")[1].lower()
        eventually_answers(link, ADDRESSES[0])
        cases.eventually(fits, "an answer of 900 octets fits")
        ip("-n", link.server, "link", "set", "skua0", "mtu", "800")
        cases.eventually(lambda: not fits(), "it no longer fits")
        ip("-n", link.server, "link", "set", "skua0", "mtu", "1500")
        cases.eventually(fits, "it fits again")


@case("kernel: after kill -9 the interface is there with its addresses, and the next start takes it")
def killed():
    with Port() as link, Zone() as zone, Shared(link, zone) as server:
        address(link)
        index = ip("-n", link.server, "link", "show", "skua0").split(":")[0]
        for round_number in range(2, 5):
            os.kill(server.dataplane(), signal.SIGKILL)
            kept = ip("-n", link.server, "addr", "show", "skua0")
            expect(kept.startswith(index + ":") and all(one + "/" in kept for one in ADDRESSES), kept)
            cases.eventually(lambda want=round_number: server.log().count(" answering ") >= want, "the dataplane's return")
            for one in ADDRESSES:
                eventually_answers(link, one)
                pings(link.on_client, one)


@case("kernel: --kernel names it; off leaves the port to queries alone")
def named():
    with Port() as link, Zone() as zone:
        with Shared(link, zone, "--kernel", "wire7") as server:
            expect("names more interfaces" not in server.log(), server.log())
            address(link, interface="wire7")
            pings(link.on_client, ADDRESSES[0])
        with Shared(link, zone, "--kernel", "wire7,wire8") as server:
            expect(re.search("--kernel names more interfaces than ports that want one: .* ports=1", server.log()), server.log())
            expect("wire8" not in ip("-n", link.server, "link", "show"), "no second interface")
        ip("-n", link.server, "link", "del", "wire7")
        with Shared(link, zone, "--kernel", "off") as server:
            expect("kernel skua" not in server.log(), server.log())
            expect("skua0" not in ip("-n", link.server, "link", "show"), "no interface")


@case("kernel: --steering card on a port that takes no rules: the log says so, and software sorts")
def steering():
    with Port() as link, Zone() as zone, Shared(link, zone, "--steering", "card") as server:
        address(link)
        expect(re.search(r"software sorts them port=net_af_packet0 driver=net_af_packet reason=\S", server.log()), server.log())
        expect('io="kernel skua0 (tap)"' in server.log(), server.log())
        for one in ADDRESSES:
            eventually_answers(link, one)
            pings(link.on_client, one)
        expect_equal(server.count("flow_missed"), 0, "no rule, and none missed")
        cases.eventually(server.adds_up, "counters that add up")


@case("kernel: --mtu is what the interface gets, one of an earlier start too; without it an operator's smaller one stays")
def asked_mtu():
    def mtu():
        return int(re.search(r"mtu (\d+)", ip("-n", link.server, "link", "show", "skua0"))[1])
    device = "--no-huge -m 128 --vdev=net_pcap0,rx_iface=dns0,tx_iface=dns0"
    with Port() as link, Zone() as zone:
        for options, lowered, expected in (((), None, 1500), (("--mtu", "2000"), None, 2000), ((), 1400, 1400), (("--mtu", "2000"), None, 2000)):
            if lowered:
                ip("-n", link.server, "link", "set", "skua0", "mtu", str(lowered))
            with Shared(link, zone, "--kernel", "skua0", *options, device=device):
                expect_equal(mtu(), expected, f"MTU of the kernel's interface, started with {options}")


# What vhost-net or a virtual machine leaves on a tap: a longer header (TUNSETVNETHDRSZ), checksums and segments left to us (TUNSETOFFLOAD).
USED_BEFORE = """
import fcntl, os, struct
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"skua0", 0x0002 | 0x1000 | 0x4000 | 0x0100))
fcntl.ioctl(tap, 0x400454cb, 1)
fcntl.ioctl(tap, 0x400454d8, struct.pack("i", 12))
fcntl.ioctl(tap, 0x400454d0, 0x1 | 0x2 | 0x4)
"""


@case("kernel: an interface that another program has used in its own way is taken: ping, TCP")
def used_before():
    with Port() as link, Zone() as zone:
        code, output = link.on_server("/usr/bin/python3", "-c", USED_BEFORE)
        expect_equal(code, 0, f"a tap with another header: {output}")
        with Shared(link, zone):
            address(link)
            for one in ADDRESSES:
                eventually_answers(link, one)
                eventually_answers(link, one, "+tcp")
                pings(link.on_client, one)
            whole_stream(link, link.client, link.server, "198.18.0.2")


cases.main()
