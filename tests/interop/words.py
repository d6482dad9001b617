"""liblinphone and what the web handset says: texts, replies, reactions, reports and composing, both ways, in the web handset's own
envelopes (web/src), which JsSIP carries. liblinphone deflates bodies unasked; JsSIP inflates none.
"""

import json
import subprocess
from pathlib import Path

import jssip
import node_packages
from client import Client
from linphone_files import Peer, is_installed
from platform_under_test import DOMAIN, PASSWORD, wait_for

WEB = Path(__file__).parents[2] / "web"


def bundle(directory):
    """The web handset's envelopes, for Node."""
    node_packages.install(WEB)
    bundled = directory / "web_handset.mjs"
    source = jssip.HERE / "web_handset.ts"
    command = [WEB / "node_modules" / ".bin" / "rolldown", source, "-f", "esm", "-o", bundled]
    subprocess.run(command, cwd=WEB, check=True, capture_output=True, text=True)
    return bundled


class Web(Client):
    """JsSIP with the web handset's envelopes; its events are JSON."""

    def told(self, what, is_it=lambda event: True):
        """Waits for an event that has this, and is it."""

        def look():
            events = [json.loads(line) for line in self.events if line.startswith("{")]
            return next((event for event in events if what in event and is_it(event)), None)

        return wait_for(f"{self.name} tells {what!r}; it told {self.events[-6:]}", look)

    def message(self, is_it):
        return self.told("message", lambda event: event["message"] and is_it(event["message"]))


def run(platform, checks, directory):
    if not is_installed(checks):
        return
    node_packages.install(jssip.HERE)
    alice, bob = platform.subscriber(), platform.subscriber()
    phone = Peer(platform, alice, directory)
    command = ["node", "words.mjs", f"ws://{platform.http}/sip", DOMAIN, PASSWORD, bob, bundle(directory)]
    web = Web("JsSIP", command, cwd=jssip.HERE)
    try:
        tell(platform, checks, phone, web, alice, bob)
    finally:
        phone.stop()
        web.stop()


def tell(platform, checks, phone, web, alice, bob):
    bound = lambda: all(platform.admin("GET", f"/subscribers/{number}")[1]["devices"] for number in (alice, bob))  # noqa: E731
    checks.story("liblinphone and JsSIP register", lambda: wait_for("both are bound", bound))
    known = {}

    def text():
        web.command(f"text {alice} 吃了吗?")
        told = phone.told("text")
        assert told["text"] == "吃了吗?" and told["replies"] is None, told
        known["web"] = told["id"]

    def reports():
        for status in ("delivered", "displayed"):
            report = web.message(lambda message, status=status: f"<{status}/>" in message["body"].replace(" ", ""))
            assert known["web"] in report["message"]["body"], report
            known.setdefault("encodings", set()).add(report["encoding"])

    def reply():
        phone.command("reply", "yes,", "and", "you?")
        message = web.message(lambda message: message["body"] == "yes, and you?")["message"]
        assert message["replyTo"]["messageId"] == known["web"], message
        assert bob in message["replyTo"]["sender"], message
        known["phone"] = message["messageId"]
        assert phone.event("sent") in ("delivered", "delivered to user", "displayed")

    def back():
        web.command(f"reply {alice} {known['phone']} 没有")
        told = phone.told("text")
        assert told["text"] == "没有", told
        assert told["replies"] == known["phone"], told

    def reaction():
        web.command(f"react {alice} {known['phone']} 👍")
        # This liblinphone knows no reactions yet, and shows the emoji.
        told = phone.told("text")
        assert told["text"] == "👍" and told["replies"] is None, told

    def composing():
        web.command(f"composing {alice}")
        phone.event("composing")

    def composes():
        phone.command("compose")
        told = web.told("message", lambda event: "isComposing" in json.dumps(event["message"]))
        known["encodings"].add(told["encoding"])

    checks.story("the web handset's text reaches liblinphone", text)
    checks.story("liblinphone's reports come back", reports)
    checks.story("liblinphone replies, and the web handset reads to what", reply)
    checks.story("the web handset replies, and liblinphone reads to what", back)
    checks.story("the web handset's reaction reaches a liblinphone without reactions as its emoji", reaction)
    checks.story("that the web handset writes shows in liblinphone", composing)
    checks.story("that liblinphone writes reaches the web handset", composes)
    checks.that("what liblinphone deflated comes to JsSIP inflated", known.get("encodings") == {None}, known.get("encodings"))
    deflated = (platform.data.parent / alice.strip("+") / "log").read_text(errors="replace").count("Content-Encoding: deflate")
    checks.that("and liblinphone does deflate", deflated > 0, f"{deflated} deflated bodies")
