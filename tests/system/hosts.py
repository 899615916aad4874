"""hosts: a site of a core network in miniature: a server, a router and a client on a switch (switch.py).

    VLAN 10  server dns0 198.18.10.1  2001:db8:10::1  router core0 198.18.10.2  2001:db8:10::2
    VLAN 20  router access0 198.18.20.1  2001:db8:20::1  client eth0 198.18.20.2  2001:db8:20::2

The server also holds on lo the anycast addresses 203.0.113.53 and 2001:db8:53::53, of which only BGP tells the router (routing.py), and
198.18.20.53 and 2001:db8:20::53 for who is in VLAN 20. Its port has VLAN 10 as native VLAN and, where the switch has trunks, VLAN 20 with a
tag; its kernel has no interface there. Each host is a network namespace.

With wire=True the server's cable ends in wire0, which is for DPDK alone, and dns0 is a tap that the dataplane takes: the kernel's interface on
that port.
"""

import os
import re
import subprocess

import cases
from namespace import ip
from switch import Port, queue

SERVER, SERVER6 = "198.18.10.1", "2001:db8:10::1"
ROUTER, ROUTER6 = "198.18.10.2", "2001:db8:10::2"
ANYCAST, ANYCAST6 = "203.0.113.53", "2001:db8:53::53"
TAGGED, TAGGED6 = "198.18.20.53", "2001:db8:20::53"
CLIENT = "198.18.20.2"


class Host:
    """A namespace. run() returns (exit code, output)."""

    def __init__(self, role):
        self.space = f"skua-{role}{os.getpid()}"

    def add(self):
        ip("netns", "add", self.space)
        ip("-n", self.space, "link", "set", "lo", "up")

    def words(self, *words, nice=None):
        before = ["nice", "-n", str(nice)] if nice else []
        return [*before, "ip", "netns", "exec", self.space, *map(str, words)]

    def run(self, *words, seconds=60):
        done = subprocess.run(self.words(*words), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds, check=False)
        return done.returncode, done.stdout

    def ip(self, *words):
        return ip("-n", self.space, *words)

    def address(self, device, *addresses):
        for address in addresses:
            self.ip(*(["-6", "addr", "add", address, "dev", device, "nodad"] if ":" in address else ["addr", "add", address, "dev", device]))

    def mac(self, device):
        return re.search(r"link/ether (\S+)", self.ip("link", "show", device))[1]


class Site:
    """with Site(OpenSwitch) as site: …; leaving it removes all namespaces."""

    def __init__(self, kind, wire=False):
        if os.geteuid() != 0:
            raise cases.Skip("network namespaces need root")
        self.middle = Host("w")
        self.server, self.router, self.client = Host("s"), Host("r"), Host("c")
        self.switch, self.wire = kind(self.middle.space), wire

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def build(self):
        for host in (self.middle, self.server, self.router, self.client):
            host.add()
        self.switch.__enter__()
        self.cable(self.server, "wire0" if self.wire else "dns0", Port("server", 10, [20] if self.switch.trunks else []))
        if self.wire:
            self.hand_over("wire0", "dns0")
        self.cable(self.router, "core0", Port("core", 10))
        self.cable(self.router, "access0", Port("access", 20))
        self.cable(self.client, "eth0", Port("client", 20))
        self.server.address("dns0", SERVER + "/24", SERVER6 + "/64")
        self.server.address("lo", *(f"{address}/{128 if ':' in address else 32}" for address in (ANYCAST, ANYCAST6, TAGGED, TAGGED6)))
        self.router.address("core0", ROUTER + "/24", ROUTER6 + "/64")
        self.router.address("access0", "198.18.20.1/24", "2001:db8:20::1/64")
        self.client.address("eth0", CLIENT + "/24", "2001:db8:20::2/64")
        for host, via, via6 in ((self.server, ROUTER, ROUTER6), (self.client, "198.18.20.1", "2001:db8:20::1")):
            host.ip("route", "add", "default", "via", via)
            host.ip("-6", "route", "add", "default", "via", via6)
        for setting in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"):
            self.router.run("sysctl", "-qw", setting)

    def hand_over(self, port, kernel):
        """The port to DPDK: this host's own kernel must not answer there. In its place the kernel gets a tap, made as an operator would make it."""
        for setting in (f"net.ipv6.conf.{port}.disable_ipv6=1", f"net.ipv4.conf.{port}.rp_filter=1"):
            self.server.run("sysctl", "-qw", setting)
        self.server.ip("link", "set", port, "arp", "off")
        self.server.ip("tuntap", "add", "dev", kernel, "mode", "tap", "multi_queue", "vnet_hdr")
        self.server.ip("link", "set", kernel, "address", self.server.mac(port), "up")

    def cable(self, host, device, port):
        """A veth pair from the host to the switch; what leaves the host has its checksums, as on a wire: no virtual switch finishes them."""
        host.ip("link", "add", device, "type", "veth", "peer", "name", port.name, "netns", self.middle.space)
        host.run("ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off")
        host.ip("link", "set", device, "up")
        self.switch.add(port)
        queue(self.middle.space, port.name)
        queue(host.space, device)

    def __exit__(self, *unused):
        self.switch.__exit__()
        for host in (self.client, self.router, self.server, self.middle):
            subprocess.run(["ip", "netns", "del", host.space], capture_output=True, check=False)
