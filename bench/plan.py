"""plan: how much is done, how long it may take, and the line that says how far it is.

Each figure has a budget of seconds; what one does not use, later ones have. A figure begins no round that would not end in
its time, judged by the longest so far, but always makes one."""
import os
import sys
import time

SCALES = {"full": 1800, "quick": 300, "smoke": 60}  # seconds for all


class TimeOver(Exception):
    """The time for all is over, and more: whatever runs ends."""


class Progress:
    """One line on standard error: rewritten on a terminal, else a line whenever something else runs."""

    def __init__(self, figures):
        self.figures, self.at, self.name, self.last = figures, 0, "", ""
        self.terminal = sys.stderr.isatty()

    def begin(self, name):
        self.at, self.name = self.at + 1, name

    def show(self, what, left):
        if what == self.last and not self.terminal:
            return
        self.last = what
        minutes = f"{left / 60:.0f} min" if left > 90 else f"{max(left, 0):.0f} s"
        line = f"[{self.at}/{self.figures}] {self.name}: {what}; at most {minutes} left"
        if self.terminal:
            width = os.get_terminal_size(sys.stderr.fileno()).columns
            sys.stderr.write("\r\x1b[K" + line[:max(width - 1, 20)])
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def end(self):
        if self.terminal:
            sys.stderr.write("\r\x1b[K")


class Bench:
    """What a figure is given: where the programs are, how much to do, and when to stop."""

    def __init__(self, scale, build, folder, isolated, figures):
        self.scale, self.build, self.folder, self.isolated = scale, build, folder, isolated
        self.end = time.monotonic() + SCALES[scale]
        self.progress = Progress(len(figures))
        self.budgets = {figure.NAME: figure.SECONDS[scale] for figure in figures}
        self.figure, self.deadline = None, 0.0
        self.shared = {}  # what one figure found and another needs: saturating rates

    def choose(self, full, quick, smoke):
        return {"full": full, "quick": quick, "smoke": smoke}[self.scale]

    def begin(self, figure):
        """Gives the figure its part of the time that is left, measured by the budgets of those that are still to come."""
        left = self.end - time.monotonic()
        part = self.budgets[figure.NAME] / max(sum(self.budgets.values()), 1)
        del self.budgets[figure.NAME]
        self.figure = figure.NAME
        self.deadline = time.monotonic() + left * part
        self.progress.begin(figure.NAME)

    def step(self, what):
        self.progress.show(what, self.end - time.monotonic())

    def left(self):
        """Seconds that the figure still has."""
        return self.deadline - time.monotonic()

    def rounds(self, most):
        longest = 0.0
        for number in range(1, most + 1):
            started = time.monotonic()
            if number > 1 and started + longest > self.deadline:
                return
            yield number, f"round {number} of {most}"
            longest = max(longest, time.monotonic() - started)
