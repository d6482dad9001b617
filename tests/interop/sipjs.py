"""SIP.js in Node over WebSocket, with JsSIP at the other end: what it registers is seen by others, and messages go both ways."""

import re
from pathlib import Path

import jssip
import node_packages
from client import Client
from platform_under_test import DOMAIN, PASSWORD

HERE = Path(__file__).parent / "sipjs"
ICSI = "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm."
FEATURES = [
    f'+g.3gpp.icsi-ref="{ICSI}msg,{ICSI}session"',
    '+g.3gpp.iari-ref="urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.fthttp"',
    '+g.gsma.rcs.botversion="#=1,#=2"',
]


def run(platform, checks, directory):
    node_packages.install(HERE)
    node_packages.install(jssip.HERE)
    url = f"ws://{platform.http}/sip"
    alice, bob = platform.subscriber(), platform.subscriber()
    script = ["node", "peer.mjs", url, DOMAIN]
    phone = Client("SIP.js", [*script, PASSWORD, alice], cwd=HERE)
    stranger = Client("a SIP.js that guesses", [*script, "guess", alice], cwd=HERE)
    other = Client("JsSIP", ["node", "group.mjs", url, DOMAIN, PASSWORD, bob], cwd=jssip.HERE)
    try:
        tell(checks.story, phone, stranger, other, *(f"sip:{number}@{DOMAIN}" for number in (alice, bob)))
    finally:
        for client in (phone, stranger, other):
            client.stop()


def tell(story, phone, stranger, other, alice, bob):
    def refused():
        stranger.command("register")
        stranger.tells(r"^refused 40[13]$")

    story("a wrong password does not register", refused)

    def register():
        phone.command("register " + " ".join(FEATURES))
        contact = phone.tells(r"^registered (.*)")[1]
        assert all(feature in contact for feature in FEATURES), contact

    story("SIP.js registers over WebSocket, its feature tags in the answer", register)
    other.command("register")
    story("JsSIP registers", lambda: other.tells(r"^registered"))

    def capabilities():
        other.command(f"options {alice}")
        status, contact = other.tells(r"^capabilities (\d+) (.*)").groups()
        assert status == "200", status
        for wanted in ("oma.cpm.msg", "oma.cpm.session", "iari.rcs.fthttp", '+g.gsma.rcs.botversion="#=1,#=2"'):
            assert wanted in contact, f"no {wanted} in {contact}"
        assert "largemsg" not in contact, contact

    story("JsSIP sees them in the answer to OPTIONS, and no others", capabilities)

    def asks():
        phone.command(f"options {bob}")
        assert phone.tells(r"^capabilities (\d+)")[1] == "200"

    story("SIP.js asks with OPTIONS", asks)

    def there():
        phone.command(f"cpim {bob} 你好 from SIP.js")
        other.tells(rf"^message {re.escape(alice)} 你好 from SIP.js$")
        phone.tells(r"^answer 200$")

    def back():
        other.command(f"send {alice} and from JsSIP")
        phone.tells(rf"^message message/cpim From: <{re.escape(bob)}> .*and from JsSIP$")

    def bare():
        phone.command(f"send {alice} to myself")
        phone.tells(r"^message text/plain\S* to myself$")

    def leave():
        phone.command("unregister")
        phone.tells(r"^unregistered")
        other.command(f"options {alice}")
        other.tells(r"^capabilities 480")
        other.command(f"send {alice} while you were away")
        other.tells(r"^answer MESSAGE 202")
        phone.command("register")
        phone.tells(r"^message message/cpim .*while you were away$")

    story("SIP.js sends a CPIM message, and hears 200", there)
    story("JsSIP's comes back", back)
    story("a bare one comes too", bare)
    story("what comes while it is away waits until it registers", leave)
