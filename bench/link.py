"""link: a namespace for the server, joined by a veth pair to the namespace that this runs in, which is the client.

The server holds 198.18.0.1 on dns0, the client 198.18.0.2 on dns1. Neighbours are written down: an echo answers no ARP."""
import re
import subprocess

SERVER, CLIENT = "198.18.0.1", "198.18.0.2"
NAMESPACE = "skua-bench-server"


def ip(*words):
    return subprocess.run(["ip", *words], check=True, text=True, capture_output=True).stdout


class Link:
    address = (SERVER, 53)
    device = "dns0"
    prefix = ["ip", "netns", "exec", NAMESPACE]

    def __enter__(self):
        ip("netns", "add", NAMESPACE)
        try:
            ip("-n", NAMESPACE, "link", "set", "lo", "up")
            ip("-n", NAMESPACE, "link", "add", "dns0", "type", "veth", "peer", "name", "dns1", "netns", "1")
            ip("-n", NAMESPACE, "addr", "add", f"{SERVER}/24", "dev", "dns0")
            ip("addr", "add", f"{CLIENT}/24", "dev", "dns1")
            ip("-n", NAMESPACE, "link", "set", "dns0", "up")
            ip("link", "set", "dns1", "up")
            self.introduce()
        except BaseException:
            self.__exit__()
            raise
        return self

    @staticmethod
    def introduce():
        server = re.search(r"link/ether (\S+)", ip("-n", NAMESPACE, "link", "show", "dns0"))[1]
        client = re.search(r"link/ether (\S+)", ip("link", "show", "dns1"))[1]
        ip("neigh", "replace", SERVER, "lladdr", server, "dev", "dns1")
        ip("-n", NAMESPACE, "neigh", "replace", CLIENT, "lladdr", client, "dev", "dns0")

    def __exit__(self, *_):
        # The pair first: of a namespace that goes, the kernel takes its devices away some time later.
        for words in (["link", "del", "dns1"], ["netns", "del", NAMESPACE]):
            subprocess.run(["ip", *words], check=False, capture_output=True)


class Loopback:
    """The same place for server and client, on loopback."""

    address = ("127.0.0.1", 53)
    device = "lo"
    prefix = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
