"""machine: boots one guest for a test file, runs the cases of that file in it, and shows its console if one of them fails.

    guest = machine.Machine("cards", [Card("virtio")])
    @case("…")
    def …(): guest.run(…)
    guest.main()
"""

import atexit
import os
import pathlib
import shutil
import sys
import tempfile
import time

import bgp
import cases
import initramfs
import kernel
from guest import Guest
from skua import build_folder

CONSOLE_LINES = 80  # shown of the console when a case fails
ZONE = ("$TTL 60\n@ IN SOA ns hostmaster 1 3600 900 604800 60\n@ IN NS ns\nns IN A 192.0.2.53\n"
        "www IN A 192.0.2.1\n IN AAAA 2001:db8::1\n" + "".join(f"big IN TXT \"{i:03d}{'x' * 200}\"\n" for i in range(20)))
ZONE_FILE = "/etc/skua/x.test.zone"


def cache():
    """Where the unpacked kernel and the consoles stay: beside what was built."""
    return build_folder() / "qemu"


class Machine(Guest):
    """A guest that boots when the cases begin. name: of its console's file; files(folder): makes more files for the guest."""

    def __init__(self, name, cards, files=None, **options):
        if os.geteuid() != 0:
            print("skip qemu: taps and network namespaces need root\n0 passed, 0 failed, 1 skipped")
            sys.exit(0)
        self.files = files or (lambda folder: {})
        self.temporary = tempfile.mkdtemp(prefix="skua-qemu-")
        atexit.register(shutil.rmtree, self.temporary, True)
        super().__init__(None, None, cards, cache() / f"{name}.console", **options)

    def boot(self):
        self.console.unlink(missing_ok=True)
        if not shutil.which("qemu-system-x86_64"):
            raise initramfs.Incomplete("qemu-system-x86_64 is not there: scripts/setup --qemu installs it")
        self.kernel = kernel.fetch(cache() / "kernel")
        self.initrd = initramfs.build(self.temporary, self.kernel, build_folder(),
                                      {ZONE_FILE: ZONE, bgp.GUEST_FILE: bgp.guest_configuration(self.cards),
                                       **self.files(pathlib.Path(self.temporary))})
        super().boot()

    def main(self):
        began = time.monotonic()
        try:
            self.__enter__()
        except Exception as reason:  # whatever it was: one failure, with its reason and the console
            print(f"FAIL boot: {reason}")
            self.show_console()
            print("0 passed, 1 failed, 0 skipped")
            sys.exit(1)
        print(f"   the guest is up after {time.monotonic() - began:.0f} s", flush=True)
        try:
            cases.main()
        except SystemExit as end:
            if end.code:
                self.show_console(sys.stderr)
            raise
        finally:
            self.close()

    def show_console(self, out=sys.stdout):
        if self.console.exists():
            lines = self.said().splitlines()[-CONSOLE_LINES:]
            print(f"   the guest's console ({self.console}):\n" + "\n".join(f"   | {line}" for line in lines), file=out, flush=True)
