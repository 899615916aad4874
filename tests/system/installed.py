"""installed: what `meson install` puts where, in a temporary folder; and that folder as the root file system of a container."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import cases
from skua import build_folder

# glibc looks users up by these, whatever nsswitch.conf says.
MORE_LIBRARIES = ("/lib/x86_64-linux-gnu/libnss_files.so.2", "/lib/aarch64-linux-gnu/libnss_files.so.2")


class Installed:
    """with Installed() as root: … root is the folder that stands for `/`."""

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="skua-root-")
        done = subprocess.run(["meson", "install", "-C", str(build_folder()), "--no-rebuild", "--destdir", self.temporary.name],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
        if done.returncode != 0:
            raise cases.Failure(f"meson install: {done.stdout[-1000:]}")
        os.chmod(self.temporary.name, 0o755)
        return pathlib.Path(self.temporary.name)

    def __exit__(self, *unused):
        self.temporary.cleanup()


def prefix(root):
    """The installation's prefix below root: /usr/local, if the build was told no other."""
    options = json.loads((build_folder() / "meson-info" / "intro-buildoptions.json").read_text())
    return root / next(option["value"] for option in options if option["name"] == "prefix").lstrip("/")


def make_root(root, users):
    """Libraries, users ("name:id" by name) and empty folders, as an image has them."""
    for name in ("proc", "sys", "dev", "tmp", "run/skua", "var/lib/skua", "etc/skua"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n" +
                                     "".join(f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n" for name, number in users.items()))
    (root / "etc/group").write_text("root:x:0:\n" + "".join(f"{name}:x:{number}:\n" for name, number in users.items()))
    wanted = {path for path in map(pathlib.Path, MORE_LIBRARIES) if path.exists()}
    for program in sorted((prefix(root) / "bin").iterdir()):
        output = subprocess.run(["ldd", str(program)], stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
        wanted.update(pathlib.Path(path) for path in re.findall(r"(?:=> |^\t)(/\S+) \(", output, re.M))
    for path in wanted:
        target = root / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path.resolve(), target)
