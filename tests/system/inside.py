"""inside: Skua in the server namespace of a link (namespace.py), and who asks it."""

from small_zone import ORIGIN
from skua import Skua


class Within(Skua):
    """Skua in the server namespace of a link, on what its back end takes there, or the caller says."""

    def __init__(self, link, zones, *options, start=True):
        self.link = link
        super().__init__(zones, *options, start=start)

    def listen_options(self):
        return []

    def command(self):
        return ["ip", "netns", "exec", self.link.server, *super().command()]


class Inside(Within):
    """With AF_XDP on the link's interface."""

    def __init__(self, link, zones, *options, start=True):
        io = () if "--io" in options else ("--io", "af_xdp:dns0")
        super().__init__(link, zones, *io, *options, start=start)

    def start(self):
        self.launch(self.command())
        self.wait_ready(lambda: "NOERROR" in ask(self.link, "ns." + ORIGIN, "A", "+timeout=1", "+retry=0"))


def ask(link, name, kind, *options, server="198.18.0.1"):
    return link.on_client("kdig", f"@{server}", name, kind, *options)[1]
