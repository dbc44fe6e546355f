#!/usr/bin/env python3
"""The runner of the documents, tried on documents that are wrong in one way each: none may pass."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from document import Document  # noqa: E402
from markdown import Wrong, anchors, links, snippets  # noqa: E402
from programs import ROOT, Tools, mock_binary  # noqa: E402

UNSIGNED = """. ./mock.env
curl -sS --cacert "$WECHATPAY_MOCK_CA" --cert "$WECHATPAY_MOCK_CERT" --key "$WECHATPAY_MOCK_KEY_PEM" --data '<xml><sign>0</sign></xml>' "$WECHATPAY_MOCK_URL"""


def fence(language: str, code: str, mark: str = "") -> str:
    return (f"<!-- run: {mark} -->\n" if mark else "") + f"```{language}\n{code}\n```\n\n"


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.binary = mock_binary()

    def play(self, text: str) -> tuple[dict[str, int], list[str]]:
        """Runs a document of this text: the counts, and what was said."""
        said = []
        with tempfile.TemporaryDirectory(prefix="documents-") as work:
            (Path(work) / "page.md").write_text(text, encoding="utf-8")
            tools = Tools(Path(work), self.binary, sys.executable, None)
            document = Document(tools, f"{work}/page.md", said.append, label="page")
            return document.run(), said

    def wrong(self, text: str, why: str) -> None:
        with self.assertRaisesRegex(Wrong, why):
            self.play(text)

    def test_a_good_document_passes_and_its_shell_remembers(self):
        text = fence("sh", "A=1\nsay() { echo \"$A\" >said; }") + fence("sh", 'say\n[ "$(cat said)" = 1 ]')
        counts, said = self.play(text)
        self.assertEqual(counts, {"run": 2})
        self.assertEqual(len(said), 2)

    def test_a_command_that_fails(self):
        self.wrong(fence("sh", "echo before\nfalse\necho after"), "a command failed.*\nbefore\n$")
        self.wrong(fence("sh", "false | true"), "a command failed")
        self.wrong(fence("sh", "exit 0"), "a command failed")

    def test_an_admin_call_that_is_refused(self):
        guide = (ROOT / "docs/mock-server.md").read_text(encoding="utf-8")
        setup = next(one.code for one in snippets(guide) if one.code.startswith("ADMIN="))
        self.play(fence("sh", setup) + fence("sh", 'call "$ADMIN/clock"'))
        self.wrong(fence("sh", setup) + fence("sh", 'call -d "{}" "$ADMIN/clock/backwards"'), "a command failed")

    def test_a_request_that_the_mock_refuses(self):
        self.wrong(fence("sh", UNSIGNED + '/mmpaymkttransfers/sendredpack"'), "was refused: business PARAM_ERROR")

    def test_a_path_with_two_slashes(self):
        self.wrong(fence("sh", UNSIGNED + '//mmpaymkttransfers/sendredpack"'), "its path is //mmpaymkttransfers/sendredpack")

    def test_the_go_start_with_a_slash_too_many(self):
        guide = (ROOT / "docs/mock-server.md").read_text(encoding="utf-8")
        (go,) = [one.code for one in snippets(guide) if one.language == "go"]
        self.assertEqual(self.play(fence("go", go))[0], {"run": 1})
        slash = go.replace("client.BaseURL = mock.URL", 'client.BaseURL = mock.URL + "/"')
        self.assertNotEqual(go, slash)
        self.wrong(fence("go", slash), "StatusCode = 404")
        self.wrong(fence("go", slash.replace("log.Fatal(err)", "log.SetFlags(0)\n\t\treturn")), "its path is //mmpaymkttransfers/sendredpack")

    def test_programs_that_do_nothing_complain_or_print_another_number(self):
        self.wrong(fence("python", "print(1)"), "it sent nothing")
        self.wrong(fence("python", "import sys\nprint(1, file=sys.stderr)"), "it complains")
        self.wrong(fence("python", "raise SystemExit(3)"), "ended with 3")
        self.wrong(fence("php", "<?php require 'vendor/autoload.php'; echo $undefined;"), "Undefined variable")

    def test_what_nobody_knows_how_to_run(self):
        self.wrong(fence("ruby", "puts 1"), "page.md:1: the snippet in ruby: nobody knows")
        self.wrong(fence("", "text"), "the snippet in no language: nobody knows")
        self.wrong(fence("sh,ignore", "true"), "known in Rust only")
        self.wrong(fence("rust,ignore", "fn main() {}"), "would keep `cargo test` from running it")
        self.wrong(fence("rust", "fn main() {}"), "no test compiles it")
        self.wrong(fence("python", "print(1)", "continues"), "nothing that it could continue")
        self.wrong(fence("python", "print(1)", "with nobody.py"), "nobody.py is not there")

    def test_marks_and_fences_that_would_be_overlooked(self):
        self.wrong(fence("sh", "true", "never"), "the mark 'never' is not known")
        self.wrong("<!-- run: server -->\n\n```sh\ntrue\n```\n", "a fence must follow")
        self.wrong("```sh\ntrue\n", "line 1: the fence is not closed")
        self.wrong("* one\n  ```sh\n  true\n  ```\n", "must begin at the start of its line")

    def test_commands_that_the_gate_does_not_have(self):
        self.play(fence("sh", "cargo test --workspace   # all tests", "gate"))
        self.wrong(fence("sh", "cargo test --everything", "gate"), "has no `cargo test --everything`")

    def test_json_that_is_not_what_it_says(self):
        self.wrong(fence("json", "{"), "this is no JSON")
        self.wrong(fence("json", "{}"), "a mark must say")
        self.wrong(fence("json", '{"ready":true}', "ready line"), "has other keys")
        self.wrong(fence("json", '{"version":1,"merchants":[],"colour":1}', "world"), "no ready line")

    def test_links_that_lead_nowhere(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "a.md").write_text("# Exit codes, and more\n\n## 退出码\n\n## Same\n\n## Same\n", encoding="utf-8")
            good = "[a](a.md) [b](a.md#exit-codes-and-more) [c](a.md#退出码) [d](a.md#same-1) [e](#here) [f](https://example.com)\n\n# Here\n"
            (root / "b.md").write_text(good, encoding="utf-8")
            self.assertEqual(links(root, "b.md"), (5, 1))
            for bad in ["[a](c.md)", "[a](a.md#nowhere)", "[a](#nowhere)", "[a]: c.md", "[a](../../etc/passwd)", "![a](a.png)"]:
                (root / "b.md").write_text(f"text\n{bad}\n", encoding="utf-8")
                with self.assertRaisesRegex(Wrong, "b.md:2"):
                    links(root, "b.md")
            (root / "b.md").write_text("`[a](c.md)`\n\n```sh\n[a](c.md)\n```\n", encoding="utf-8")
            self.assertEqual(links(root, "b.md"), (0, 0))
        self.assertEqual(anchors("# A `b` & c\n"), {"a-b--c"})


unittest.main()
