"""How a snippet of each language becomes a program, and what it stands on here."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from markdown import Snippet, Wrong
from mock import SECONDS, Mock, complaint, list_ids

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STUBS = HERE / "stubs"
# What stands in for an SDK that no registry of the gate has. Each says in its first lines what it is.
STANDS_IN = {
    "php": "a stand-in for the SDK on Debian's Guzzle or Symfony",
    "go": "a stand-in for gopay on Debian's Go",
    "java": "a stand-in for WxJava on the JDK, with Debian's Gson",
}
# A program that prints the number of the packet has to print the one that the mock gave.
PRINTS = re.compile(r"(?:log|print|echo|println)\b.*send_?list_?id", re.I)
GSON = "/usr/share/java/gson.jar"


def run(command: list[str], folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess:
    """Runs a command to its end, which must come in time and be a success."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Wrong(f"{command[0]} did not end in {SECONDS} s") from None
    except FileNotFoundError:
        raise Wrong(f"{command[0]} is not installed") from None
    if done.returncode:
        raise Wrong(f"{command[0]} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def mock_binary() -> Path:
    """The mock, built from this tree."""
    subprocess.run(["cargo", "build", "--quiet", "-p", "wechatpay-mock-server", "--bin", "wechatpay-mock"], cwd=ROOT, check=True)
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps"]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    return Path(found["target_directory"]) / "debug/wechatpay-mock"


class Tools:
    """What programs need beside their source, prepared when it is first needed."""

    def __init__(self, work: Path, binary: Path, python: str | None, node_modules: str | None):
        self.work, self.binary = work, binary
        self.python, self.node_modules = python, node_modules
        shims = work / "shims"
        shims.mkdir()
        (shims / "cargo").write_text((HERE / "cargo").read_text(encoding="utf-8"), encoding="utf-8")
        (shims / "cargo").chmod(0o755)
        strange = re.compile(r"WECHATPAY_.*|JAVA_TOOL_OPTIONS|(https?|all)_proxy", re.I)
        self.env = {name: value for name, value in os.environ.items() if not strange.fullmatch(name)}
        self.env |= {
            "CARGO_REAL": shutil.which("cargo") or "cargo", "DOCUMENTS_ROOT": str(ROOT),
            "PATH": f"{shims}:{binary.parent}:{os.environ['PATH']}",
            "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost",
        }

    def folder(self, name: str) -> Path:
        """A new folder to work in, from which the files of the repository are in reach as from its root."""
        folder = self.work / name
        folder.mkdir()
        (folder / "examples").symlink_to(ROOT / "examples")
        return folder

    def modules(self) -> str:
        """The Node packages of the client tests, as their lock file has them."""
        if not self.node_modules:
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(ROOT / "mock-server/tests/clients/node" / name, self.work)
            run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], self.work, dict(os.environ))
            self.node_modules = str(self.work / "node_modules")
        return self.node_modules

    def interpreter(self) -> str:
        """A Python that has the packages of the client tests."""
        if not self.python:
            run([sys.executable, "-m", "venv", str(self.work / "venv")], self.work, dict(os.environ))
            self.python = str(self.work / "venv/bin/python")
            pinned = str(ROOT / "mock-server/tests/clients/python/requirements.txt")
            run([self.python, "-m", "pip", "install", "--quiet", "--requirement", pinned], self.work, dict(os.environ))
        return self.python

    def classes(self) -> str:
        """The stand-in for WxJava, compiled."""
        out = self.work / "classes"
        if not out.exists():
            sources = [str(source) for source in sorted((STUBS / "java").rglob("*.java"))]
            run(["javac", "-encoding", "UTF-8", "-d", str(out), *sources], self.work, self.env)
        return f"{out}:{GSON}"


def source(snippets: list[Snippet]) -> str:
    """The snippets of one program, each after the file that its mark names."""
    out = ""
    for snippet in snippets:
        for mark in snippet.marks:
            if mark.startswith("with "):
                file = HERE / "with" / mark.removeprefix("with ")
                if not file.is_file():
                    raise Wrong(f"line {snippet.line}: {file} is not there")
                out += file.read_text(encoding="utf-8")
        out += snippet.code
    return out


def command(tools: Tools, folder: Path, language: str, code: str, env: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Writes the program into its folder: how it is started, and with which variables."""
    name = {"js": "snippet.mjs", "php": "snippet.php", "python": "snippet.py", "java": "snippet.java"}.get(language)
    if name:
        (folder / name).write_text(code, encoding="utf-8")
    match language:
        case "js":
            (folder / "node_modules").symlink_to(tools.modules())
            return ["node", name], env
        case "python":
            return [tools.interpreter(), name], env | {"PYTHONDONTWRITEBYTECODE": "1"}
        case "php":
            shutil.copytree(STUBS / "php", folder / "vendor")
            trust = [f"curl.cainfo={env['MOCK_CA']}"] if "HTTPS_PROXY" in env else []
            settings = ["display_errors=stderr", "log_errors=0", "error_reporting=-1", "auto_prepend_file=vendor/autoload.php"]
            return ["php", *(part for setting in settings + trust for part in ("-d", setting)), name], env
        case "java":
            return ["java", "-Dfile.encoding=UTF-8", "-cp", tools.classes(), name], env
        case "go":
            shutil.copytree(STUBS / "go", folder / "go")
            (folder / "go/main.go").write_text(code, encoding="utf-8")
            alone = {"GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
            alone |= {"GOCACHE": str(tools.work / "gocache"), "GOPATH": str(tools.work / "gopath")}
            run(["go", "build", "-o", str(folder / "snippet"), "."], folder / "go", tools.env | alone)
            return [str(folder / "snippet")], env | {"SSL_CERT_FILE": env["MOCK_CA"]}
    raise Wrong(f"no program can be made of {language}")


def play(tools: Tools, folder: Path, mock: Mock, snippets: list[Snippet], exported: dict[str, str]) -> str:
    """Runs the snippets as one program against a mock of their own, and holds what arrived there to what it should be."""
    language, code = snippets[0].language, source(snippets)
    env = exported | {"MOCK_CA": mock.ready["ca"]}
    if "proxy" in snippets[0].marks:
        env |= {"HTTPS_PROXY": mock.ready["http"], "NODE_EXTRA_CA_CERTS": mock.ready["ca"]}
    start, env = command(tools, folder, language, code, env)
    done = run(start, folder, env)
    if language != "java" and done.stderr:  # the JVM names the options that it picked up
        raise Wrong(f"it complains:\n{done.stderr}")
    requests = mock.arrived()
    if wrong := [why for one in requests if (why := complaint(one))]:
        raise Wrong("; ".join(wrong))
    if not requests:
        raise Wrong("it sent nothing to the mock")
    if PRINTS.search(code) and not any(number in done.stdout for number in list_ids(requests)):
        raise Wrong(f"it should have printed a send_listid, and printed\n{done.stdout}")
    base = f" ({STANDS_IN[language]})" if language in STANDS_IN else ""
    return f"{len(requests)} requests accepted{base}"
