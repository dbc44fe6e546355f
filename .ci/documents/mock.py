"""One wechatpay-mock, started as a document says, in a folder of its own; and what arrived at it."""

import base64
import json
import os
import re
import select
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from markdown import Wrong

SECONDS = 120


def stop(process: subprocess.Popen) -> None:
    """Ends a process that was started in a session of its own, and what it started."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sent)
        except ProcessLookupError:
            pass
        try:
            process.wait(timeout=10)
            break
        except subprocess.TimeoutExpired:
            continue


class Mock:
    """A server, from its ready line to its end."""

    def __init__(self, script: str, folder: Path, env: dict[str, str]):
        self.folder, self.seen = folder, 0
        with open(folder / "server.err", "w", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                ["bash", "-ec", script], cwd=folder, env=env, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            )
        try:
            self.ready = json.loads(self.first_line())
            (folder / "ready.json").exists() or (folder / "ready.json").write_text(json.dumps(self.ready))
        except BaseException:
            self.stop()
            raise

    def first_line(self) -> str:
        """The ready line; whatever a build says before it is skipped."""
        read, end = b"", time.monotonic() + SECONDS
        while select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
            some = os.read(self.process.stdout.fileno(), 65536)
            read += some
            for line in read.decode().splitlines(keepends=True):
                if line.startswith('{"ready":true') and line.endswith("\n"):
                    return line
            if not some:
                break
        said = (self.folder / "server.err").read_text(encoding="utf-8")
        raise Wrong(f"no ready line of the mock:\n{read.decode()}{said}")

    def ask(self, path: str) -> dict:
        """What the admin API answers to a GET."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.ready["admin"] + path, timeout=SECONDS) as response:
            return json.load(response)

    def arrived(self) -> list[dict]:
        """The requests since the last time, oldest first."""
        found = [one for one in self.ask("/requests")["requests"] if one["seq"] > self.seen]
        self.seen = max([self.seen, *(one["seq"] for one in found)])
        return found[::-1]

    def stop(self) -> None:
        stop(self.process)
        self.process.stdout.close()


def text(request: dict) -> str:
    """The answer that was given to a request, where there is one."""
    return base64.b64decode(request["outcome"].get("body_b64") or "").decode(errors="replace")


def complaint(request: dict) -> str | None:
    """Why a request is not what a document should send; nothing where it was accepted, or harmed by a fault on purpose."""
    if "//" in request["path"]:
        return f"its path is {request['path']}"
    if request["verdict"] != "ok":
        return f"{request['path']} was refused: {request['verdict']} {request['outcome'].get('err_code')}"
    if not request["fault"] and "<result_code><![CDATA[SUCCESS]]>" not in text(request):
        return f"{request['path']} was answered with {text(request)}"
    return None


def list_ids(requests: list[dict]) -> set[str]:
    """Each send_listid that was answered."""
    return {found for one in requests for found in re.findall(r"<send_listid><!\[CDATA\[(\d+)\]\]>", text(one))}
