"""plots: one SVG for a figure, drawn with Debian's python3-matplotlib; the same results give the same file."""
import os

COLOURS = ("#0b6e99", "#d9730d", "#448361", "#9065b0", "#c14c8a", "#787774")


def begin(title, xlabel, ylabel):
    import matplotlib  # here: without it there are tables and JSON all the same
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "skua", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    from matplotlib import pyplot
    picture, axes = pyplot.subplots(figsize=(7.5, 4.2))
    axes.set_title(title)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(True, alpha=0.3)
    return picture, axes


def end(folder, name, picture):
    from matplotlib import pyplot
    picture.tight_layout()
    picture.savefig(os.path.join(folder, name), metadata={"Date": None})
    pyplot.close(picture)
    return name


def subjects_of(lines):
    return list(dict.fromkeys(line.subject for line in lines))


def bars(folder, figure, lines, name):
    """The medians of one measure: groups are cases, bars subjects, whiskers smallest and largest."""
    cases, names = list(dict.fromkeys(line.case for line in lines)), subjects_of(lines)
    picture, axes = begin(figure.TITLE, "", f"{lines[0].measure} ({lines[0].unit})")
    width = 0.8 / len(names)
    for index, subject in enumerate(names):
        mine = [line for line in lines if line.subject == subject]
        at = [cases.index(line.case) + width * (index - (len(names) - 1) / 2) for line in mine]
        median = [line.median for line in mine]
        error = [[line.median - min(line.values) for line in mine], [max(line.values) - line.median for line in mine]]
        axes.bar(at, median, width * 0.9, yerr=error, capsize=2, label=subject, color=COLOURS[index % len(COLOURS)], error_kw={"alpha": 0.6})
    axes.set_xticks(range(len(cases)), cases, rotation=20 if len(cases) > 3 else 0)
    axes.legend()
    return end(folder, name, picture)


def sweep(folder, figure, lines, name):
    """Part answered by offered rate."""
    picture, axes = begin(figure.TITLE, "offered queries/s", "answered, %")
    for index, subject in enumerate(subjects_of(lines)):
        points = sorted((float(line.case), line.median) for line in lines if line.subject == subject)
        axes.plot(*zip(*points), marker="o", markersize=3, label=subject, color=COLOURS[index % len(COLOURS)])
    axes.axhline(99.9, linestyle=":", color="#787774")
    axes.set_ylim(bottom=min(90, axes.get_ylim()[0]))
    axes.legend()
    return end(folder, name, picture)


def latency(folder, figure, lines, name):
    """Latency by percentile, both in logarithms, from the histograms of all rounds together."""
    picture, axes = begin(f"{figure.TITLE}: {lines[0].case}", "percentile", "microseconds")
    for index, line in enumerate(lines):
        total, seen, x, y = sum(line.histogram.values()), 0, [], []
        for value in sorted(line.histogram):
            seen += line.histogram[value]
            if seen < total:
                x.append(total / (total - seen))
                y.append(value / 1000)
        axes.plot(x, y, label=line.subject, color=COLOURS[index % len(COLOURS)])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([1, 2, 10, 100, 1000, 10000], ["0", "50", "90", "99", "99.9", "99.99"])
    axes.set_xlim(1, 20000)
    axes.legend()
    return end(folder, name, picture)


def draw_figure(folder, figure, results):
    lines = results.of(figure.NAME)
    swept = [line for line in lines if line.measure == "answered of offered"]
    timed = [line for line in lines if line.histogram]
    if swept:
        yield sweep(folder, figure, swept, f"{figure.NAME}.svg")
    for case in dict.fromkeys(line.case for line in timed):
        yield latency(folder, figure, [line for line in timed if line.case == case], f"{figure.NAME}-{case.replace(' ', '-')}.svg")
    if hasattr(figure, "plotted"):
        chosen = list(figure.plotted(results))
        if chosen:
            yield bars(folder, figure, chosen, f"{figure.NAME}.svg")
    for number, measure in enumerate(getattr(figure, "DRAWN", ())):
        chosen = [line for line in lines if line.measure == measure]
        if chosen:
            yield bars(folder, figure, chosen, f"{figure.NAME}-{number + 1}.svg")


def draw(folder, figures, results):
    """{figure: names of files}"""
    return {figure.NAME: list(draw_figure(folder, figure, results)) for figure in figures}
