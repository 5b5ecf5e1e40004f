"""Checks what linters do not: sizes, front doors, reasons for suppressions, stray words."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_FILE = 500
MAX_FUNCTION = 60
FREE_TO_REACH_IN = {"entrypoints"}
FREE_TO_BE_REACHED = {"kit"}
# Split, so that this file does not contain what it looks for.
MACHINE = re.compile(
    "|".join(
        (
            r"pypi\." + "org",
            "python" + "hosted",
            r"registry\." + "npmjs",
            r"deb\." + r"debian\.org",
            r"/(work|root|home/[a-z]+)/" + r"[a-z.]",
        )
    )
)
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|raise NotImplemented" + "Error")
SUPPRESSION = re.compile(r"#\s*(noqa|pyright:|type:\s*ignore)(?P<rest>.*)")


def tracked() -> list[Path]:
    """Every file that git knows or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\n") if name and (ROOT / name).is_file()]


def text_problems(path: Path, text: str) -> Iterator[str]:
    """Lines that no file may have."""
    before = ""
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE.search(line):
            yield f"{path}:{number}: an address of a registry or a path of a machine"
        if path.suffix == ".py":
            if UNFINISHED.search(line):
                yield f"{path}:{number}: unfinished work"
            found = SUPPRESSION.search(line)
            explained = re.search(r"—|basic|strict", found["rest"]) if found else None
            if found and not explained and not before.startswith("#"):
                yield f"{path}:{number}: a suppression needs its reason: `# noqa: X — why`"
        before = line


def source_problems(path: Path, text: str) -> Iterator[str]:
    """Sizes, docstrings and deep imports of a source file."""
    tree = ast.parse(text)
    lines = text.count("\n")
    if lines > MAX_FILE:
        yield f"{path}: {lines} lines, at most {MAX_FILE}"
    if not ast.get_docstring(tree):
        yield f"{path}:1: a module opens with one line that says what it is"
    package = path.relative_to(ROOT / "src/sekisho").parts[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > MAX_FUNCTION:
                yield f"{path}:{node.lineno}: {node.name} has {size} lines, at most {MAX_FUNCTION}"
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from deep_import(path, package, node.lineno, node.module)


def deep_import(path: Path, package: str, line: int, module: str) -> Iterator[str]:
    """Packages are entered by their front door only."""
    parts = module.split(".")
    if parts[0] != "sekisho" or len(parts) <= 2:  # noqa: PLR2004 — sekisho.<package> is the front door
        return
    if parts[1] not in {package, *FREE_TO_BE_REACHED} and package not in FREE_TO_REACH_IN:
        yield f"{path}:{line}: import from `sekisho.{parts[1]}`, not from inside it"


def main() -> int:
    """Print every problem; 1 when there is one."""
    problems: list[str] = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        problems += text_problems(path, text)
        if path.suffix == ".py" and path.is_relative_to(ROOT / "src/sekisho"):
            problems += source_problems(path, text)
    for problem in problems:
        print(problem.replace(f"{ROOT}/", ""))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
