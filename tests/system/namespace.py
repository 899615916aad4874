"""namespace: network namespaces that a test makes for itself, and removes."""

import os
import subprocess
import sys

import cases


def enter_own():
    """Runs the whole test again inside a new network namespace with nothing but loopback."""
    if os.environ.get("SKUA_IN_NAMESPACE"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    if os.geteuid() != 0:
        print("skip namespace: needs root\n0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    os.environ["SKUA_IN_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


def ip(*words):
    done = subprocess.run(["ip", *words], text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise cases.Failure(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


class Link:
    """Two namespaces joined by a veth pair: `server` holds 198.18.0.1 and 2001:db8::1 on dns0, `client` .2 and ::2 on dns1."""

    server_addresses = ("198.18.0.1", "2001:db8::1")

    def __init__(self, queues=1):
        if os.geteuid() != 0:
            raise cases.Skip("network namespaces need root")
        self.server, self.client = f"skua-s{os.getpid()}", f"skua-c{os.getpid()}"
        self.queues = str(queues)

    def __enter__(self):
        for space in (self.server, self.client):
            ip("netns", "add", space)
            ip("-n", space, "link", "set", "lo", "up")
        self.join()
        return self

    def join(self):
        """Makes the pair, with its addresses: at first, and after it was deleted."""
        ip("-n", self.server, "link", "add", "dns0", "numtxqueues", self.queues, "numrxqueues", self.queues, "type", "veth",
           "peer", "name", "dns1", "numtxqueues", self.queues, "numrxqueues", self.queues, "netns", self.client)
        for space, device, last in ((self.server, "dns0", "1"), (self.client, "dns1", "2")):
            ip("-n", space, "addr", "add", f"198.18.0.{last}/24", "dev", device)
            ip("-n", space, "-6", "addr", "add", f"2001:db8::{last}/64", "dev", device, "nodad")
            ip("-n", space, "link", "set", device, "up")

    def __exit__(self, *unused):
        for space in (self.server, self.client):
            subprocess.run(["ip", "netns", "del", space], check=False)

    def on_client(self, *words, seconds=60):
        """Runs a command on the client; (exit code, output)."""
        return self.run(self.client, words, seconds)

    def on_server(self, *words, seconds=60):
        return self.run(self.server, words, seconds)

    @staticmethod
    def run(space, words, seconds):
        done = subprocess.run(["ip", "netns", "exec", space, *map(str, words)], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False)
        return done.returncode, done.stdout
