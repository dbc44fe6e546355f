"""One shell for all `sh` snippets of a document, as a reader has one: what a snippet sets, those after it see."""

import os
import select
import subprocess
import time
from pathlib import Path

from markdown import Wrong
from mock import SECONDS, stop


class Shell:
    """A bash that stops at the first command that fails."""

    def __init__(self, folder: Path, env: dict[str, str]):
        self.folder, self.number = folder, 0
        self.exported = env
        reads, writes = os.pipe()
        self.reads = reads
        self.output = open(folder / "shell.out", "w+b")
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=env | {"DONE": str(writes)}, pass_fds=[writes],
            stdin=subprocess.PIPE, stdout=self.output, stderr=subprocess.STDOUT, start_new_session=True,
        )
        os.close(writes)

    def run(self, code: str) -> str:
        """Runs one snippet; what it printed."""
        self.number += 1
        (self.folder / f"{self.number}.sh").write_text(code, encoding="utf-8")
        before = self.output.seek(0, os.SEEK_END)
        line = f"set -eo pipefail; . ./{self.number}.sh </dev/null; set +e; env -0 >exported; echo done >&$DONE\n"
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Wrong("the shell has ended") from None
        end = time.monotonic() + SECONDS
        said = b""
        while select.select([self.reads], [], [], max(0.0, end - time.monotonic()))[0]:
            said = os.read(self.reads, 64)
            break
        self.output.seek(before)
        printed = self.output.read().decode(errors="replace")
        if not said:
            raise Wrong(f"a command failed, or did not end in {SECONDS} s; printed until then:\n{printed}")
        pairs = (self.folder / "exported").read_bytes().decode().split("\0")
        self.exported = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        self.exported.pop("DONE")
        return printed

    def stop(self) -> None:
        self.process.stdin.close()
        stop(self.process)
        self.output.close()
        os.close(self.reads)
