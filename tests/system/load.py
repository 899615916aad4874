"""load: as many queries as are answered, from one host (hosts.py), each answer checked: bench/udp_generator."""

import select
import subprocess
import sys

import cases
from skua import SOURCES, build_folder

sys.path.append(str(SOURCES / "bench"))
from make_zone import ORIGIN, write_zone  # noqa: E402

NAMES = 1000


def write_load_zone(folder):
    path = folder / (ORIGIN + "zone")
    with open(path, "w", encoding="ascii") as file:
        write_zone(file, NAMES)
    return path


class Load:
    """seconds only ends a test that hangs."""

    def __init__(self, host, *addresses, window=64, seconds=1200):
        program = build_folder() / "bench" / "udp_generator"
        self.child = subprocess.Popen(
            host.words(program, "--names", NAMES, "--window", window, "--seconds", seconds, *addresses),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def tell(self, word):
        self.child.stdin.write(word + "\n")
        self.child.stdin.flush()
        cases.expect(select.select([self.child.stdout], [], [], 120)[0], f"no word from the generator on {word}")
        return self.child.stdout.readline()

    @staticmethod
    def parse(line):
        cases.expect("=" in line, "the generator has ended")
        return {key: float(value) for key, value in (word.split("=") for word in line.split())}

    def tally(self):
        return self.parse(self.tell("tally"))

    def milliseconds_to_answer(self):
        """Until a query that is sent from now on is answered right."""
        line = self.tell("mark")
        cases.expect(line.startswith("back "), "the generator has ended")
        return float(line.split()[1])

    def end(self):
        """The tally of all; fails if an answer was wrong."""
        line = self.child.communicate(timeout=60)[0].splitlines()[-1]
        total = self.parse(line)
        cases.expect(total["answered"] > 0 and total["wrong"] == 0, f"wrong answers, or none: {line}")
        return total

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()
