"""figure: what the files in figures/ share: subjects in turns, the sweep of rates, and programs whose output is key=value.

A figure is a module with NAME, TITLE, SECONDS (its part of the time, by scale), WHAT (what is measured, for the reader), and
measure(bench), which yields Sample and Failure as they come."""
import subprocess

import process
import subjects
from results import Failure, Sample


class Failed(Exception):
    """A program did not do what it should; says which and what it wrote."""


EXPECTED = (Failed, subjects.Missing, process.StartFailed, subprocess.TimeoutExpired, subprocess.CalledProcessError)


def run(words, seconds):
    """The output of a program that has to end in `seconds` with status 0."""
    words = [str(word) for word in words]
    try:
        done = subprocess.run(words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds,
                              check=False)
    except FileNotFoundError as error:
        raise subjects.Missing(f"{words[0]} is not there") from error
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}: exit status {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


def fields(line):
    """{key: number or word} of a line of key=value."""
    def value(text):
        try:
            return float(text)
        except ValueError:
            return text
    return {key: value(text) for key, _, text in (word.partition("=") for word in line.split() if "=" in word)}


def in_turns(bench, rounds, names, measure):
    """measure(subject name, what to show) yields samples; one that fails is left out from then on, and said once."""
    failed = set()
    for _, text in bench.rounds(rounds):
        for name in names:
            if name in failed:
                continue
            try:
                yield from measure(name, f"{name}, {text}")
            except EXPECTED as error:
                failed.add(name)
                yield Failure(bench.figure, name, str(error))


def needs_namespaces(bench, names):
    """Failures for all, if this is not root."""
    if bench.isolated:
        return []
    return [Failure(bench.figure, name, "needs root, for a network namespace of its own") for name in names]


def cost_samples(figure, server, meter, answered, case=""):
    """CPU of a server that answered so many. One that polls uses a core whether something comes or not: that is no cost of an answer."""
    yield Sample(figure, server.name, "cores used", (meter.user + meter.system) / meter.seconds, "cores", case)
    if not server.polls:
        yield Sample(figure, server.name, "CPU in user space", meter.user * 1e9 / max(answered, 1), "ns per answer", case)
        yield Sample(figure, server.name, "CPU in the kernel", meter.system * 1e9 / max(answered, 1), "ns per answer", case)
