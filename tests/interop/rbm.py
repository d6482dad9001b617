"""The RBM-style interface with Google's own libraries, unchanged: the same story told by the one for Python, which is given our root URL,
and by it and the ones for Node with their own host names, which lead to the platform by way of a proxy and a certificate authority
of our own.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import queue
import random
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import node_packages
import raw
import virtual_environment
from client import Client
from platform_under_test import DOMAIN, PATIENCE_S, wait_for

HERE = Path(__file__).parent / "rbm"
NAMES = ("rcsbusinessmessaging.googleapis.com", "oauth2.googleapis.com", "www.googleapis.com")
MESSAGES = '+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg"'
CHATBOTS = '+g.gsma.rcs.botversion="#=1,#=2"'
BOT_MESSAGE = "application/vnd.gsma.botmessage.v1.0+json"
RESPONSE = "application/vnd.gsma.botsuggestion.response.v1.0+json"
COMPOSING = "application/im-iscomposing+xml"
FILE = "application/vnd.gsma.rcs-ft-http+xml"
NOBODY = "+8613899999999"


def png(width, height):
    """A picture of noise, which nothing makes smaller."""
    noise = random.Random(7)
    rows = b"".join(b"\0" + noise.randbytes(3 * width) for _ in range(height))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


PICTURE, LARGE = png(40, 30), png(500, 450)


class Bot:
    """The chatbot's web server: its webhook, which verifies as the interface's guide tells, and the files that its cards show."""

    def __init__(self):
        self.client_token, self.told, self.forged, self.ids = None, [], 0, []
        bot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                said = json.loads(body)
                answer = b""
                if "secret" in said:
                    bot.client_token, answer = said["clientToken"], said["secret"].encode()
                else:
                    data = base64.b64decode(said["message"]["data"])
                    mac = hmac.new(bot.client_token.encode(), data, hashlib.sha512).digest()
                    if self.headers["X-Goog-Signature"] == base64.b64encode(mac).decode():
                        bot.told.append(json.loads(data))
                        bot.ids.append(said["message"]["messageId"])
                    else:
                        bot.forged += 1
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_GET(self):
                if self.path != "/picture.png":
                    self.send_response(302)
                    self.send_header("Location", "/picture.png")
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.send_header("Content-Length", str(len(PICTURE)))
                self.end_headers()
                return self.wfile.write(PICTURE)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hears(self, what, is_it):
        """Waits until the webhook was told this."""
        look = lambda: next((one for one in self.told if is_it(one)), None)  # noqa: E731
        try:
            return wait_for(f"the webhook is told {what}", look)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it was told {self.told[-6:]}") from None

    def hears_event(self, kind, message_id):
        is_it = lambda one: one.get("eventType") == kind and one.get("messageId") == message_id  # noqa: E731
        return self.hears(f"{kind} of {message_id}", is_it)


class Handset:
    """One device, over TCP, in pager mode: it reports what it shows as delivered and displayed."""

    def __init__(self, platform, number, tags=f"{MESSAGES};{CHATBOTS}"):
        self.number, self.sip, self.shown, self.answers = number, raw.Client(platform, number, "TCP"), [], queue.Queue()
        contact = f"Contact: <sip:{number}@{self.sip.address};transport=tcp>;{tags};expires=600"
        answer, _ = self.sip.ask("REGISTER", f"sip:{DOMAIN}", raw.uri(number), [contact])
        assert raw.status(answer) == 200, answer.splitlines()[0]
        self.sip.socket.settimeout(None)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        try:
            while True:
                message = self.sip.next()
                if message.startswith("SIP/2.0"):
                    self.answers.put(message)
                else:
                    self.sip.answer(message)
                    self._take(message.split("\r\n\r\n", 1)[1])
        except OSError:
            pass  # the story is over

    def _take(self, cpim):
        outer, inner, payload = cpim.split("\r\n\r\n", 2)
        find = lambda text, name: (m := re.search(rf"(?im)^(?:\w+\.)?{name}: *(.*?)\s*$", text)) and m[1]  # noqa: E731
        one = {"id": find(outer, "Message-ID"), "type": find(inner, "Content-Type"), "body": payload, "from": find(outer, "From")}
        self.shown.append(one)
        if one["type"].startswith(("message/imdn", COMPOSING)):
            return
        for kind, status in (("delivery", "delivered"), ("display", "displayed")):
            report = (
                '<?xml version="1.0"?><imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>'
                f"{one['id']}</message-id><datetime>2026-11-24T12:00:00Z</datetime><{kind}-notification><status>"
                f"<{status}/></status></{kind}-notification></imdn>"
            )
            self._send(re.search(r"<([^>]*)>", one["from"])[1], "message/imdn+xml", report, uuid.uuid4().hex)

    def _send(self, to, content_type, payload, message_id):
        body = (
            f"From: <sip:{self.number}@{DOMAIN}>\r\nTo: <{to}>\r\nNS: imdn <urn:ietf:params:imdn>\r\n"
            f"imdn.Message-ID: {message_id}\r\nimdn.Disposition-Notification: positive-delivery, display\r\n\r\n"
            f"Content-Type: {content_type}\r\n\r\n{payload}"
        )
        self.sip.call_id = uuid.uuid4().hex
        self.sip.send(self.sip.request("MESSAGE", to, to, ["Content-Type: message/cpim"], body))

    def send(self, to, content_type, payload):
        """Sends something, and waits for the answer; the message's id."""
        message_id = uuid.uuid4().hex
        while not self.answers.empty():
            self.answers.get()
        self._send(to, content_type, payload, message_id)
        answer = self.answers.get(timeout=PATIENCE_S)
        assert raw.status(answer) in (200, 202), answer.splitlines()[0]
        return message_id

    def shows(self, what, is_it):
        """Waits until it has shown this."""
        look = lambda: next((one for one in self.shown if is_it(one)), None)  # noqa: E731
        try:
            return wait_for(f"the handset shows {what}", look)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it shows {[(one['type'], one['body'][:80]) for one in self.shown[-6:]]}") from None


class Proxy:
    """What leads the libraries' host names to the platform: a proxy that ends TLS under a certificate of its own authority."""

    def __init__(self, platform, directory):
        self.port, self.names, self.authority = platform.http_port, [], directory / "authority.pem"
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Interop"]
        names = ",".join(f"DNS:{name}" for name in NAMES)
        files = ["-keyout", directory / "authority.key", "-out", self.authority, "-addext", f"subjectAltName={names}"]
        subprocess.run([*make, *files], check=True, capture_output=True)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.authority, directory / "authority.key")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                more = client.recv(4096)
                if not more:
                    return
                head += more
            name = head.split(b" ", 2)[1].decode().rsplit(":", 1)[0]
            if not head.startswith(b"CONNECT ") or name not in NAMES:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            self.names.append(name)
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            secured = self.tls.wrap_socket(client, server_side=True)
            platform = socket.create_connection(("127.0.0.1", self.port))
            back = threading.Thread(target=self._pass, args=(platform, secured), daemon=True)
            back.start()
            self._pass(secured, platform)
            back.join()
        except OSError:
            pass  # either side has gone
        finally:
            client.close()

    @staticmethod
    def _pass(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Agent(Client):
    """A chatbot's program: calls go in, answers come out, one line each."""

    def ask(self, call, parameters=None, body=None, **more):
        seen = len(self.events)
        wanted = {"call": call, "parameters": parameters or {}, **({} if body is None else {"body": body}), **more}
        self.command(json.dumps(wanted))
        wait_for(f"{self.name} answers {call}", lambda: len(self.events) > seen)
        return json.loads(self.events[seen])

    def result(self, *arguments, **more):
        told = self.ask(*arguments, **more)
        assert "result" in told, told
        return told["result"]

    def error(self, code, *arguments, **more):
        told = self.ask(*arguments, **more)
        assert told.get("error", {}).get("code") == code, told
        return told["error"]


def create(platform, name, bot, directory):
    """Makes a chatbot; the path of its key file."""
    chatbot = {"name": name, "dialect": "rbm", "displayName": name, "webhook": f"{bot.root}/hook", "allowPrivateWebhook": True}
    status, made = platform.admin("POST", "/chatbots", chatbot)
    assert status == 201, made
    file = directory / f"{name}.json"
    file.write_text(json.dumps(made["serviceAccount"]))
    wait_for("the webhook is checked", lambda: platform.admin("GET", f"/chatbots/{name}")[1]["callbackChecked"])
    assert bot.client_token == made["clientToken"]
    return file


def run(platform, checks, directory):
    for path, picture in (("picture.png", PICTURE), ("large.png", LARGE)):
        (directory / path).write_bytes(picture)
    root = f"http://{platform.http}"
    program = virtual_environment.install(HERE, "googleapiclient")
    if program is None:
        checks.skipped("Google's library for Python", "it cannot be installed here")
    else:
        command = lambda key: ([program, "-B", HERE / "agent.py", root, key], None)  # noqa: E731
        tell(platform, checks, directory, "python", command, is_resumable=True)
        checks.story("where a chatbot may not lead the platform it does not go", lambda: led(platform, directory, command))
    strangers(platform, checks)
    if shutil.which("openssl") is None:
        checks.skipped("Google's libraries by their own host names", "there is no openssl to make a certificate")
        return
    proxy = Proxy(platform, directory)
    if program is not None:
        trust = {"HTTPLIB2_CA_CERTS": str(proxy.authority), "REQUESTS_CA_BUNDLE": str(proxy.authority)}
        environment = {**os.environ, "HTTPS_PROXY": proxy.url, "NO_PROXY": "", "no_proxy": "", **trust}
        command = lambda key: ([program, "-B", HERE / "agent.py", f"https://{NAMES[0]}", key], environment)  # noqa: E731
        tell(platform, checks, directory, "python-by-name", command, is_resumable=True)
        checks.that("python: the host name was the library's own", NAMES[0] in proxy.names, str(proxy.names))
    node_packages.install(HERE)
    document = directory / "discovery.json"
    # As if it were asked for under the libraries' own name.
    asked = urllib.request.Request(f"{root}/$discovery/rest", headers={"Host": NAMES[0]})
    with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
        document.write_bytes(answer.read())
    environment = {**os.environ, "HTTPS_PROXY": proxy.url, "NODE_EXTRA_CA_CERTS": str(proxy.authority), "NO_PROXY": ""}
    command = lambda key: (["node", HERE / "agent.mjs", document, key], environment)  # noqa: E731
    tell(platform, checks, directory, "node", command, is_resumable=False)
    asked = set(proxy.names)
    checks.that("node: the host names were the libraries' own", asked >= set(NAMES[:2]), str(asked))


def strangers(platform, checks):
    """Calls without an account: what they hear is what libraries look for."""

    def ask(path, headers, body=None, form=None):
        data = urllib.parse.urlencode(form).encode() if form else body and json.dumps(body).encode()
        request = urllib.request.Request(f"http://{platform.http}{path}", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.headers, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.loads(error.read())

    call = f"/v1/phones/{NOBODY}/capabilities?requestId=r"
    for name, headers in (
        ("no token", {}),
        ("another scheme", {"Authorization": "Basic eDp5"}),
        ("a token of nobody's", {"Authorization": "Bearer ya29.guess"}),
        ("an unsigned token", {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJweXRob24ifQ."}),
    ):
        status, answered, body = ask(call, headers)
        is_right = status == 401 and body["error"]["status"] == "UNAUTHENTICATED" and answered["WWW-Authenticate"] == "Bearer"
        checks.that(f"401 for {name}", is_right, f"{status} {body}")
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    for error, form in (
        ("unsupported_grant_type", {"grant_type": "password", "assertion": "x"}),
        ("invalid_request", {"grant_type": grant}),
        ("invalid_grant", {"grant_type": grant, "assertion": "x.y.z"}),
    ):
        status, _, body = ask("/token", {}, form=form)
        checks.that(f"{error} at the token endpoint", (status, body["error"]) == (400, error), f"{status} {body}")
    status, _, body = ask("/v1/nothing", {})
    checks.that("404 for what is no call", (status, body["error"]["status"]) == (404, "NOT_FOUND"), f"{status} {body}")


def led(platform, directory, command):
    """A chatbot that may name public addresses only."""
    bot, number = Bot(), platform.subscriber()
    status, made = platform.admin("POST", "/chatbots", {"name": "strict", "dialect": "rbm"})
    assert status == 201, made
    file = directory / "strict.json"
    file.write_text(json.dumps(made["serviceAccount"]))
    agent = Agent("strict", *command(file)[:1])
    try:
        url = f"{bot.root}/picture.png"
        error = agent.error(400, "files.create", {}, {"fileUrl": url})
        assert "private" in error["message"], error
        content = {"contentMessage": {"contentInfo": {"fileUrl": url}}}
        error = agent.error(400, "phones.agentMessages.create", {"parent": f"phones/{number}", "messageId": "m"}, content)
        assert error["message"].startswith("contentMessage.contentInfo.fileUrl: cannot be fetched") and "private" in error["message"], error
    finally:
        agent.stop()
        bot.server.shutdown()


def tell(platform, checks, directory, name, command, is_resumable):
    bot, alice, bob = Bot(), platform.subscriber(), platform.subscriber()
    key = create(platform, name, bot, directory)
    handset = Handset(platform, alice)
    line, environment = command(key)
    agent = Agent(name, line, env=environment)
    story = Story(platform, bot, handset, agent, bob, directory, name)
    try:
        for title, part in story.parts(is_resumable):
            checks.story(f"{name}: {title}", part)
        checks.that(f"{name}: every push was signed", bot.forged == 0 and bot.told, f"{bot.forged} were not")
    finally:
        agent.stop()
        bot.server.shutdown()


class Story:
    def __init__(self, platform, bot, handset, agent, other, directory, name):
        self.platform, self.bot, self.handset, self.agent, self.other = platform, bot, handset, agent, other
        self.directory, self.name, self.phone = directory, name, f"phones/{handset.number}"
        self.uri = f"sip:{name}@botplatform.{DOMAIN}"

    def parts(self, is_resumable):
        yield "capabilities of a handset, and 404 for nobody", self.capabilities
        yield "a text with suggestions is shown, delivered and read; a repeated id is ignored", self.text
        yield "a card with a picture by URL", self.card
        yield "a carousel", self.carousel
        yield "what is wrong with a card is named by its place", self.refused
        yield "the user taps and answers", self.answers
        yield "typing, both ways, and read", self.events
        yield "a file by URL, and redirects are not followed", self.by_url
        yield "bytes uploaded come to the handset as they were", lambda: self.upload({}, LARGE)
        yield "bytes uploaded after a part that describes them", lambda: self.upload({"body": {}}, LARGE)
        if is_resumable:
            yield "bytes uploaded in pieces", lambda: self.upload({"resumable": True}, LARGE)
            yield "an upload in pieces goes on where it broke off", self.broken_off
        yield "a message is taken back before it arrives", self.revoked
        yield "who of many can be reached", self.batch
        yield "what devices can take, told by webhook", self.callback
        yield "a tester is invited and agrees", self.tester
        yield "while it is tested it reaches its testers and nobody else", self.tested
        yield "what needs Dialogflow is said not to be there", self.dialogflow
        yield "a token that the library signs itself", self.self_signed
        yield "another agent's name is refused", self.other_agent
        yield "a key that is removed is good no more", self.key_removed

    def create(self, body, phone=None, **more):
        """Sends a message; its id."""
        message_id = str(uuid.uuid4())
        parameters = {"parent": phone or self.phone, "messageId": message_id, **more.pop("parameters", {})}
        made = self.agent.result("phones.agentMessages.create", parameters, body, **more)
        assert made["name"] == f"{phone or self.phone}/agentMessages/{message_id}", made
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", made["sendTime"]), made
        return message_id

    def shown(self, message_id):
        return self.handset.shows(f"message {message_id}", lambda one: one["id"] == message_id)

    def capabilities(self):
        features = self.agent.result("phones.getCapabilities", {"name": self.phone, "requestId": str(uuid.uuid4())})["features"]
        assert {"RICHCARD_STANDALONE", "RICHCARD_CAROUSEL", "ACTION_OPEN_URL_IN_WEBVIEW"} <= set(features), features
        for nobody in (NOBODY, self.other):
            self.agent.error(404, "phones.getCapabilities", {"name": f"phones/{nobody}", "requestId": "r1"})
        self.agent.error(404, "phones.agentMessages.create", {"parent": f"phones/{NOBODY}", "messageId": "m"}, {"contentMessage": {"text": "?"}})

    def text(self):
        chips = [
            {"reply": {"text": "North", "postbackData": "go:north"}},
            {"action": {"text": "Call", "postbackData": "call", "dialAction": {"phoneNumber": "+8613800000009"}}},
        ]
        body = {"contentMessage": {"text": "Which way?", "suggestions": chips}, "messageTrafficType": "TRANSACTION"}
        message_id = self.create(body, parameters={"agentId": self.name})
        again = {"parent": self.phone, "messageId": message_id, "agentId": self.name}
        self.agent.result("phones.agentMessages.create", again, body)
        one = self.shown(message_id)
        assert one["type"].startswith("multipart/mixed") and "Which way?" in one["body"] and "go:north" in one["body"], one
        self.bot.hears_event("DELIVERED", message_id)
        self.bot.hears_event("READ", message_id)
        after = self.create({"contentMessage": {"text": "later"}})
        self.shown(after)
        assert sum(one["id"] == message_id for one in self.handset.shown) == 1, "it came twice"

    def card(self):
        media = {"height": "MEDIUM", "contentInfo": {"fileUrl": f"{self.bot.root}/picture.png", "forceRefresh": False}}
        content = {"title": "G1", "description": "09:00 to 13:28", "media": media}
        content["suggestions"] = [{"action": {"text": "Open", "postbackData": "o", "openUrlAction": {"url": "https://rcs.example/"}}}]
        card = {"standaloneCard": {"cardOrientation": "HORIZONTAL", "thumbnailImageAlignment": "LEFT", "cardContent": content}}
        one = self.shown(self.create({"contentMessage": {"richCard": card}}))
        assert one["type"] == BOT_MESSAGE, one
        shown = json.loads(one["body"])["message"]["generalPurposeCard"]
        assert shown["layout"] == {"cardOrientation": "HORIZONTAL", "imageAlignment": "LEFT"}, shown
        media = shown["content"]["media"]
        assert (media["mediaContentType"], media["mediaFileSize"]) == ("image/png", len(PICTURE)), media
        assert shown["content"]["suggestions"][0]["action"]["urlAction"]["openUrl"]["url"] == "https://rcs.example/", shown

    def carousel(self):
        cards = [{"title": f"Number {n}", "description": "of two"} for n in (1, 2)]
        carousel = {"carouselCard": {"cardWidth": "MEDIUM", "cardContents": cards}}
        one = self.shown(self.create({"contentMessage": {"richCard": carousel}, "ttl": "600s"}))
        shown = json.loads(one["body"])["message"]["generalPurposeCardCarousel"]
        assert [card["title"] for card in shown["content"]] == ["Number 1", "Number 2"], shown

    def refused(self):
        cards = [{"title": "x"}] * 11
        body = {"contentMessage": {"richCard": {"carouselCard": {"cardWidth": "MEDIUM", "cardContents": cards}}}}
        error = self.agent.error(400, "phones.agentMessages.create", {"parent": self.phone, "messageId": "m"}, body)
        place = "contentMessage.richCard.carouselCard.cardContents"
        assert error["message"] == f"{place}: 11 > 10" and place in json.dumps(error["details"]), error
        self.agent.error(400, "phones.agentMessages.create", {"parent": self.phone}, {"contentMessage": {"text": "x"}})

    def answers(self):
        said = self.handset.send(self.uri, "text/plain;charset=UTF-8", "我要去北京")
        heard = self.bot.hears("what the user says", lambda one: one.get("messageId") == said)
        assert (heard["text"], heard["senderPhoneNumber"], heard["agentId"]) == ("我要去北京", self.handset.number, self.name), heard
        tap = {"response": {"reply": {"displayText": "North", "postback": {"data": "go:north"}}}}
        tapped = self.handset.send(self.uri, RESPONSE, json.dumps(tap))
        heard = self.bot.hears("the tap", lambda one: one.get("messageId") == tapped)
        assert heard["suggestionResponse"] == {"postbackData": "go:north", "text": "North", "type": "REPLY"}, heard
        shared = self.handset.send(self.uri, "text/plain", "geo:39.865,116.378;u=10;rcs-l=Beijing%20South")
        heard = self.bot.hears("the place", lambda one: one.get("messageId") == shared)
        assert heard["location"] == {"latitude": 39.865, "longitude": 116.378}, heard
        self.said = said

    def events(self):
        events = "phones.agentEvents.create"
        made = self.agent.result(events, {"parent": self.phone, "eventId": str(uuid.uuid4())}, {"eventType": "IS_TYPING"})
        assert made["eventType"] == "IS_TYPING", made
        self.handset.shows("that the agent types", lambda one: one["type"].startswith(COMPOSING) and "active" in one["body"])
        report = lambda status: lambda one: one["type"].startswith("message/imdn") and self.said in one["body"] and status in one["body"]  # noqa: E731
        self.handset.shows("that it is delivered", report("<delivered/>"))
        assert not any(report("<displayed/>")(one) for one in self.handset.shown), "read before the agent has said so"
        read = {"eventType": "READ", "messageId": self.said}
        self.agent.result(events, {"parent": self.phone, "eventId": str(uuid.uuid4())}, read)
        self.handset.shows("that it is read", report("<displayed/>"))
        composing = '<?xml version="1.0"?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state></isComposing>'
        self.handset.send(self.uri, COMPOSING, composing)
        self.bot.hears("that the user types", lambda one: one.get("eventType") == "IS_TYPING")

    def by_url(self):
        body = {"fileUrl": f"{self.bot.root}/picture.png"}
        name = self.agent.result("files.create", {"agentId": self.name}, body)["name"]
        assert name.startswith("files/"), name
        self.arrives({"uploadedRbmFile": {"fileName": name}}, PICTURE)
        error = self.agent.error(400, "files.create", {}, {"fileUrl": f"{self.bot.root}/elsewhere"})
        assert "302" in error["message"], error

    def upload(self, how, picture):
        path = self.directory / ("large.png" if picture is LARGE else "picture.png")
        media = {"path": str(path), "type": "image/png", "resumable": how.get("resumable", False)}
        body = {"body": how["body"]} if "body" in how else {}
        name = self.agent.result("files.create", {}, media=media, **body)["name"]
        self.arrives({"uploadedRbmFile": {"fileName": name}}, picture)

    def broken_off(self):
        token, total = self.agent.result("token"), len(PICTURE)

        def ask(method, url, body=b"", content_range=None):
            headers = {"Authorization": f"Bearer {token}", **({"Content-Range": content_range} if content_range else {})}
            connection = http.client.HTTPConnection(self.platform.http, timeout=PATIENCE_S)
            connection.request(method, url, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

        status, headers, _ = ask("POST", "/upload/v1/files?uploadType=resumable")
        assert status == 200, status
        place = headers["Location"].split(self.platform.http, 1)[1]
        for content_range, body, so_far in (
            (f"bytes */{total}", b"", None),
            (f"bytes 0-999/{total}", PICTURE[:1000], "bytes=0-999"),
            (f"bytes */{total}", b"", "bytes=0-999"),
            # A piece that does not follow changes nothing.
            (f"bytes 2000-2999/{total}", PICTURE[2000:3000], "bytes=0-999"),
            (f"bytes 0-999/{total}", PICTURE[:1000], "bytes=0-999"),
        ):
            status, headers, _ = ask("PUT", place, body, content_range)
            assert (status, headers["Range"]) == (308, so_far), (content_range, status, headers["Range"])
        # One breaks off: it says more than comes.
        broken = socket.create_connection(("127.0.0.1", self.platform.http_port))
        head = f"PUT {place} HTTP/1.1\r\nHost: {self.platform.http}\r\nAuthorization: Bearer {token}\r\n"
        head += f"Content-Range: bytes 1000-{total - 1}/{total}\r\nContent-Length: {total - 1000}\r\n\r\n"
        broken.sendall(head.encode() + PICTURE[1000:1500])
        broken.close()
        # Some of it has come or nothing: from what is here the client goes on, until all is.
        status, headers, answer = ask("PUT", place, b"", f"bytes */{total}")
        while status == 308:
            here = int(headers["Range"].split("-")[1]) + 1
            assert here in range(1000, 1501), here
            status, headers, answer = ask("PUT", place, PICTURE[here:], f"bytes {here}-{total - 1}/{total}")
        assert status == 200, (status, answer)
        self.arrives({"uploadedRbmFile": {"fileName": json.loads(answer)["name"]}}, PICTURE)
        # Whoever lost the answer asks again.
        status, _, again = ask("PUT", place, b"", f"bytes */{total}")
        assert (status, again) == (200, answer), (status, again)

    def arrives(self, content, picture):
        """A message with a file; the handset fetches it."""
        one = self.shown(self.create({"contentMessage": content}))
        assert one["type"] == FILE, one
        url = re.findall(r'url="([^"]*)"', one["body"])[-1].replace("&amp;", "&")
        # Wherever handsets reach the platform: here it is on loopback.
        path = urllib.parse.urlsplit(url).path
        with urllib.request.urlopen(f"http://{self.platform.http}{path}", timeout=PATIENCE_S) as answer:
            assert answer.read() == picture, f"{url} is another picture"

    def revoked(self):
        phone = f"phones/{self.other}"
        kept, taken = (self.create({"contentMessage": {"text": text}}, phone=phone) for text in ("kept", "taken back"))
        delete = "phones.agentMessages.delete"
        assert self.agent.result(delete, {"name": f"{phone}/agentMessages/{taken}"}) == {}
        # Nobody is told whether there was anything to take back.
        assert self.agent.result(delete, {"name": f"{phone}/agentMessages/{uuid.uuid4()}"}) == {}
        wait_for("it has left the mailbox", lambda: self.platform.waiting(self.other) == 1)
        other = Handset(self.platform, self.other)
        other.shows("what was not taken back", lambda one: one["id"] == kept)
        self.bot.hears_event("DELIVERED", kept)
        assert not any(one["id"] == taken for one in other.shown)

    def batch(self):
        # One has a device that knows nothing of chatbots.
        plain = Handset(self.platform, self.platform.subscriber(), MESSAGES)
        users = [self.handset.number, self.other, plain.number, NOBODY]
        answer = self.agent.result("users.batchGet", {}, {"users": users, "agentId": self.name})
        assert answer["reachableUsers"] == users[:2] and answer["totalRandomSampleUserCount"] == 0, answer
        self.agent.error(404, "phones.getCapabilities", {"name": f"phones/{plain.number}", "requestId": "r2"})

    def callback(self):
        for phone, is_enabled in ((self.phone, True), (f"phones/{NOBODY}", False)):
            request_id = str(uuid.uuid4())
            asked = self.agent.result("phones.capability.requestCapabilityCallback", {"name": phone}, {"requestId": request_id})
            assert asked == {}, asked
            told = self.bot.hears("what devices can take", lambda one, wanted=request_id: one.get("requestId") == wanted)
            assert (told["phoneNumber"], told["rbmEnabled"]) == (phone.removeprefix("phones/"), is_enabled), told
            assert ("RICHCARD_CAROUSEL" in told["features"]) == is_enabled, told

    def tester(self):
        invite = lambda: self.agent.result("phones.testers.create", {"parent": self.phone}, {})["inviteStatus"]  # noqa: E731
        assert invite() == "PENDING"
        self.handset.shows("the invitation", lambda one: "hongyan.tester.accept" in one["body"])
        tap = {"response": {"reply": {"displayText": "Yes", "postback": {"data": "hongyan.tester.accept"}}}}
        self.handset.send(self.uri, RESPONSE, json.dumps(tap))
        wait_for("the user has agreed", lambda: self.platform.admin("GET", f"/chatbots/{self.name}/invitations")[1][0]["status"] == "accepted")
        assert invite() == "ACCEPTED"

    def tested(self):
        status, told = self.platform.admin("POST", f"/chatbots/{self.name}/test", {})
        assert status == 200, told
        parameters, body = {"parent": f"phones/{self.other}", "messageId": "m"}, {"contentMessage": {"text": "early"}}
        self.agent.error(403, "phones.agentMessages.create", parameters, body)
        other = {"name": f"phones/{self.other}", "requestId": "r3"}
        self.agent.error(403, "phones.getCapabilities", other)
        self.agent.error(403, "phones.capability.requestCapabilityCallback", {"name": other["name"]}, {"requestId": "r4"})
        self.agent.error(403, "phones.agentEvents.create", {"parent": other["name"], "eventId": "e"}, {"eventType": "IS_TYPING"})
        reached = self.agent.result("users.batchGet", {}, {"users": [self.handset.number, self.other]})["reachableUsers"]
        assert reached == [self.handset.number], reached
        self.shown(self.create({"contentMessage": {"text": "for testers"}}))

    def dialogflow(self):
        parameters = {"parent": self.phone, "messageIdPrefix": "x"}
        error = self.agent.error(501, "phones.dialogflowMessages.create", parameters, {"eventName": "hello"})
        assert "agentMessages" in error["message"], error

    def self_signed(self):
        self.shown(self.create({"contentMessage": {"text": "signed by myself"}}, auth="self-signed"))

    def other_agent(self):
        parameters = {"parent": self.phone, "messageId": "m", "agentId": "somebody-else"}
        self.agent.error(403, "phones.agentMessages.create", parameters, {"contentMessage": {"text": "x"}})
        media = {"path": str(self.directory / "picture.png"), "type": "image/png"}
        self.agent.error(403, "files.create", {"agentId": "somebody-else"}, media=media)

    def key_removed(self):
        keys = f"/chatbots/{self.name}/keys"
        (key,) = self.platform.admin("GET", keys)[1]
        assert self.platform.admin("DELETE", f"{keys}/{key['keyId']}")[0] == 204
        told = self.agent.ask("phones.agentMessages.create", {"parent": self.phone, "messageId": "m"}, {"contentMessage": {"text": "x"}})
        assert "error" in told, told
