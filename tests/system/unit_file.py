"""unit_file: what a systemd unit with its drop-ins says, as far as a test can do it without systemd."""

import pathlib
import re
import shlex


class Unit:
    """Keys of [Service], each with its values in order; lists are joined, as systemd does."""

    def __init__(self, *paths):
        self.values = {}
        for path in paths:
            for line in pathlib.Path(path).read_text().splitlines():
                key, equals, value = line.partition("=")
                if equals and re.fullmatch(r"[A-Za-z]+", key):
                    self.values.setdefault(key, []).append(value)

    def one(self, key, default=""):
        return self.values.get(key, [default])[-1]

    def capabilities(self):
        """As CapabilityBoundingSet= names them, lower case without cap_."""
        return [word.lower().removeprefix("cap_") for value in self.values["CapabilityBoundingSet"] for word in value.split()]

    def limits(self):
        return ",".join(f"{key.removeprefix('Limit')}={values[-1]}" for key, values in self.values.items() if key.startswith("Limit"))

    def command(self, environment):
        """ExecStart= with $NAME replaced by its words; quotes within the value hold words together (systemd.service(5))."""
        words = []
        for word in shlex.split(self.one("ExecStart")):
            words.extend(shlex.split(environment[word[1:]]) if word.startswith("$") else [word])
        return words


def environment_file(path):
    """{name: value} of an EnvironmentFile=."""
    pairs = (line.partition("=") for line in pathlib.Path(path).read_text().splitlines() if re.match(r"[A-Z_]+=", line))
    return {name: " ".join(shlex.split(value)) for name, _, value in pairs}
