"""A group of two liblinphone clients and a JsSIP one in pager mode and a member over MSRP: made by liblinphone, words all ways, reports, a
new subject, leaving and removing.

liblinphone is driven through a small C program (linphone-group/), built here because of its licence; needs liblinphone-dev."""

import re
import shutil
import subprocess
from pathlib import Path

import node_packages
from client import Client
from msrp_member import Member
from platform_under_test import DOMAIN, PASSWORD, wait_for

HERE = Path(__file__).parent
SOURCE = HERE / "linphone-group" / "group_client.c"


def linphone(platform, program, number, directory):
    home = directory / number.strip("+")
    # Where it keeps its database; it does not make the way there itself.
    (home / ".local" / "share" / "linphone").mkdir(parents=True)
    server = f"sip:127.0.0.1:{platform.tcp_port};transport=tcp"
    (home / "linphonerc").write_text(
        "[sip]\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\ndefault_proxy=0\nguess_hostname=0\ncontact=sip:linphone@127.0.0.1\n"
        f"[proxy_0]\nreg_proxy=<{server}>\nreg_route=<{server}>\nreg_identity=sip:{number}@{DOMAIN}\n"
        f"reg_expires=600\nreg_sendregister=1\npublish=0\nconference_factory_uri=sip:conference-factory@{DOMAIN}\n"
        f"[auth_info_0]\nusername={number}\npasswd={PASSWORD}\nrealm={DOMAIN}\n[lime]\nenabled=0\n"
        "[net]\nmtu=0\nfirewall_policy=0\n[misc]\nversion_check_url_root=\n"
    )
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    return Client(f"liblinphone {number}", [program, home / "linphonerc", home / "log"], env)


def build(directory):
    """The liblinphone client, from its one file."""
    program = directory / "group_client"
    subprocess.run(["cc", "-Wall", "-Wextra", "-o", program, SOURCE, "-llinphone", "-lbctoolbox"], check=True)
    return program


def run(platform, checks, directory):
    if shutil.which("cc") is None or not Path("/usr/include/linphone/core.h").exists():
        checks.that("liblinphone's headers are installed (Debian: liblinphone-dev)", False)
        return
    jssip = HERE / "jssip"
    node_packages.install(jssip)
    program = build(directory)
    numbers = [platform.subscriber() for _ in range(4)]
    alice, bob = (linphone(platform, program, number, directory) for number in numbers[:2])
    carol = Client("JsSIP", ["node", "group.mjs", f"ws://{platform.http}/sip", DOMAIN, PASSWORD, numbers[2]], cwd=jssip)
    dave = Member(platform, numbers[3])
    try:
        tell(checks, platform, alice, bob, carol, dave, numbers)
    finally:
        for client in (alice, bob, carol, dave):
            client.stop()


def tell(checks, platform, alice, bob, carol, dave, numbers):
    story = checks.story
    uri = [f"sip:{number}@{DOMAIN}" for number in numbers]
    for client in (alice, bob):
        story(f"{client.name} registers", lambda client=client: client.tells(r"^registered"))
    # JsSIP is away when the group is made and comes later.
    alice.command(f"create Weekend_plans {uri[1]} {uri[2]} {uri[3]}")
    made = story("liblinphone makes a group", lambda: alice.tells(r"^room Created (\S+@groups\.\S+)"))
    if made is None:
        return
    focus = made.group(1)
    story("another liblinphone is called and joins", lambda: bob.tells(rf"^room Created {re.escape(focus)}"))
    story("the focus calls the MSRP member with an offer", lambda: dave.tells(rf"^session {re.escape(focus)}"))
    alice.command("send who has a car?")
    story("words reach liblinphone", lambda: bob.tells(r"^message \S+ who has a car\?"))
    story("words reach the MSRP member", lambda: dave.tells(rf"^message sip:{re.escape(numbers[0])}@\S+ who has a car\?"))

    def stored():
        wait_for("a copy waits for JsSIP", lambda: platform.waiting(numbers[2]) == 1)
        carol.command("register")
        carol.tells(r"^registered")
        carol.tells(rf"^message sip:{re.escape(numbers[0])}@\S+ who has a car\?")

    story("words wait for JsSIP, which comes later", stored)
    carol.command(f"watch {focus}")
    story("JsSIP sees four members and the subject", lambda: carol.tells(r"^members 4 Weekend plans"))
    carol.command(f"send {focus} I have one")
    for client in (alice, bob, dave):
        story(f"JsSIP's words reach {client.name}", lambda client=client: client.tells(rf"^message sip:{re.escape(numbers[2])}@\S+ I have one"))
    others = (numbers[0], numbers[1], numbers[3])
    story("JsSIP hears reports of all", lambda: [carol.tells(rf"^report sip:{re.escape(n)}@\S+ displayed") for n in others])
    spoken_over_msrp(story, alice, bob, carol, dave, numbers)
    bob.command("send good")
    for client in (carol, dave):
        story(f"liblinphone's words reach {client.name}", lambda client=client: client.tells(r"^message \S+ good"))
    story("liblinphone hears reports of all", lambda: [bob.tells(rf"^report LinphoneChatMessageStateDisplayed \S*{re.escape(numbers[at])}") for at in (0, 2, 3)])
    alice.command("subject Mountains")
    story("a new subject reaches liblinphone", lambda: bob.tells(r"^subject Mountains"))
    story("a new subject reaches JsSIP", lambda: carol.tells(r"^members 4 Mountains"))
    bob.command("leave")
    story("liblinphone leaves", lambda: bob.tells(r"^room Terminated"))
    story("JsSIP sees it go", lambda: carol.tells(r"^members 3 Mountains"))
    before = len(alice.events)
    alice.command("send without Bob")
    for client in (carol, dave):
        story(f"{client.name}, who stays, hears on", lambda client=client: client.tells(r"^message \S+ without Bob"))
    # liblinphone does not survive a report of somebody who is no participant any more, so nobody is removed before.
    displayed = "^report LinphoneChatMessageStateDisplayed"
    story("and reports", lambda: [alice.tells(rf"{displayed} \S*{re.escape(numbers[at])}", since=before) for at in (2, 3)])
    checks.that("who left does not", not any("without Bob" in event for event in bob.events), bob.events[-3:])
    alice.command(f"remove {uri[2]}")
    story("an administrator removes JsSIP, whose subscription ends", lambda: carol.tells(r"^unwatched"))

    def refused():
        carol.command(f"send {focus} am I still in?")
        carol.tells(r"^answer MESSAGE 403")

    story("a removed member may not speak", refused)
    alice.command(f"remove {uri[3]}")
    story("the MSRP member is removed: BYE says so", lambda: dave.tells(r"^bye SIP;cause=410"))
    status, group = platform.admin("GET", f"/groups/{focus.split(':')[1]}")
    members = [member["member"] for member in group["members"]] if status == 200 else group
    checks.that("the administrator of the platform sees who is left", members == [f"tel:{numbers[0]}"], members)


def spoken_over_msrp(story, alice, bob, carol, dave, numbers):
    """Words of the member over MSRP, small and in chunks, and the reports on them."""
    author = re.escape(numbers[3])
    long = "which way up? " * 200
    for what, text in (("words", "I bring tea"), ("a message in several chunks", long)):
        story(f"{what} over MSRP are taken", lambda text=text: dave.say(text))
        for client in (alice, bob, carol):
            heard = rf"^message sip:{author}@\S+ {re.escape(text.strip())}"
            story(f"{what} over MSRP reach {client.name}", lambda client=client, heard=heard: client.tells(heard))
    for at, name in enumerate(("liblinphone", "another liblinphone", "JsSIP")):
        number = re.escape(numbers[at])
        story(f"reports of {name} come over MSRP", lambda number=number: [dave.tells(rf"^report sip:{number}@\S+ {status}") for status in ("delivered", "displayed")])
