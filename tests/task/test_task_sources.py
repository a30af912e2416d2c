"""Which files make up a task."""

from __future__ import annotations

import hashlib
from pathlib import Path

from staycourse.task.sources import copy_sources, local_modules


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "task.py"


def test_imports_are_followed_however_they_are_written(tmp_path: Path) -> None:
    task = tree(
        tmp_path,
        {
            "task.py": "import torch, helper\nimport pkg.deep.net as n\nfrom lib import part\n"
            "def f():\n    import late\n",
            "helper.py": "from other import x\n",
            "other.py": "x = 1\n",
            "late.py": "import importlib\nimportlib.import_module('named')\n"
            "importlib.import_module('.third', 'pkg')\n"
            "importlib.import_module('.fourth', package='pkg')\n",
            "named.py": "",
            "pkg/third.py": "",
            "pkg/fourth.py": "",
            "pkg/__init__.py": "from .first import a\n",
            "pkg/first.py": "from . import second\n",
            "pkg/second.py": "from .. import nowhere\n",
            "pkg/unused.py": "",
            "pkg/deep/__init__.py": "",
            "pkg/deep/net.py": "from ..sibling import b\nfrom ...outside import c\n",
            "pkg/sibling.py": "b = 2\n",
            "lib/part.py": "",
            "lib/unused.py": "",
            "unused.py": "",
        },
    )
    assert set(local_modules(task)) == {
        "task.py", "helper.py", "other.py", "late.py", "named.py", "lib/part.py", "pkg/__init__.py",
        "pkg/first.py", "pkg/second.py", "pkg/deep/__init__.py", "pkg/deep/net.py", "pkg/sibling.py",
        "pkg/third.py", "pkg/fourth.py",
    }  # fmt: skip


def test_circles_and_broken_files_end_the_walk(tmp_path: Path) -> None:
    task = tree(tmp_path, {"task.py": "import a\n", "a.py": "import task, b\n", "b.py": "def broken(:\n"})
    assert set(local_modules(task)) == {"task.py", "a.py", "b.py"}


def test_the_copy_keeps_layout_and_content(tmp_path: Path) -> None:
    task = tree(
        tmp_path / "from", {"task.py": "import pkg.net\n", "pkg/__init__.py": "", "pkg/net.py": "y = 'ä'\n"}
    )
    hashes = copy_sources(task, tmp_path / "to")
    assert set(hashes) == {"task.py", "pkg/__init__.py", "pkg/net.py"}
    for name, sha in hashes.items():
        assert hashlib.sha256((tmp_path / "to" / name).read_bytes()).hexdigest() == sha
        assert (tmp_path / "to" / name).read_bytes() == (tmp_path / "from" / name).read_bytes()
    assert sorted(p.name for p in (tmp_path / "to").rglob("*.py")) == ["__init__.py", "net.py", "task.py"]
