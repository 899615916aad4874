"""streams: what else a host does on the interface while it answers DNS: ping, SSH, a TCP stream. Each says in the end what it lost."""

import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time

import cases
from process import Process


class Ping(Process):
    """Every 10 ms at least (what ping does with -i 0.01 is slower), until stop_and_count()."""

    name = "ping"

    def __init__(self, host, address):
        super().__init__()
        self.address = address
        self.launch(host.words("ping", "-n", "-D", "-i", "0.005", address, nice=-10))

    def seen(self):
        """({number of an echo reply: when it came}, number of duplicates); the 16 bits of icmp_seq are made whole again."""
        found, last, doubles = {}, 0, 0
        for line in self.log().splitlines():
            match = re.search(r"\[([0-9.]+)\] .*bytes from .*icmp_seq=(\d+) ", line)
            if not match:
                continue
            number = last + ((int(match[2]) - last + 0x8000) & 0xFFFF) - 0x8000
            doubles += number in found
            found[number] = float(match[1])
            last = max(last, number)
        return found, doubles

    def stop_and_count(self):
        """(sent, when those that are lost were sent, as the times of the replies around each): those after the last reply may still be
        under way, and are not counted. Fails if replies came twice, or never."""
        self.child.send_signal(signal.SIGINT)
        self.child.wait(20)
        found, doubles = self.seen()
        cases.expect(found, self.explain("no reply at all"))
        cases.expect(doubles == 0, f"{doubles} echo replies from {self.address} came twice")
        lost, before = [], min(found.values())
        for number in range(1, max(found) + 1):
            if number in found:
                before = found[number]
            else:
                lost.append((before, next(found[later] for later in range(number + 1, max(found) + 1) if later in found)))
        return max(found), lost


class Iperf:
    """A TCP stream of 20 Mbit/s for so many seconds; it paces what else the test does."""

    def __init__(self, server, client, address, seconds):
        self.address = address
        self.receiver = Process()
        self.receiver.launch(server.words("iperf3", "--server", "--one-off", "--bind", address))
        cases.eventually(lambda: address in server.run("ss", "-Hltn", "sport = :5201")[1], "iperf3 listens")
        self.sender = Process()
        self.sender.launch(client.words("iperf3", "--client", address, "--time", seconds, "--bitrate", "20M", "--json"))

    def runs(self):
        return self.sender.running()

    def megabytes(self):
        """What has arrived; fails if the stream broke."""
        self.sender.child.wait(120)
        try:
            result = json.loads(self.sender.log())
        except ValueError:
            result = {"error": self.sender.log()}
        cases.expect("error" not in result, f"iperf3 to {self.address}: {result.get('error')}")
        return result["end"]["sum_received"]["bytes"] / 1e6

    def close(self):
        self.sender.close()
        self.receiver.close()


SSHD = """\
Port 22
ListenAddress {address}
HostKey {home}/host_key
AuthorizedKeysFile {home}/key.pub
PidFile {home}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
"""


class Ssh(threading.Thread):
    """One session, over which blocks go and come back (`cat`) until whole() is asked."""

    BLOCK = 16384

    def __init__(self, server, client, address):
        super().__init__(daemon=True)
        self.temporary = tempfile.TemporaryDirectory(prefix="skua-ssh-")
        self.home = pathlib.Path(self.temporary.name)
        self.ending = threading.Event()
        self.sent, self.returned = hashlib.sha256(), hashlib.sha256()
        self.octets = 0
        for key in ("host_key", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.home / key)], check=True)
        (self.home / "config").write_text(SSHD.format(address=address, home=self.home))
        self.daemon_process = Process()
        # `ip netns exec` gives it mounts of its own: there it gets the folder that Debian's service would have made.
        self.daemon_process.launch(server.words("sh", "-c", "mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec \"$@\"", "sh",
                                                "/usr/sbin/sshd", "-D", "-e", "-f", self.home / "config"))
        self.daemon_process.wait_ready(lambda: ":22" in server.run("ss", "-Hltn", "sport = :22")[1])
        self.session = subprocess.Popen(
            client.words("ssh", "-F", "none", "-T", "-i", self.home / "key", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no",
                         "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"root@{address}", "cat"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.start()

    def run(self):
        """A block there and back, 20 times a second at most."""
        while not self.ending.is_set():
            block = os.urandom(self.BLOCK)
            try:
                self.session.stdin.write(block)
                self.session.stdin.flush()
            except OSError:
                return  # whole() says why
            self.sent.update(block)
            self.returned.update(self.session.stdout.read(self.BLOCK))
            self.octets += self.BLOCK
            time.sleep(0.05)

    def whole(self):
        """Ends the session; returns how many megabytes went there and came back."""
        self.ending.set()
        self.join(120)
        cases.expect(not self.is_alive(), "the SSH session hangs")
        try:
            self.session.stdin.close()
        except OSError:
            pass
        self.returned.update(self.session.stdout.read())
        code = self.session.wait(60)
        cases.expect(code == 0, f"ssh ended with {code}: {self.session.stderr.read().decode(errors='replace')}\n{self.daemon_process.log()}")
        cases.expect(self.octets > 0 and self.sent.digest() == self.returned.digest(), "what came back over SSH is not what was sent")
        return self.octets / 1e6

    def close(self):
        self.ending.set()
        if self.session.poll() is None:
            self.session.kill()
        self.session.wait()
        self.daemon_process.close()
        self.temporary.cleanup()
