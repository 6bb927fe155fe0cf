"""The results as JUnit XML, for continuous integration."""

from __future__ import annotations

from xml.etree import ElementTree

from ._runner import Run


def junit(runs: list[Run]) -> str:
    """Return one test suite for each backend, one test case for each check."""
    root = ElementTree.Element("testsuites")
    for run in runs:
        cells = list(run.results.values())
        failures = sum(cell.status in ("fail", "xpass") for cell in cells)
        skipped = sum(cell.status in ("n/a", "untested", "xfail") for cell in cells)
        counts = {"tests": str(len(cells)), "failures": str(failures), "skipped": str(skipped)}
        suite = ElementTree.SubElement(root, "testsuite", {"name": run.name, **counts})
        for cell in cells:
            case = ElementTree.SubElement(suite, "testcase", classname=f"{run.name}.{cell.id[:3]}", name=cell.id)
            if cell.status in ("fail", "xpass"):
                failure = ElementTree.SubElement(case, "failure", message=_printable(cell.message or cell.rule))
                failure.text = _printable("\n".join([cell.rule, cell.expected, cell.actual, *cell.trace]))
            elif cell.status != "pass":
                ElementTree.SubElement(case, "skipped", message=_printable(f"{cell.status}: {cell.message}"))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(char if char in "\n\t" or char.isprintable() else "?" for char in text)
