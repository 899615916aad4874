"""inside: Skua with AF_XDP in the server namespace of a link (namespace.py), and who asks it."""

from small_zone import ORIGIN
from skua import Skua


class Inside(Skua):
    """Skua in the server namespace of a link, on the link's interface."""

    def __init__(self, link, zones, *options, start=True):
        self.link = link
        io = () if "--io" in options else ("--io", "af_xdp:dns0")
        super().__init__(zones, *io, *options, start=start)

    def command(self):
        words = super().command()
        at = words.index("--listen")
        return ["ip", "netns", "exec", self.link.server, *words[:at], *words[at + 2:]]

    def start(self):
        self.launch(self.command())
        self.wait_ready(lambda: "NOERROR" in ask(self.link, "ns." + ORIGIN, "A", "+timeout=1", "+retry=0"))


def ask(link, name, kind, *options, server="198.18.0.1"):
    return link.on_client("kdig", f"@{server}", name, kind, *options)[1]
