"""bgp: FRR's bgpd in the guest and in the clients' namespace, which find each other over each card's subnet.

Neither talks to zebra: a session needs none, and each is one program. The guest's is AS 64501, the clients' 64500."""

import json
import pathlib
import subprocess
import tempfile

import process

GUEST_FILE = "/etc/frr/bgpd.conf"
BGPD, FOLDER = "/usr/lib/frr/bgpd", "/run/bgp"


def configuration(own, other, peers):
    lines = [f"router bgp {own}", f"bgp router-id 192.0.2.{own % 100 + 1}", "no bgp ebgp-requires-policy", "timers bgp 3 30"]
    for peer in peers:
        lines += [f"neighbor {peer} remote-as {other}", f"neighbor {peer} timers connect 2"]
    return "\n".join(lines) + "\n"


def guest_configuration(cards):
    return configuration(64501, 64500, [card.client4 for card in cards])


def command(configuration_file, folder):
    """In the foreground, with its terminal's socket in the folder."""
    return [BGPD, "-f", configuration_file, "-Z", "-S", "-P", "0", "-i", f"{folder}/bgpd.pid", "--vty_socket", folder, "--log", "stdout"]


def start_in(guest):
    guest.must(f"mkdir -p {FOLDER}; {' '.join(command(GUEST_FILE, FOLDER))} >/tmp/bgpd.log 2>&1 &")


class Speaker(process.Process):
    """The clients' bgpd, in their namespace."""

    name = "bgpd"

    def __init__(self, guest):
        super().__init__()
        self.guest = guest
        (self.folder / "bgpd.conf").write_text(configuration(64500, 64501, [card.address4 for card in guest.cards]))
        self.launch(["ip", "netns", "exec", guest.space, *command(self.folder / "bgpd.conf", self.folder)])

    def state(self, card):
        done = subprocess.run(["vtysh", "--vty_socket", str(self.folder), "-d", "bgpd", "-c", f"show bgp neighbors {card.address4} json"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=30,
                              check=False)
        start = done.stdout.find("{")
        return json.loads(done.stdout[start:])[card.address4]["bgpState"] if start >= 0 else "unknown"
