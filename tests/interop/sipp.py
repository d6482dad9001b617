"""SIPp: registration, relay, storing and its delivery. The scenarios are in sipp/.

SIPp 3.6 reads only the first of several challenges, which is SHA-256, and then knows MD5 only. So it is handed credentials
that answer another, equally good challenge.
"""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import msrp
import raw
from platform_under_test import DOMAIN, PASSWORD, wait_for

HERE = Path(__file__).parent / "sipp"
# Scenarios that wait to be asked something.
WAITING = ("receive", "callee-answers", "callee-refuses", "callee-cancelled")
# What a scenario says unless the story says otherwise.
USUAL = {"DOMAIN": DOMAIN, "FEATURES": "", "HEADERS": "", "EXPIRES": 600, "EXPECT": "^SIP/2.0", "SETUP": "actpass", "REASON": "CANCEL"}
USUAL |= {"METHOD": "MESSAGE", "HOPS": 70, "TAG": "", "TEXT": "hello"}
SESSION = ';+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session"'
TIMEOUT_S = 60


class Sipp:
    """One SIPp process playing one scenario once."""

    def __init__(self, platform, directory, scenario, number, port, transport="udp", seconds=TIMEOUT_S, **values):
        self.port, self.transport, self.seconds = port, transport, seconds
        password = values.pop("PASSWORD", PASSWORD)
        given = {**USUAL, "CREDENTIALS": credentials(platform, scenario, number, password, values)}
        text = filled(whole((HERE / f"{scenario}.xml").read_text()), {**given, **values})
        count = len(list(directory.glob("*.xml")))
        self.path = directory / f"{count:02}-{scenario}.xml"
        self.path.write_text(text)
        self.command = ["sipp", "-sf", self.path, "-m", "1", "-nostdin", "-i", "127.0.0.1", "-p", str(port)]
        self.command += ["-t", "u1" if transport == "udp" else "t1", "-timeout", str(seconds), "-timeout_error"]
        self.command += ["-max_retrans", "7", "-trace_err", "-trace_msg", "-s", number]
        server = platform.udp_port if transport == "udp" else platform.tcp_port
        self.command += [] if scenario in WAITING else [f"127.0.0.1:{server}"]
        self.directory = directory
        with open(self.path.with_suffix(".out"), "wb") as out:
            self.process = subprocess.Popen(
                self.command, cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment()
            )

    def listening(self):
        """Waits until it has bound its UDP port."""
        wait_for(f"SIPp listens on {self.port}", lambda: is_bound(self.port) or self.process.poll() is not None)
        return self

    def done(self):
        """Waits for its end, which must be good."""
        code = self.process.wait(self.seconds + 5)
        if code != 0:
            errors = sorted(self.directory.glob(f"{self.path.stem}_*_errors.log"))
            told = errors[-1].read_text()[-600:] if errors else self.path.with_suffix(".out").read_text()[-300:]
            raise AssertionError(f"SIPp ended with {code}: {told}")
        return self

    def log(self):
        """All that it sent and received."""
        return "".join(path.read_text() for path in self.directory.glob(f"{self.path.stem}_*_messages.log"))

    def received(self, pattern):
        """How many different messages it received that match, by their top branch."""
        pieces = re.split(r"(?m)^-{20,}.*$", self.log())
        inward = [piece for piece in pieces if "message received" in piece and re.search(pattern, piece)]
        return len({re.search(r"branch=([^;\s]+)", piece)[1] for piece in inward})


def run(platform, checks, directory):
    if shutil.which("sipp") is None:
        checks.that("SIPp is installed (Debian: sip-tester)", False)
        return
    alice, bob, carol = platform.subscriber(), platform.subscriber(), platform.subscriber()

    def play(scenario, number, port=None, transport="udp", **values):
        return Sipp(platform, directory, scenario, number, port or free_port(), transport, **values)

    bob_port = free_port()
    checks.story("REGISTER over UDP with MD5", lambda: play("register", bob, bob_port, STATUS=200).done())
    checks.story("REGISTER over TCP with MD5", lambda: play("register", alice, transport="tcp", STATUS=200).done())
    checks.story(
        "a wrong password is refused",
        lambda: play("register", alice, STATUS=401, PASSWORD="guess-guess").done(),
    )

    def relay():
        receiver = play("receive", bob, bob_port, TEXT="supper at eight", FROM=alice.strip("+")).listening()
        play("send", alice, TO=bob, TEXT="supper at eight", STATUS=200).done()
        receiver.done()
        copies = receiver.received("supper at eight")
        assert copies == 1, f"{copies} copies arrived"

    checks.story("MESSAGE between two SIPp agents, 200, one copy", relay)
    checks.story(
        "MESSAGE to an unknown subscriber, 404",
        lambda: play("send", alice, TO="+8613800999999", TEXT="hello", STATUS=404).done(),
    )
    checks.story(
        "MESSAGE to one who is away, 202",
        lambda: play("send", alice, TO=carol, TEXT="call me back", STATUS=202).done(),
    )

    def come_back():
        port = free_port()
        play("register", carol, port, STATUS=200).done()
        # The message is on its way to the port already; what finds nobody there is sent again.
        play("receive", carol, port, TEXT="call me back", FROM=alice.strip("+")).listening().done()
        wait_for("the mailbox is empty", lambda: platform.waiting(carol) == 0)

    checks.story("it is delivered at registration", come_back)
    failures(checks, play, alice, platform.subscriber())
    # The platform refreshes a session after 45 s at the earliest: meanwhile the other stories are told.
    crossing = refreshed(play, "reinvite-glare", alice, platform.subscriber())
    repeated = refreshed(play, "refresh-again", alice, platform.subscriber())
    sessions(platform, checks, play)
    checks.story("our refresh and the device's re-INVITE cross: both 491, the device's next is taken", crossing.done)
    checks.story("our refresh hears 491: it is tried again", repeated.done)


def refreshed(play, scenario, caller, callee):
    """A chat with one who is away that the platform has to refresh. It would not without MSRP, which SIPp does not speak."""
    sipp = play(scenario, caller, TO=callee, HEADERS="Supported: timer\nSession-Expires: 90;refresher=uas", seconds=180)
    answer = wait_for("the chat is answered", lambda: sipp.log().partition("SIP/2.0 200 OK")[2] or sipp.process.poll() is not None)
    sipp.msrp = msrp.Session()
    sipp.msrp.path = f"msrp://127.0.0.1:9/sipp{sipp.process.pid};tcp"
    sipp.msrp.connect(answer)
    return sipp


def sessions(platform, checks, play):
    """INVITE: set-up, refusals, CANCEL. SIPp speaks no MSRP, so nothing is said."""
    alice, dave, erin = platform.subscriber(), platform.subscriber(), platform.subscriber()
    dave_port = free_port()
    play("register", dave, dave_port, STATUS=200, FEATURES=SESSION).done()
    checks.story("a chat with one who is away is answered by the centre", lambda: play("call", alice, TO=erin).done())
    checks.story("a chat with nobody is 404", lambda: play("refused", alice, TO="+8613800999999", STATUS=404).done())
    checks.story(
        "an offer that leaves us to connect is 488",
        lambda: play("refused", alice, TO=dave, SETUP="passive", STATUS=488).done(),
    )

    def set_up():
        callee = play("callee-answers", dave, dave_port, SETUP="active").listening()
        play("call", alice, TO=dave).done()
        callee.done()

    checks.story("a chat is set up between two SIPp agents, and BYE ends both legs", set_up)
    # A busy device, or one that cannot, leaves it to us: the centre takes the chat (RCC.07).
    for says, hears in ((486, 486), (600, 486), (603, 603), (606, 488), (488, 488), (480, 200), (500, 200)):

        def refused(says=says, hears=hears):
            callee = play("callee-refuses", dave, dave_port, STATUS=says).listening()
            play("call", alice, TO=dave).done() if hears == 200 else play("refused", alice, TO=dave, STATUS=hears).done()
            callee.done()

        checks.story(f"a callee that answers {says} is {hears} to the caller", refused)

    def give_up():
        callee = play("callee-cancelled", dave, dave_port).listening()
        play("cancel", alice, TO=dave).done()
        callee.done()

    checks.story("a caller gives up: 487, and the callee is cancelled", give_up)
    forking(platform, checks, play)
    glare(checks, play, alice, dave, dave_port)
    checks.story(
        "a session timer below the minimum is 422 with Min-SE",
        lambda: play("refused", alice, TO=erin, HEADERS="Supported: timer\nSession-Expires: 30", STATUS=422, EXPECT="Min-SE: 90").done(),
    )
    checks.story("a re-INVITE before the one before it is over is 491", lambda: play("reinvite-twice", alice, TO=erin).done())


def forking(platform, checks, play):
    """An addressee with two devices."""
    caller, callee = platform.subscriber(), platform.subscriber()
    ports = [free_port(), free_port()]
    for port in ports:
        play("register", callee, port, STATUS=200, FEATURES=SESSION).done()

    def answered():
        loser = play("callee-cancelled", callee, ports[0], REASON="Reason: SIP *; *cause=200").listening()
        winner = play("callee-answers", callee, ports[1], SETUP="active").listening()
        play("call", caller, TO=callee).done()
        winner.done()
        loser.done()

    checks.story("two devices ring, one answers, the other is cancelled: completed elsewhere", answered)

    def refused(says, hears):
        devices = [play("callee-refuses", callee, port, STATUS=status).listening() for port, status in zip(ports, says)]
        play("refused", caller, TO=callee, STATUS=hears).done()
        for device in devices:
            device.done()

    checks.story("two devices refuse, one because it is busy: 486", lambda: refused((480, 486), 486))
    checks.story("two devices refuse, one cannot do this: 488", lambda: refused((488, 404), 488))

    def declined():
        other = play("callee-cancelled", callee, ports[0], REASON="Reason: SIP *; *cause=603").listening()
        device = play("callee-refuses", callee, ports[1], STATUS=603).listening()
        play("refused", caller, TO=callee, STATUS=603).done()
        device.done()
        other.done()

    checks.story("two devices ring, one declines for all: 603 at once, the other is cancelled", declined)


def glare(checks, play, alice, bob, bob_port):
    """Both sides invite each other at once: one chat comes of it."""

    def both():
        device = play("callee-cancelled", bob, bob_port).listening()
        first = play("called-off", alice, TO=bob)
        wait_for("it rings", lambda: first.received("180 Ringing") or first.process.poll() is not None)
        play("call", bob, TO=alice).done()
        first.done()
        device.done()

    checks.story("both sides invite each other at once: both hear 200, neither rings on, BYE ends both", both)


def failures(checks, play, alice, bob):
    """Requests that get no further, and what they hear."""
    foreign = {"METHOD": "BYE", "TAG": ";tag=nobody", "STATUS": 481}
    for name, values in {
        "Max-Forwards at its end is 483": {"HOPS": 0, "STATUS": 483},
        "a URI of a scheme that is not ours is 416": {"URI": "mailto:someone@example.org", "STATUS": 416},
        "an extension that we lack is 420, named": {"HEADERS": "Require: teleport", "STATUS": 420, "EXPECT": "Unsupported: teleport"},
        "an encoding that we lack is 415": {"HEADERS": "Content-Encoding: br", "STATUS": 415, "EXPECT": "Accept-Encoding: .*deflate"},
        "a method that we lack is 405 with Allow": {"METHOD": "DANCE", "STATUS": 405, "EXPECT": "Allow: .*MESSAGE"},
        "BYE for no dialog is 481": foreign,
        "INVITE within no dialog is 481": {**foreign, "METHOD": "INVITE"},
        "UPDATE for no dialog is 481": {**foreign, "METHOD": "UPDATE"},
    }.items():
        values = {"URI": raw.uri(bob), **values}
        checks.story(name, lambda values=values: play("asks", alice, **values).done())
    checks.story(
        "a MESSAGE of 20 kB is 413",
        lambda: play("asks", alice, transport="tcp", URI=raw.uri(bob), TEXT="x" * 20_000, STATUS=413).done(),
    )
    checks.story(
        "a registration for a moment is 423 with Min-Expires",
        lambda: play("register", alice, EXPIRES=5, STATUS=423, EXPECT="Min-Expires: 60").done(),
    )
    checks.story(
        "OPTIONS for one who is away is 480",
        lambda: play("send", alice, METHOD="OPTIONS", TO=bob, STATUS=480).done(),
    )


def whole(text):
    """A scenario with its pieces put in, which may have values of their own: <piece name="reinvite" CSEQ="3"/>."""

    def piece(found):
        return filled((HERE / "pieces" / f"{found[1]}.xml").read_text(), dict(re.findall(r'([A-Z]+)="([^"]*)"', found[2])))

    return re.sub(r'(?m)^ *<piece name="([^"]+)"(.*)/>\n', piece, text)


def filled(text, values):
    """Puts the values in; a line that is nothing but an empty one goes."""
    for name, value in values.items():
        text = text if str(value) else text.replace(f"\n@{name}@\n", "\n")
        text = text.replace(f"@{name}@", str(value))
    return text


def credentials(platform, scenario, number, password, values):
    """The header that answers a challenge to the request of this scenario."""
    if scenario in WAITING or scenario == "asks":
        return ""
    client = raw.Client(platform, number)
    if scenario == "register":
        method, uri = "REGISTER", f"sip:{DOMAIN}"
    else:
        method, uri = values.get("METHOD", "MESSAGE") if scenario == "send" else "INVITE", raw.uri(values["TO"])
    to = raw.uri(number) if scenario == "register" else uri
    # Any challenge will do: it is the answer that names the method.
    asked = "MESSAGE" if method == "INVITE" else method
    client.send(client.request(asked, uri, to))
    return client.credentials(client.response(), method, uri, password)


def environment():
    """SIPp draws its screen with curses, which asks for a terminal's name."""
    return {**os.environ, "TERM": "xterm"}


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_bound(port):
    return any(line.split()[1].endswith(f":{port:04X}") for line in Path("/proc/net/udp").read_text().splitlines()[1:])
