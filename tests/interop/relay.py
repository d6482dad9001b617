"""Kamailio's msrp module (RFC 4976) between a handset of ours and the platform: a chat and a large message cross it both ways.

The handset is crates/handset/examples/caller.rs; Kamailio is the judge of what it and the platform say of MSRP relays.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from client import Client
from platform_under_test import DOMAIN, PASSWORD, wait_for

CONFIGURATION = Path(__file__).parent / "kamailio" / "relay.cfg"
USER, SECRET = "alice-at-relay", "open sesame"
LARGE_BYTES = 300_000


class Relay:
    """Kamailio as an MSRP relay, while the `with` block runs."""

    def __init__(self, directory):
        self.log = directory / "kamailio.log"
        self.configuration = directory / "relay.cfg"
        self.directory = directory

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        text = CONFIGURATION.read_text()
        for name, value in (("PORT", self.port), ("USER", USER), ("PASSWORD", SECRET)):
            text = text.replace(f"@{name}@", str(value))
        self.configuration.write_text(text)
        with open(self.log, "wb") as log:
            # Its processes are a group of their own, to be ended together.
            self.process = subprocess.Popen(
                ["kamailio", "-DD", "-E", "-f", self.configuration, "-Y", self.directory],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for("Kamailio listens", self._listens)
        return self

    def __exit__(self, *_):
        for how in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                break
            os.killpg(self.process.pid, how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                continue

    def _listens(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"Kamailio ended: {self.log.read_text()[-500:]}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def uri(self):
        return f"msrp://127.0.0.1:{self.port};tcp"

    def passed(self, way):
        """How many requests it passed on: `out` from the handset, `in` to it."""
        return len(re.findall(rf"NOTICE.*: {way} (?:SEND|REPORT)", self.log.read_text(errors="replace")))


def run(platform, checks, directory):
    if shutil.which("kamailio") is None:
        checks.skipped("MSRP relay", "Kamailio is not installed (Debian: kamailio)")
        return
    program = Path(os.environ["HONGYAN"]).resolve().parent / "examples" / "caller"
    alice, bob = platform.subscriber(), platform.subscriber()
    server = f"127.0.0.1:{platform.tcp_port}"
    with Relay(directory) as relay:
        relayed = Client("the relayed handset", [program, server, DOMAIN, alice, PASSWORD, relay.uri, USER, SECRET])
        guessing = Client("one that guesses", [program, server, DOMAIN, alice, PASSWORD, relay.uri, USER, "guess"])
        direct = Client("the other handset", [program, server, DOMAIN, bob, PASSWORD])
        clients = [relayed, guessing, direct]
        try:
            tell(checks.story, relay, relayed, guessing, direct, *(f"sip:{number}@{DOMAIN}" for number in (alice, bob)))
        finally:
            for client in clients:
                client.stop()


def tell(story, relay, relayed, guessing, direct, alice, bob):
    def refused():
        guessing.tells(r"^registered")
        guessing.command(f"call {bob}")
        guessing.tells(r"^ended 1 401$")
        # It would ring with the other device of its number.
        guessing.stop()

    def chat():
        relayed.tells(r"^registered")
        direct.tells(r"^registered")
        relayed.command(f"call {bob}")
        relayed.tells(r"^open 1$")
        direct.tells(r"^open 1$")
        relayed.command("say 1 out by the relay")
        direct.tells(r"^message out by the relay$")
        relayed.tells(r"^sent 200$")
        direct.command("say 1 in by the relay")
        relayed.tells(r"^message in by the relay$")
        relayed.tells(r"^report delivered$")
        direct.tells(r"^report delivered$")
        assert relay.passed("out") >= 2 and relay.passed("in") >= 2, "it did not go by way of the relay"
        relayed.command("hang-up 1")
        direct.tells(r"^ended 1 ")

    def large(sender, receiver, to, way):
        before = relay.passed(way)
        sender.command(f"large {to} {LARGE_BYTES}")
        receiver.tells(rf"^large-message {LARGE_BYTES} right$")
        # 2048 bytes a chunk.
        chunks = relay.passed(way) - before
        assert chunks >= LARGE_BYTES // 2048, f"{chunks} chunks passed the relay"

    def called():
        seen, before = len(relayed.events), len(direct.events)
        direct.command(f"call {alice}")
        call = relayed.tells(r"^open (\d+)$", since=seen)[1]
        direct.command(f"say {direct.tells(r'^open (.*)$', since=before)[1]} are you there?")
        relayed.tells(r"^message are you there\?$", since=seen)
        relayed.command(f"say {call} where else")
        direct.tells(r"^message where else$")

    story("a wrong password gets no place at the relay, and no call", refused)
    story("a chat by way of Kamailio: AUTH with Digest, Use-Path, words and reports both ways", chat)
    story("a large message goes out by way of it", lambda: large(relayed, direct, bob, "out"))
    story("and one comes in", lambda: large(direct, relayed, alice, "in"))
    story("a call is taken by way of it", called)
