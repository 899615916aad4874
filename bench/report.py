"""report: tables in Markdown, results.json and the plots, from the results of a run."""
import json
import os
import sys

import plots
import subjects
import targets

QUIET = 0.5  # load average before the run from which on the machine counts as in use


def number(value):
    if value is None:
        return ""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def cell(line):
    if line is None:
        return ""
    spread = f" ±{50 * line.spread:.0f} %" if len(line.values) > 1 else ""
    return number(line.median) + spread


def table(head, rows):
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(out + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def title_of(subject):
    found = subjects.ALL.get(subject)
    return found.title if found else {"echo": "echo"}.get(subject, subject)


def ordered(values):
    return list(dict.fromkeys(values))


def figure_table(figure, results):
    """Rows are measures and cases, columns subjects; a figure may leave measures to its plot (ONLY_PLOTTED)."""
    lines = [line for line in results.of(figure.NAME) if line.measure not in getattr(figure, "ONLY_PLOTTED", ())]
    columns = ordered(line.subject for line in lines)
    rows = ordered((line.measure, line.case, line.unit) for line in lines)
    at = {(line.measure, line.case, line.subject): line for line in lines}
    body = [[f"{measure}, {case}" if case else measure, unit, *(cell(at.get((measure, case, subject))) for subject in columns)]
            for measure, case, unit in rows]
    return table(["what", "unit", *map(title_of, columns)], body) if body else "Not measured.\n"


def targets_table(results):
    words = {True: "yes", False: "no", None: "not measured"}
    return table(["target", "wanted", "measured", "reached"],
                 [[target.text, ("at least " if target.at_least else "at most ") + number(target.limit), number(target.value), words[target.reached]]
                  for target in targets.judge(results)])


def machine_text(machine):
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    busy = "" if machine["load_before"] < QUIET else (
        f"\n**The machine was in use** (load average {machine['load_before']:.1f} before the run): read nothing into these figures but the ratios, if that.\n")
    away = machine["stalls"]
    stalls = (f" A program that only watched the clock on the server's core, before the run, was kept from it for {away['share']:.2g} % of the time, at most "
              f"{away['longest_us'] / 1000:.2g} ms at once: tails of latency up to that are the machine's, whoever the server is.\n")
    scale = "" if machine["scale"] == "full" else f", `--{machine['scale']}`"
    return (f"Measured {machine['started']} at revision {machine['revision']}{scale}: {machine['processor']}, {machine['cores']} cores, "
            f"{machine['memory_mib']:,} MiB, Linux {machine['kernel']}; {versions}.{stalls}{busy}")


def figure_text(figure, results, drawn):
    out = f"## {figure.TITLE}\n\n`scripts/bench {figure.NAME}`. {figure.WHAT}\n\n"
    out += figure.table(results) if hasattr(figure, "table") else figure_table(figure, results)
    for failure in (each for each in results.failures if each.figure == figure.NAME):
        reason = " ".join(failure.reason.split())
        out += f"\nNot measured: {title_of(failure.subject)}: {reason[:300]}\n"
    for name in drawn.get(figure.NAME, []):
        out += f"\n![{figure.TITLE}]({name})\n"
    return out + "\n"


def markdown(figures, results, machine, drawn):
    out = "# Figures\n\nWritten by `scripts/bench`; [more.md](more.md) has what it does not measure. " + machine_text(machine)
    out += ("\nEach figure is the median of its samples, and half of the difference between the largest and the smallest in per cent of it. Subjects take turns, round by "
            "round; the server has core 0, the generator core 1. Every value is in [results.json](results.json).\n\n")
    out += "## Targets\n\nRatios within this run.\n\n" + targets_table(results) + "\n"
    return out + "".join(figure_text(figure, results, drawn) for figure in figures).rstrip("\n") + "\n"


def write(folder, figures, results, machine):
    """README.md, results.json and *.svg of earlier runs are replaced."""
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith(".svg"):
            os.unlink(os.path.join(folder, name))
    try:
        drawn = plots.draw(folder, figures, results)
    except ImportError as error:
        drawn = {}
        print(f"bench: no plots: {error} (Debian: python3-matplotlib)", file=sys.stderr)
    with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as file:
        file.write(markdown(figures, results, machine, drawn))
    with open(os.path.join(folder, "results.json"), "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "targets": [target.as_dict() for target in targets.judge(results)], "results": results.as_list(),
                   "failures": [vars(failure) for failure in results.failures]}, file, indent=1)
        file.write("\n")
