"""The snippets that the mock's kit and its admin API hand out: run too, each with the kit's variables and a send behind it."""

import re
from pathlib import Path

from markdown import Snippet, Wrong
from mock import Mock, complaint
from programs import HERE, ROOT, Tools, play, run

FOLDER = "mock-server/src/kit/env/snippets"
LANGUAGES = {"mjs": "js", "php": "php", "py": "python", "go": "go", "java": "java", "sh": "sh"}
START = "wechatpay-mock --kit-dir kit --merchant mch_id=10000098,key=exposed_your_key_here_have_risks,appid=wx8888888888888888"


def variables(folder: Path, env: dict[str, str]) -> dict[str, str]:
    """What a shell has after reading the kit's env.sh."""
    read = run(["bash", "-ec", ". kit/env.sh; env -0"], folder, env).stdout
    return dict(pair.split("=", 1) for pair in read.split("\0") if "=" in pair)


def around(name: str, file: Path) -> str:
    """Something to put before or behind a snippet, where there is something."""
    part = HERE / "kit" / f"{name}{file.suffix}"
    return part.read_text(encoding="utf-8") if part.is_file() else ""


def one(tools: Tools, file: Path) -> str:
    language = LANGUAGES.get(file.suffix[1:])
    if not language:
        raise Wrong("nobody knows how to run this language")
    code = around("before", file) + file.read_text(encoding="utf-8") + around("after", file)
    folder = tools.folder(f"kit-{language}")
    mock = Mock(START, folder, tools.env)
    try:
        env = variables(folder, tools.env)
        if language == "java":
            flags = re.findall(r'-Djavax[^\s"]+', code)
            env["JAVA_TOOL_OPTIONS"] = " ".join(flag.replace("$WECHATPAY_MOCK_TRUSTSTORE", env["WECHATPAY_MOCK_TRUSTSTORE"]) for flag in flags)
        if language != "sh":
            return play(tools, folder, mock, [Snippet(1, language, [], code)], env)
        run(["bash", "-ec", code], folder, env)
        requests = mock.arrived()
        if not requests or any(complaint(request) for request in requests):
            raise Wrong(f"the mock got {[complaint(request) for request in requests]}")
        return f"{len(requests)} requests accepted"
    finally:
        mock.stop()


def run_kit(tools: Tools, say=print) -> int:
    """Every snippet of the kit but the Rust one, which the tests of the kit compile and run."""
    files = [file for file in sorted((ROOT / FOLDER).iterdir()) if file.suffix != ".rs"]
    say(f"{FOLDER}: {len(files)} snippets, and one in Rust by cargo test")
    for file in files:
        try:
            say(f"       {file.name}: run: {one(tools, file)}")
        except Wrong as wrong:
            raise Wrong(f"{FOLDER}/{file.name}: {wrong}") from None
    return len(files)
