"""One document: each of its snippets is run, or checked in a way that is said, or is wrong."""

import json
import re
from pathlib import Path

from markdown import MOCK, Snippet, Wrong, snippets
from mock import Mock, complaint
from programs import ROOT, Tools, play
from shell import Shell

PROGRAMS = ("js", "php", "python", "go", "java")
# The rest of a mark is `with FILE`.
MARKS = {"server", "gate", "ready line", "world", "continues", "proxy"}
PLAIN = "wechatpay-mock --ready-file ready.json --env-file mock.env --kit-dir kit" \
    " --merchant mch_id=10000098,key=exposed_your_key_here_have_risks,appid=wx8888888888888888"


def simple(command: str) -> str:
    """A command without what is beside the point: comments, quotes, how quiet it is, and how often."""
    command = re.sub(r"\s+#.*$", "", command.strip())
    command = re.sub(r'"?\$work/([\w.]+)"?', r"\1", command)
    command = re.sub(r" (--quiet|-q)(?= )", "", command)
    return re.sub(r"\d+", "N", re.sub(r"\s+", " ", command))


def keys(value: object) -> object:
    """The shape of a JSON value: its keys, at every depth."""
    if isinstance(value, dict):
        return {key: keys(inner) for key, inner in value.items()}
    return [keys(value[0])] if isinstance(value, list) and value else None


class Document:
    """Runs the snippets of a document in order. What is said of each goes to `say`."""

    def __init__(self, tools: Tools, name: str, say, label: str | None = None):
        self.tools, self.name, self.say = tools, name, say
        self.label = label or name.replace("/", "-")
        text = (ROOT / name).read_text(encoding="utf-8")
        self.snippets = snippets(text)
        for one in self.snippets:
            for mark in one.marks:
                if mark not in MARKS and not mark.startswith("with "):
                    raise Wrong(f"line {one.line}: the mark {mark!r} is not known")
        servers = [one.code for one in self.snippets if "server" in one.marks]
        flags = MOCK.search(text)
        self.start = servers[0] if servers else PLAIN + (f" {flags[1]}" if flags else "")
        self.mock = self.shell = None
        self.counts: dict[str, int] = {}

    def told(self, one: Snippet, kind: str, what: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.say(f"  {one.line:4} {one.language}: {kind}: {what}")

    def folder(self, label: str) -> Path:
        return self.tools.folder(f"{self.label}-{label}")

    def serving(self) -> Mock:
        """The mock of this document's shell."""
        if not self.mock:
            self.mock = Mock(self.start, self.folder("shell"), self.tools.env)
        return self.mock

    def typing(self) -> Shell:
        if not self.shell:
            self.shell = Shell(self.serving().folder, self.tools.env)
        return self.shell

    def run(self) -> dict[str, int]:
        """How many snippets were run, and how many were checked in another way."""
        try:
            for position, one in enumerate(self.snippets):
                try:
                    self.one(position, one)
                except Wrong as wrong:
                    raise Wrong(f"{self.name}:{one.line}: the snippet in {one.language or 'no language'}: {wrong}") from None
        finally:
            for started in (self.shell, self.mock):
                if started:
                    started.stop()
        return self.counts

    def one(self, position: int, one: Snippet) -> None:
        if one.language == "rust":
            self.rust(one)
        elif one.flags:
            raise Wrong(f"the flags {one.flags} are known in Rust only")
        elif one.language == "json":
            self.json(one)
        elif "gate" in one.marks:
            self.gate(one)
        elif "server" in one.marks:
            self.told(one, "run", f"the mock is ready at {self.serving().ready['url']}")
        elif one.language == "sh":
            self.typing().run(one.code)
            wrong = [why for request in self.mock.arrived() if (why := complaint(request))]
            if wrong:
                raise Wrong("; ".join(wrong))
            self.told(one, "run", "in the document's shell")
        elif one.language in PROGRAMS:
            self.program(position, one)
        else:
            raise Wrong("nobody knows how to run this language")

    def program(self, position: int, one: Snippet) -> None:
        """Runs it with those that continue it, against a mock of its own."""
        if "continues" in one.marks:
            if not any(before.language == one.language for before in self.snippets[:position]):
                raise Wrong("there is nothing that it could continue")
            self.told(one, "run", "as the end of the program before it")
            return
        whole = [one]
        for later in self.snippets[position + 1 :]:
            if later.language == one.language:
                if "continues" not in later.marks:
                    break
                whole.append(later)
        folder = self.folder(f"{position}-{one.language}")
        mock = Mock(self.start, folder, self.tools.env)
        try:
            exported = self.shell.exported if self.shell else self.tools.env
            self.told(one, "run", play(self.tools, folder, mock, whole, exported))
        finally:
            mock.stop()

    def rust(self, one: Snippet) -> None:
        """`cargo test` runs them, as long as the mock's documentation includes this document."""
        if set(one.flags) - {"no_run"}:
            raise Wrong(f"the flags {one.flags} would keep `cargo test` from running it")
        if f'#[doc = include_str!("../../{self.name}")]' not in (ROOT / "mock-server/src/lib.rs").read_text(encoding="utf-8"):
            raise Wrong("mock-server/src/lib.rs does not include this document, so no test compiles it")
        if one.flags:
            self.told(one, "checked", "compiled by `cargo test`; it would call the real service")
        else:
            self.told(one, "by cargo test", "compiled and run as a documentation test of wechatpay-mock-server")

    def json(self, one: Snippet) -> None:
        try:
            value = json.loads(one.code)
        except ValueError as error:
            raise Wrong(f"this is no JSON: {error}") from None
        if one.marks == ["ready line"]:
            if keys(value) != keys(self.serving().ready):
                raise Wrong(f"the ready line has other keys: {self.serving().ready}")
            self.told(one, "checked", "the ready line has the same keys")
        elif one.marks == ["world"]:
            folder = self.folder(f"{one.line}-world")
            (folder / "world.json").write_text(one.code, encoding="utf-8")
            mock = Mock("wechatpay-mock --config world.json --kit-dir kit", folder, self.tools.env)
            try:
                begun = [merchant["mch_id"] for merchant in mock.ready["merchants"]]
            finally:
                mock.stop()
            if begun != [merchant["mch_id"] for merchant in value["merchants"]]:
                raise Wrong(f"the mock began with the merchants {begun}")
            self.told(one, "run", "a mock began with it")
        else:
            raise Wrong("a mark must say what this JSON is: `ready line` or `world`")

    def gate(self, one: Snippet) -> None:
        """Too long for here, or a part of its own: then .ci/run has the very same commands."""
        script = (ROOT / ".ci/run").read_text(encoding="utf-8").replace("\\\n", " ")
        commands = [simple(line) for line in script.splitlines()]
        for line in one.code.replace("\\\n", " ").splitlines():
            wanted = simple(line)
            if wanted and not wanted.startswith("#") and not any(command.startswith(wanted) for command in commands):
                raise Wrong(f"`.ci/run` has no `{wanted}`")
        self.told(one, "checked", "the same commands are parts of .ci/run, numbers aside")
