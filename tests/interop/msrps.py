"""A chat over MSRP and TLS (`msrps`), with SIP over TLS, by plain sockets: the certificate is the one whose fingerprint the
description gives, words and a large message go both ways, and no session is had without TLS where it was offered with.
"""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor

import msrp
import raw
from msrp import answer_invite, call, contact, cpim, hang_up
from platform_under_test import DOMAIN

SETTINGS = {"SIP__TLS": "127.0.0.1:0", "MSRP__TLS_LISTEN": "127.0.0.1:0", "TLS__SELF_SIGNED": "true"}
LARGE_BYTES = 200_000


def register(platform, number):
    client = raw.Client(platform, number, "TLS")
    where = contact(client, f";{msrp.SESSION};expires=600")
    response, _ = client.ask("REGISTER", f"sip:{DOMAIN}", raw.uri(number), [where])
    raw.expect(response, 200)
    return client


def has_fingerprint(session, sip):
    """Whether the certificate is the one of the description (RFC 4572 §5)."""
    told = re.search(r"(?im)^a=fingerprint:sha-256 (\S+)", sip)
    assert told, "no fingerprint"
    seen = hashlib.sha256(session.socket.getpeercert(binary_form=True)).hexdigest().upper()
    assert told[1].replace(":", "").upper() == seen, f"{told[1]} is not {seen}"


def say(session, body, message_id, chunk_bytes=2048):
    """Sends a message in chunks, all of which are answered 200; then its report."""
    data = body.encode()
    for at in range(0, len(data), chunk_bytes):
        piece = data[at : at + chunk_bytes].decode()
        end = at + len(piece.encode())
        headers = [f"Message-ID: {message_id}", f"Byte-Range: {at + 1}-{end}/{len(data)}", "Success-Report: yes"]
        transaction = session.send("SEND", headers, piece, "$" if end == len(data) else "+")
        answered = session.next()
        assert answered["start"] == f"MSRP {transaction} 200 OK", answered["start"]
    report = session.next()
    assert " REPORT" in report["start"] and report["Message-ID"] == message_id, report


def run(platform, checks, directory):
    numbers = [platform.subscriber(), platform.subscriber()]
    made = checks.story("two devices register over TLS", lambda: [register(platform, number) for number in numbers])
    if made:
        tell(platform, checks, *numbers, *made)


def tell(platform, checks, alice_number, bob_number, alice, bob):
    def set_up():
        with ThreadPoolExecutor() as callers:
            calling = callers.submit(call, alice, bob_number)
            his, invite = answer_invite(bob)
            hers, answer = calling.result()
        raw.expect(answer, 200)
        assert "TCP/TLS/MSRP" in answer and "TCP/TLS/MSRP" in invite
        for session, sip in ((hers, answer), (his, invite)):
            session.connect(sip)
            has_fingerprint(session, sip)
        return hers, his, answer

    def said(sender, receiver, from_number, to_number, text, message_id):
        with ThreadPoolExecutor() as listeners:
            listening = listeners.submit(receiver.message)
            say(sender, cpim(from_number, to_number, message_id, text), message_id)
            assert listening.result().endswith(text), "another text"

    chat = checks.story("a chat is set up over TLS, with the certificates that its descriptions name", set_up)
    if not chat:
        return
    hers, his, answer = chat
    there, back = (alice_number, bob_number), (bob_number, alice_number)
    checks.story("words go there", lambda: said(hers, his, *there, "is it safe?", "t1"))
    checks.story("and back", lambda: said(his, hers, *back, "it is", "t2"))
    checks.story("200 kB go there", lambda: said(hers, his, *there, "there " * (LARGE_BYTES // 6), "t3"))
    checks.story("and back", lambda: said(his, hers, *back, "back! " * (LARGE_BYTES // 6), "t4"))

    def end():
        hang_up(alice, bob_number, answer)
        assert bob.next().startswith("BYE "), "BYE"
        assert his.socket.recv(1) == b"", "his MSRP connection stays"

    checks.story("BYE ends both legs, and their connections", end)
