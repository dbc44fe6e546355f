"""What is read out of a Markdown file: its snippets with what the document says about running them, and its links."""

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^(`{3,}|~{3,})(.*)$")
MARK = re.compile(r"^<!-- run: (.+) -->$")
MOCK = re.compile(r"^<!-- mock: (.+) -->$", re.M)
LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s+(\S+)", re.M)


class Wrong(Exception):
    """A document is not as it should be."""


@dataclass
class Snippet:
    """What stands between two fences."""

    line: int
    language: str
    flags: list[str]
    code: str
    marks: list[str] = field(default_factory=list)

    def same(self) -> tuple:
        """What two snippets have in common that run alike."""
        return self.language, self.flags, self.code, self.marks


def snippets(text: str) -> list[Snippet]:
    """Every fenced block, in order. A fence that is not closed is wrong, and so is a mark that no fence follows."""
    found, marks, open_fence, open_snippet = [], None, "", None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if open_snippet:
            if fence and fence[1].startswith(open_fence) and not fence[2].strip():
                found.append(open_snippet)
                open_snippet = None
            else:
                open_snippet.code += line + "\n"
        elif fence:
            language, *flags = fence[2].strip().split(",")
            open_fence, open_snippet = fence[1], Snippet(number, language, flags, "", marks or [])
            marks = None
        elif marks is not None:
            raise Wrong(f"line {number}: a fence must follow what says how it is run")
        elif mark := MARK.match(line):
            marks = [word.strip() for word in mark[1].split(",")]
        elif re.match(r"^\s+(```|~~~)", line):
            raise Wrong(f"line {number}: a fence must begin at the start of its line, or it is overlooked")
    if open_snippet:
        raise Wrong(f"line {open_snippet.line}: the fence is not closed")
    if marks is not None:
        raise Wrong("the last mark has no fence")
    return found


def prose(text: str) -> str:
    """The text without its snippets and what stands in backticks, of the same number of lines."""
    out, inside = [], ""
    for line in text.splitlines():
        fence = FENCE.match(line)
        if fence and (not inside or fence[1].startswith(inside)):
            inside = "" if inside else fence[1]
            line = ""
        out.append("" if inside else re.sub(r"`[^`]*`", lambda code: "`" * len(code[0]), line))
    return "\n".join(out)


def anchors(text: str) -> set[str]:
    """What a link may name after `#`, as GitHub makes it from the headings."""
    made, inside = {}, ""
    for line in text.splitlines():
        fence = FENCE.match(line)
        if fence and (not inside or fence[1].startswith(inside)):
            inside = "" if inside else fence[1]
        heading = None if inside else re.match(r"^#{1,6}\s+(.*?)\s*#*$", line)
        if heading:
            kept = [c for c in heading[1].lower() if c in "-_ " or unicodedata.category(c)[0] in "LNM"]
            slug = "".join(kept).replace(" ", "-")
            made[slug] = made.get(slug, -1) + 1
            if made[slug]:
                made[f"{slug}-{made[slug]}"] = 0
    return set(made)


def links(root: Path, name: str) -> tuple[int, int]:
    """How many links of a document lead into the repository, each of which must exist, and how many out of it."""
    text = (root / name).read_text(encoding="utf-8")
    plain = prose(text)
    inside = outside = 0
    for match in LINK.finditer(plain):
        target = match[1] or match[2]
        where = f"{name}:{plain.count(chr(10), 0, match.start()) + 1}"
        if re.match(r"^[a-z][a-z+.-]*:", target):
            outside += 1
            continue
        path, _, anchor = target.partition("#")
        file = (root / name).parent / path if path else root / name
        if not file.exists() or not file.resolve().is_relative_to(root.resolve()):
            raise Wrong(f"{where}: {target} is not there")
        if anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            raise Wrong(f"{where}: {target}: there is no such heading")
        inside += 1
    return inside, outside
