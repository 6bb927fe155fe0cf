"""The results as one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ._registry import AREAS, Level
from ._report import label
from ._runner import Result, Run

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --ok: #1a7f37; --bad: #cf222e; --soft: #9a6700; --dim: #8889; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1rem; margin: 2rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { position: sticky; top: 0; background: Canvas; }
td.cell { white-space: nowrap; width: 7rem; }
td.id { font-family: ui-monospace, monospace; white-space: nowrap; width: 5rem; }
td.level { width: 5rem; color: var(--dim); }
.pass { color: var(--ok); } .fail, .xpass { color: var(--bad); font-weight: 600; } .xfail { color: var(--soft); }
.na, .untested { color: var(--dim); }
details summary { cursor: pointer; } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; }
.cards { display: flex; gap: 1rem; flex-wrap: wrap; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1.2rem; }
.card b { font-size: 1.1rem; } .card small { color: var(--dim); display: block; }
label { margin-right: 1rem; }
body:has(#only:checked) tr.clean, body:has(#only:checked) section.clean { display: none; }
"""

_SHOWN = {"pass": "pass", "fail": "FAIL", "xfail": "expected", "xpass": "XPASS", "n/a": "n/a", "untested": "-"}


def html(runs: list[Run], suite_version: str) -> str:
    """Return the whole page."""
    return "\n".join(_page(runs, suite_version)) + "\n"


def _page(runs: list[Run], suite_version: str) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>asynchat conformance</title>'
    yield f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
    yield f"<h1>asynchat conformance, suite {escape(suite_version)}</h1><div class=cards>"
    for run in runs:
        counts = " &nbsp; ".join(f"{level.name} {'/'.join(map(str, run.counts(level)))}" for level in Level)
        place = f"Python {escape(run.python)}, {escape(run.platform)}"
        yield f"<div class=card><b>{escape(label(run))}</b><small>{place}</small>{counts}</div>"
    yield "</div><p><label><input type=checkbox id=only> only what is no pass</label></p>"
    for area in AREAS:
        ids = sorted({id for run in runs for id in run.results if id[:3] == area})
        if ids:
            yield from _area(runs, area, ids)
    yield "</body></html>"


def _area(runs: list[Run], area: str, ids: list[str]) -> Iterator[str]:
    clean = all(_is_clean(runs, id) for id in ids)
    yield f'<section class="{"clean" if clean else ""}"><h2>{area}</h2><table><thead><tr><th>id<th>level<th>rule'
    yield "".join(f"<th>{escape(run.name)}" for run in runs) + "</tr></thead><tbody>"
    for id in ids:
        cells = [run.results.get(id) for run in runs]
        known = next(cell for cell in cells if cell is not None)
        yield f'<tr class="{"clean" if _is_clean(runs, id) else ""}"><td class=id>{id}<td class=level>{known.level}'
        yield f"<td>{escape(known.rule)}" + "".join(_cell(run, cell) for run, cell in zip(runs, cells, strict=True))
    yield "</tbody></table></section>"


def _is_clean(runs: list[Run], id: str) -> bool:
    return all(run.results[id].status == "pass" for run in runs if id in run.results)


def _cell(run: Run, cell: Result | None) -> str:
    if cell is None:
        return "<td>"
    shown = f'<span class="{cell.status.replace("/", "")}">{_SHOWN[cell.status]}</span>'
    if not cell.message:
        return f"<td class=cell>{shown}"
    facts = [cell.message]
    if cell.expected or cell.actual:
        facts += [f"expected  {cell.expected}", f"actual    {cell.actual}"]
    if cell.status in ("fail", "xpass"):
        facts.append(f"repeat    {run.command(cell)}")
    return f"<td><details><summary>{shown}</summary><pre>{escape(chr(10).join(facts))}</pre></details>"
