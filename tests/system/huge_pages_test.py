"""huge_pages_test: the image on huge pages, where the host has some."""

import os
import pathlib
import subprocess
import tempfile

import cases
from cases import case, expect, expect_equal
from skua import SOURCES, Skua

RESERVE = pathlib.Path("/proc/sys/vm/nr_hugepages")
PAGES = 32


class HugePages:
    """A hugetlbfs mount with PAGES free pages of 2 MiB, for the time of the test."""

    def __enter__(self):
        if os.geteuid() != 0:
            raise cases.Skip("mounting hugetlbfs needs root")
        self.before = RESERVE.read_text()
        RESERVE.write_text(str(int(self.before) + PAGES))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skua-huge-"))
        subprocess.run(["mount", "-t", "hugetlbfs", "none", str(self.folder)], check=True)
        return self.folder

    def __exit__(self, *unused):
        subprocess.run(["umount", str(self.folder)], check=False)
        self.folder.rmdir()
        RESERVE.write_text(self.before)


@case("huge pages: the arena lies on them, answers are right, nothing stays")
def served():
    with HugePages() as folder:
        with Skua([SOURCES / "zones" / "examples"], "--huge-pages", folder) as server:
            reply = server.query_udp("pcrf.epc.mnc001.mcc001.3gppnetwork.org.", "A")
            expect_equal([item.to_text() for item in reply.answer[0]], ["192.0.2.41"], "the answer")
            expect(list(folder.iterdir()), "no arena on the huge pages")
            links = [path for path in server.runtime.glob("arena.*") if path.is_symlink()]
            expect(links, "the runtime directory does not point at the arena")
        expect(not list(folder.iterdir()), f"left on the huge pages: {list(folder.iterdir())}")


@case("huge pages: too few of them is said, with what to set")
def too_few():
    with HugePages() as folder:
        RESERVE.write_text("0")
        server = Skua([SOURCES / "zones" / "examples"], "--huge-pages", folder, start=False)
        try:
            server.launch(server.command())
            expect_equal(server.child.wait(30), 1, "exit code")
            expect("nr_hugepages" in server.log(), server.log())
        finally:
            server.close()


cases.main()
