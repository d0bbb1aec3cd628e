"""What the README shows works as it is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from real_server import World

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)


def test_every_block_is_python() -> None:
    assert len(BLOCKS) >= 5
    for block in BLOCKS:
        compile(block, "README.md", "exec")


def test_the_start_has_ten_lines() -> None:
    assert len(BLOCKS[0].strip().splitlines()) <= 10


def test_the_start_runs(world: World) -> None:
    environment = {name: it for name, it in os.environ.items() if not name.startswith("ASSIZE_")}
    environment |= {
        "PYTHONPATH": str(ROOT / "src"),
        "ASSIZE_SERVER": world.server.target,
        "ASSIZE_KEY": world.key,
    }
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS[0]], env=environment, capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"recorded as entry \d+\n", done.stdout)


@pytest.mark.parametrize("place", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_links_lead_somewhere(place: str) -> None:
    assert (ROOT / place).exists()
