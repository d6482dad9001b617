"""PJSIP (pjsua2 from PyPI, in an environment of its own): SHA-256, outbound with reg-id, several devices, registering again.

There are wheels for some versions of Python on x86-64 only; elsewhere the suite is skipped, and says so.
"""

import re
import uuid
from pathlib import Path

import virtual_environment
from client import Client
from platform_under_test import DOMAIN, PASSWORD, wait_for

HERE = Path(__file__).parent / "pjsip"
SHA_256 = re.compile(r"(?m)^Authorization: *Digest .*algorithm=SHA-256")


class Phone(Client):
    """A device of a subscriber."""

    def __init__(self, program, platform, number, directory, instance=None, reg_id=1, password=PASSWORD):
        self.number = number
        self.instance = instance or f"urn:uuid:{uuid.uuid4()}"
        self.log = directory / f"pjsip-{uuid.uuid4().hex[:8]}.log"
        arguments = [platform.tcp_port, DOMAIN, number, password, self.instance, reg_id, self.log]
        super().__init__(f"PJSIP {number}", [program, "-B", HERE / "peer.py", *map(str, arguments)])

    def register(self, status=200):
        seen = len(self.events)
        self.command("register")
        self.tells(rf"^registration {status} ", since=seen)

    def send(self, number, text):
        """Sends a message; the status that it hears."""
        self.command(f"send sip:{number}@{DOMAIN} {text}")
        return int(self.tells(rf"^answer (\d+) {re.escape(text)}$")[1])

    def got(self, text):
        """How often a message came."""
        return sum(event.startswith("message ") and event.endswith(text) for event in self.events)

    def wire(self):
        return self.log.read_text(errors="replace")


def run(platform, checks, directory):
    program = virtual_environment.install(HERE, "pjsua2")
    if program is None:
        checks.skipped("PJSIP", "pjsua2 cannot be installed here (pip, wheels for CPython 3.10 to 3.12 on x86-64)")
        return
    alice, bob = platform.subscriber(), platform.subscriber()
    phones = []

    def phone(number, **how):
        phones.append(Phone(program, platform, number, directory, **how))
        return phones[-1]

    try:
        tell(platform, checks, phone, alice, bob)
    finally:
        for one in phones:
            one.stop()


def devices(platform, number):
    return platform.admin("GET", f"/subscribers/{number}")[1]["devices"]


def tell(platform, checks, phone, alice, bob):
    story = checks.story
    caller, first, second = phone(alice), phone(bob), phone(bob)
    story("PJSIP registers", caller.register)
    story("with SHA-256", lambda: wait_for("its log has it", lambda: SHA_256.search(caller.wire())))

    def outbound():
        look = lambda: re.findall(r"(?s)SIP/2\.0 200 OK\n(?:\S+: .*?\n)*?CSeq: \d+ REGISTER\n.*?\n\n", caller.wire())  # noqa: E731
        answer = wait_for("its log has the 200", look)[-1]
        for wanted in (r"Require: outbound", r"Contact: .*;reg-id=1", rf'sip\.instance="<{caller.instance}>"'):
            assert re.search(wanted, answer), f"no {wanted} in {answer}"
        wait_for("it takes outbound for active", lambda: "SIP outbound status for acc 0 is active" in caller.wire())

    story("over an outbound flow, which the 200 confirms with its reg-id and instance (RFC 5626)", outbound)
    story("a wrong password is refused", lambda: phone(bob, password="guess").register("40[13]"))

    def forks():
        first.register()
        second.register()
        assert len(devices(platform, bob)) == 2, devices(platform, bob)
        status = caller.send(bob, "to both")
        assert status == 200, status
        for one in (first, second):
            one.tells(r"^message \S+ to both$")

    story("a message forks to two devices of a subscriber", forks)

    def composing():
        caller.command(f"compose sip:{bob}@{DOMAIN}")
        for one in (first, second):
            one.tells(r"^composing ")

    story("that somebody writes shows on both", composing)

    def again():
        first.register()
        assert len(devices(platform, bob)) == 2, "the same contact again"

    story("registering again over the same flow replaces", again)

    def another_flow():
        """The device comes over a new connection, as after a change of network: same instance, same reg-id."""
        first.process.kill()
        first.process.wait()
        back = phone(bob, instance=first.instance)
        back.register()
        assert len(devices(platform, bob)) == 2, devices(platform, bob)
        assert caller.send(bob, "to the new flow") == 200
        back.tells(r"^message \S+ to the new flow$")
        second.tells(r"^message \S+ to the new flow$")
        return back

    back = story("registering over another flow with the same instance and reg-id replaces", another_flow)

    def two_flows():
        """One device with two flows: whatever comes, comes once."""
        other = phone(bob, instance=back.instance, reg_id=2)
        other.register()
        assert caller.send(bob, "once to each device") == 200
        second.tells(r"^message \S+ once to each device$")
        wait_for("it comes over one flow", lambda: back.got("once to each device") + other.got("once to each device"))
        # Whatever else was on its way is there before the answer to this.
        back.register()
        other.register()
        assert back.got("once to each device") + other.got("once to each device") == 1, "it came over both flows"
        return other

    other = back and story("a second flow of a device (reg-id 2) makes no second copy", two_flows)

    def leave():
        for one in (second, back, other):
            seen = len(one.events)
            one.command("unregister")
            one.tells(r"^registration 200 0", since=seen)
        assert devices(platform, bob) == [], devices(platform, bob)
        status = caller.send(bob, "for later")
        assert status == 202, status
        second.register()
        second.tells(r"^message \S+ for later$")
        wait_for("the mailbox is empty", lambda: platform.waiting(bob) == 0)

    if other:
        story("all leave; a message is kept (202), and delivered at registration", leave)
