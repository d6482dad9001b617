"""liblinphone sends files through the content server, and another liblinphone fetches them."""

import ctypes.util
import json
import os
import subprocess
import sys
from pathlib import Path

from linphone import configuration
from platform_under_test import DOMAIN, PATIENCE_S, wait_for

PEER = Path(__file__).with_name("linphone_peer.py")


class Peer:
    """A handset: linphone_peer.py as a child process."""

    def __init__(self, platform, number, directory):
        home = directory / number.strip("+")
        (home / ".local" / "share" / "linphone").mkdir(parents=True)
        (home / "linphonerc").write_text(configuration(platform, number))
        self.log = open(home / "log", "w")
        self.process = subprocess.Popen(
            [sys.executable, "-B", PEER, home / "linphonerc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        self.lines = []

    def command(self, *words):
        print(*words, file=self.process.stdin, flush=True)

    def event(self, name, seconds=PATIENCE_S):
        """Waits for an event; its value."""
        return self.told(name, seconds)[name]

    def told(self, name, seconds=PATIENCE_S):
        """Waits for an event; all of it."""
        return wait_for(f"liblinphone says {name!r}", lambda: self._next(name), seconds)

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def _next(self, name):
        # The library logs to the same place; only our lines are JSON.
        self.lines += [line for line in self.process.stdout if line.startswith("{")]
        for at, line in enumerate(self.lines):
            if name in (event := json.loads(line)):
                del self.lines[at]
                return event
        return None


def is_installed(checks):
    """Whether the library is there; if not, that has failed."""
    found = ctypes.util.find_library("linphone") or Path("/usr/lib/x86_64-linux-gnu/liblinphone.so.10").exists()
    return bool(found) or checks.that("liblinphone is installed (Debian: linphone-cli)", False)


def run(platform, checks, directory):
    if not is_installed(checks):
        return
    numbers = [platform.subscriber(), platform.subscriber()]
    sender, receiver = peers = [Peer(platform, number, directory) for number in numbers]
    try:
        bound = lambda: all(platform.admin("GET", f"/subscribers/{number}")[1]["devices"] for number in numbers)  # noqa: E731
        checks.story("two liblinphones register", lambda: wait_for("both are bound", bound))

        def transfer(name, kind, subtype, content):
            sent, fetched = directory / name, directory / f"fetched-{name}"
            sent.write_bytes(content)
            receiver.command("fetch", fetched)
            sender.command("send", f"sip:{numbers[1]}@{DOMAIN}", kind, subtype, sent)
            state = sender.event("sent")
            assert state in ("delivered", "delivered to user", "displayed"), f"the sender ends {state}"
            state = receiver.event("fetched")
            assert state != "file transfer error", "the receiver cannot fetch it"
            assert fetched.read_bytes() == content, "what was fetched is not what was sent"

        for name, kind, subtype, content in [
            ("empty-line.txt", "text", "plain", b"\r\n--\r\n"),
            ("图片.bin", "application", "octet-stream", os.urandom(700_001)),
            ("large.bin", "application", "octet-stream", os.urandom(20 << 20)),
        ]:
            story = lambda: transfer(name, kind, subtype, content)  # noqa: E731
            checks.story(f"a file of {len(content)} bytes goes up and comes down byte for byte", story)
    finally:
        for peer in peers:
            peer.stop()
