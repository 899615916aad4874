"""huge_pages: a hugetlbfs mount for the time of a test."""

import os
import pathlib
import subprocess
import tempfile

import cases

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
