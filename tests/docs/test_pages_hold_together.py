"""Links lead somewhere, generated pages are current, and what pages name is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import ROOT, all_pages, blocks_of

LINK = re.compile(r"\[[^\]]*\]\((?!https?:)(?P<target>[^)\s]*)\)")
CODE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
KIND = re.compile(r'(?:Problem|SetDiagnostic)\(\s*"(?P<kind>[a-z_]+)"')
NAMED_TEST = re.compile(r"`(test_[a-z0-9_]+)`")
NAMED_PATH = re.compile(r"`((?:tests|benchmarks|tools)/[\w/.]+)`")
PAGES = pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))


def prose_of(page: Path) -> str:
    """A page without its code blocks."""
    return CODE.sub("", page.read_text(encoding="utf-8"))


def anchors_of(page: Path) -> set[str]:
    """The places of a page that a link may name, as the forges make them."""
    titles = [match["title"] for match in HEADING.finditer(prose_of(page))]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@PAGES
def test_every_link_leads_somewhere(page: Path) -> None:
    for match in LINK.finditer(prose_of(page)):
        place, _, anchor = match["target"].partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), match["target"]
        if anchor:
            assert anchor in anchors_of(target), match["target"]


def test_generated_pages_are_current() -> None:
    tool = ROOT / "tools/reference_pages.py"
    done = subprocess.run(
        [sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_error_and_lint_of_the_language_is_explained() -> None:
    sources = [*(ROOT / "src/sekisho/language").glob("*.py")]
    kinds = {m["kind"] for source in sources for m in KIND.finditer(source.read_text())}
    page = (ROOT / "docs/reference/rule-language.md").read_text(encoding="utf-8")
    assert len(kinds) > 30
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in page] == []


def test_what_decisions_on_record_name_as_their_check_exists() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for page in sorted((ROOT / "docs/decisions").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        assert "## Enforced by" in text, page.name
        for name in NAMED_TEST.findall(text):
            assert f"def {name}(" in tests, f"{page.name}: {name}"
        for path in NAMED_PATH.findall(text):
            assert (ROOT / path).exists(), f"{page.name}: {path}"


def test_both_readmes_show_the_same_commands_and_answers() -> None:
    english, japanese = (
        [(block.use, re.sub(r"  #.*", "", block.text)) for block in blocks_of(ROOT / name)[:-1]]
        for name in ("README.md", "README.ja.md")
    )
    assert english == japanese


def test_the_replay_shown_first_is_the_one_of_the_tutorial() -> None:
    tutorial = (ROOT / "docs/tutorial/2-replay-your-history.md").read_text(encoding="utf-8")
    shown = [block.text for block in blocks_of(ROOT / "README.md") if "precision" in block.text]
    assert len(shown) == 1
    for line in shown[0].splitlines():
        assert line.strip() in tutorial
