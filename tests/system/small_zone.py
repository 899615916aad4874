"""small_zone: a zone for tests that are about the way of the packets, not about the answers."""

import pathlib
import tempfile

ORIGIN = "x.test"
HEAD = "$TTL 60\n@ IN SOA ns hostmaster 1 3600 900 604800 60\n@ IN NS ns\nns IN A 192.0.2.53\n"


class Zone:
    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="skua-zone-")
        path = pathlib.Path(self.temporary.name, ORIGIN + ".zone")
        big = "".join(f"big IN TXT \"{i:03d}{'x' * 200}\"\n" for i in range(20))
        middling = "".join(f"middling IN TXT \"{i:03d}{'x' * 200}\"\n" for i in range(4))  # 900 octets
        path.write_text(HEAD + "www IN A 192.0.2.1\n IN AAAA 2001:db8::1\n" + big + middling)
        return path

    def __exit__(self, *unused):
        self.temporary.cleanup()
