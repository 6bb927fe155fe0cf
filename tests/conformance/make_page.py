"""Make docs/conformance-matrix.md anew: ``python tests/conformance/make_page.py``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

_MARK = "<!-- made by the suite -->\n"


def main() -> None:
    """Run the suite on the backends and the reference, and put its table below the page's own text."""
    page = Path(__file__).parents[2] / "docs" / "conformance-matrix.md"
    head = page.read_text().partition(_MARK)[0]
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "matrix.md"
        backends = ["selectors", "uvloop", "asyncore", "asynchat_conformance.reference:Reference"]
        subprocess.run([sys.executable, "-m", "asynchat_conformance", *backends, f"--markdown={table}"], check=True)
        page.write_text(head + _MARK + table.read_text())


if __name__ == "__main__":
    main()
