"""raw_ends: who is at the ends of a wire for frames, and a namespace whose kernel is the other end of a port of DPDK."""

import dataclasses
import re
import socket
import subprocess

from namespace import Link, ip
from raw_link import RawLink


@dataclasses.dataclass
class Ends:
    """Addresses of both ends, packed."""
    client_mac: bytes
    server_mac: bytes
    client4 = socket.inet_aton("198.18.0.2")
    server4 = socket.inet_aton("198.18.0.1")
    client6 = socket.inet_pton(socket.AF_INET6, "2001:db8::2")
    server6 = socket.inet_pton(socket.AF_INET6, "2001:db8::1")


def mac_of(space, device):
    return bytes.fromhex(re.search(r"link/ether (\S+)", ip("-n", space, "link", "show", device))[1].replace(":", ""))


def silence(space):
    """No IPv6 in a namespace: its kernel sends nothing by itself."""
    Link.run(space, ("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"), 10)


class Tap(Link):
    """A namespace whose kernel is the other end of DPDK's port, by net_tap."""

    def __enter__(self):
        ip("netns", "add", self.server)
        silence(self.server)
        return self

    def __exit__(self, *unused):
        subprocess.run(["ip", "netns", "del", self.server], check=False)

    def ends(self):
        return Ends(b"\2\0\0\0\0\2", mac_of(self.server, "skua-tap"))

    def raw(self):
        return RawLink(self.server, "skua-tap")
