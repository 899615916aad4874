"""results: samples of all figures, and what is said of them: median, spread, number.

A sample is one measurement of one subject. Rounds are apart in time, and subjects take turns in them, so that the spread
shows what else the machine did. Latencies are kept as histograms too; those of one subject and case are added up."""
import dataclasses
import math
import statistics


@dataclasses.dataclass
class Sample:
    figure: str
    subject: str
    measure: str  # what; a subject's samples of one measure and case are repetitions
    value: float
    unit: str
    case: str = ""  # of what: a zone size, a kind of question, an offered rate
    histogram: dict = None  # {upper bound in ns: count}, for a latency


@dataclasses.dataclass
class Failure:
    figure: str
    subject: str
    reason: str


def quantile(histogram, part):
    """The largest value of the bucket in which the fraction `part` of all is reached."""
    wanted, seen = part * sum(histogram.values()), 0
    for value in sorted(histogram):
        seen += histogram[value]
        if seen >= wanted:
            return value
    return math.nan


class Line:
    """All samples of one (figure, subject, case, measure)."""

    def __init__(self, sample):
        self.figure, self.subject, self.case, self.measure, self.unit = (
            sample.figure, sample.subject, sample.case, sample.measure, sample.unit)
        self.values, self.histogram = [], {}

    def add(self, sample):
        self.values.append(sample.value)
        for value, count in (sample.histogram or {}).items():
            self.histogram[value] = self.histogram.get(value, 0) + count

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def spread(self):
        """Largest less smallest, as a part of the median."""
        return (max(self.values) - min(self.values)) / self.median if self.median else 0.0

    def as_dict(self):
        out = {"figure": self.figure, "subject": self.subject, "case": self.case, "measure": self.measure, "unit": self.unit,
               "median": self.median, "spread": self.spread, "values": self.values}
        if self.histogram:
            out["histogram_ns"] = {str(value): self.histogram[value] for value in sorted(self.histogram)}
        return out


class Results:
    def __init__(self):
        self.lines = {}  # in the order in which they came
        self.failures = []

    def add(self, item):
        if isinstance(item, Failure):
            self.failures.append(item)
            return
        key = (item.figure, item.subject, item.case, item.measure)
        if key not in self.lines:
            self.lines[key] = Line(item)
        self.lines[key].add(item)

    def of(self, figure):
        return [line for line in self.lines.values() if line.figure == figure]

    def median(self, figure, subject, measure, case=""):
        """None if it was not measured."""
        line = self.lines.get((figure, subject, case, measure))
        return line.median if line else None

    def cases(self, figure, subject, measure):
        return {line.case: line.median for line in self.of(figure) if (line.subject, line.measure) == (subject, measure)}

    def as_list(self):
        return [line.as_dict() for line in self.lines.values()]
