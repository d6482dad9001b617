"""GSMA FNW.11: the package rcs-chatbot as it is, on one side, and JsSIP on the other. What the package does not call (status,
capabilities, typing, files, tokens) is called by a few lines of our own.
"""

import json
import subprocess
import threading
import urllib.parse
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import virtual_environment
from bot_user import CARD, COMPOSING, FILE, PICTURE, JsonClient, User, call, form

HERE = Path(__file__).parent / "rcs-chatbot"


class Api:
    """Calls of the API with a token."""

    def __init__(self, created, token=None):
        self.root = f"{created['endpoints']['apiUrl']}/{created['chatbotId']}"
        self.token = token or created["appKey"]

    def __call__(self, method, path, body=None, headers=None):
        """A call: status and JSON."""
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if isinstance(body, dict):
            headers["Content-Type"], body = "application/json", json.dumps(body).encode()
        status, _, answer = call(method, f"{self.root}/{path}", headers, body)
        return status, json.loads(answer or b"null")


def made_by_command(platform):
    """A chatbot as an operator makes it; what its program is told."""
    command = [platform.program, "chatbot", "create", "10690011", "--dialect", "fnw11", "--allow-private-webhook", "--json"]
    address = ["--server", f"http://{platform.http}", "--token-file", platform.data / "admin-token"]
    made = subprocess.run([*command, *address], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def run(platform, checks, directory):
    program = virtual_environment.install(HERE, "rcs_chatbot", "--no-deps", "--require-hashes")
    if program is None:
        checks.skipped("rcs-chatbot", "it cannot be installed here (pip)")
        return
    created = checks.story("hongyan chatbot create gives what a client needs", lambda: made_by_command(platform))
    if not created:
        return
    created["endpoints"] = {name: local(platform, url) for name, url in created["endpoints"].items()}
    arguments = [created["endpoints"]["apiUrl"], created["chatbotId"], created["appKey"], created["callbackToken"]]
    bot = JsonClient("rcs-chatbot", [program, "-B", HERE / "bot.py", *arguments])
    user = User(platform)
    try:
        tell(platform, checks, created, bot, user)
    finally:
        bot.stop()
        user.stop()


def local(platform, url):
    """A URL of the platform at the address where it listens here."""
    return urllib.parse.urlsplit(url)._replace(scheme="http", netloc=platform.http).geturl()


def tell(platform, checks, created, bot, user):
    story, me, api = checks.story, created["chatbotId"], Api(created)

    def send(**command):
        """The package sends; the id of the message."""
        since = len(bot.events)
        bot.command(json.dumps({"to": user.number, **command}))
        answer = bot.told("answer", since=since)["answer"]["RCSMessage"]
        assert answer["status"] == "pending", answer
        return answer["msgId"]

    def event(kind, is_it=lambda event: True):
        """What the package's handler for this kind of event was given."""
        told = bot.told("event", lambda told: told["handler"] == kind and is_it(told["event"]))
        assert told["authorized"], told
        return told["event"]

    def begins():
        webhook = f"http://127.0.0.1:{bot.told('listening')['listening']}/"
        status, answer = platform.admin("PATCH", f"/chatbots/{me}", {"webhook": webhook})
        assert status == 200, f"{status} {answer}"
        user.told("registered")

    def text():
        message_id = send(send="text", text="去哪里？", chips=[["addReply", "北京", "bj"], ["addUrlAction", "more", "m", "http://a.example/"]])
        heard = user.heard(lambda event: event["id"] == message_id)
        assert "去哪里？" in heard["message"] and '"displayText":"北京"' in heard["message"], heard
        for status in ("sent", "delivered", "displayed"):
            event("messageStatus", lambda told, s=status: told["RCSMessage"]["msgId"] == message_id and told["RCSMessage"]["status"] == s)
        status, answer = api("GET", f"messages/{message_id}/status")
        assert (status, answer) == (200, {"RCSMessage": {"msgId": message_id, "status": "displayed"}}), answer

    def oddities():
        dialers = [["addDialerAction", "phone", "p", "dialPhoneNumber", "12306", None], ["addDialerAction", "video", "v", "dialVideoCall", "12306", None]]
        message_id = send(send="text", text="call us", chips=dialers)
        heard = user.heard(lambda event: event["id"] == message_id)["message"]
        assert "dialPhoneNumber" in heard and "dialVideoCall" in heard, heard

    def cards():
        media = ["https://f.example/g1.jpg", "image/jpeg", 48211, "SHORT_HEIGHT", None, None, None, None]
        message_id = send(send="card", title="G1", media=media, buttons=[["addReply", "订", "buy:G1"]])
        heard = user.heard(lambda event: event["id"] == message_id)
        assert heard["type"].startswith(CARD), heard
        shown = json.loads(heard["message"])["message"]["generalPurposeCard"]["content"]
        assert (shown["title"], shown["suggestions"][0]["reply"]["displayText"]) == ("G1", "订"), shown
        message_id = send(send="carousel", cards=[{"title": "one"}, {"title": "two"}])
        carousel = json.loads(user.heard(lambda event: event["id"] == message_id)["message"])
        assert len(carousel["message"]["generalPurposeCardCarousel"]["content"]) == 2, carousel

    def place():
        message_id = send(send="place", pos="39.865 116.378", label="北京南站")
        heard = user.heard(lambda event: event["id"] == message_id)
        assert heard["message"].startswith("geo:39.865,116.378"), heard

    def refused():
        bot.command(json.dumps({"send": "text", "to": user.number, "text": "长" * 3073}))
        assert "3073 > 3072" in bot.told("refused")["refused"]
        wrong = Api(created, "no-such-token")
        status, answer = wrong("GET", "messages/x/status")
        assert status == 401 and answer["reason"]["text"], answer

    def answers():
        said = user.say(me, "text/plain;charset=UTF-8", "明天北京到上海")
        told = event("message", lambda told: told["RCSMessage"]["msgId"] == said)
        assert told["RCSMessage"]["textMessage"] == "明天北京到上海", told
        assert told["messageContact"] == {"userContact": user.number}, told
        user.told("report", lambda report: report["id"] == said and report["report"] == "delivered")
        # That it has read it, a chatbot of this interface says itself.
        assert not any('"report":"displayed"' in line and said in line for line in user.events)
        status, answer = api("PUT", f"messages/{said}/status", {"RCSMessage": {"status": "displayed"}})
        assert status == 200, answer
        user.told("report", lambda report: report["id"] == said and report["report"] == "displayed")

    def taps():
        said = user.tap(me, "北京", "bj")
        told = event("response", lambda told: told["RCSMessage"]["msgId"] == said)
        reply = told["RCSMessage"]["suggestedResponse"]["response"]["reply"]
        assert reply == {"displayText": "北京", "postback": {"data": "bj"}}, told
        said = user.tap(me, "", "new_bot_user_initiation")
        event("newUser", lambda told: told["RCSMessage"]["msgId"] == said)

    def typing():
        for state in ("active", "idle"):
            user.composes(me, state)
            event("isTyping", lambda told, s=state: told["RCSMessage"] == {"isTyping": s})
            body = {"RCSMessage": {"isTyping": state}, "messageContact": {"userContact": user.number}}
            status, answer = api("POST", "messages", body)
            assert status == 202, answer
            shown = user.heard(lambda event, s=state: event["type"].startswith(COMPOSING) and f"<state>{s}</state>" in event["message"])
            assert shown["from"] == me, shown

    def capabilities():
        status, answer = api("GET", f"contactCapabilities?userContact={urllib.parse.quote(user.number)}")
        assert (status, answer) == (200, {"capabilities": ["chat", "chatBotCommunication"]}), answer
        status, answer = api("GET", "contactCapabilities?userContact=%2B8613899999999")
        assert status == 404 and answer["reason"]["text"], answer

    def once():
        body = {"RCSMessage": {"textMessage": "once"}, "messageContact": {"userContact": user.number}}
        key = {"Idempotency-Key": "order-17"}
        first, second = api("POST", "messages", body, key), api("POST", "messages", body, key)
        assert first == second and first[0] == 202, (first, second)
        message_id = first[1]["RCSMessage"]["msgId"]
        user.heard(lambda event: event["id"] == message_id)
        # What is said later is heard later.
        after = send(send="text", text="after")
        user.heard(lambda event: event["id"] == after)
        assert sum(f'"id":"{message_id}"' in line and '"message"' in line for line in user.events) == 1, "it came twice"

    def taken_back():
        away = platform.subscriber()
        body = {"RCSMessage": {"textMessage": "never mind", "expiry": "3600"}, "messageContact": {"userContact": away}}
        status, answer = api("POST", "messages", body)
        assert status == 202, answer
        message_id = answer["RCSMessage"]["msgId"]
        assert platform.waiting(away) == 1
        status, answer = api("PUT", f"messages/{message_id}/status", {"RCSMessage": {"status": "canceled"}})
        assert status == 202, answer
        event("messageStatus", lambda told: told["RCSMessage"]["msgId"] == message_id and told["RCSMessage"]["status"] == "cancelled")
        assert platform.waiting(away) == 0
        assert api("GET", f"messages/{message_id}/status")[1]["RCSMessage"]["status"] == "cancelled"

    def files():
        until = (datetime.now(UTC) + timedelta(days=2)).isoformat()
        content_type, body = form([("fileType", "image/png"), ("until", until), ("fileContent", ("pixel.png", PICTURE))])
        status, file = api("POST", "files", body, {"Content-Type": content_type})
        assert status == 200 and file["status"] == "ready" and file["fileSize"] == len(PICTURE), file
        told = event("fileStatus", lambda told: told["file"]["fileId"] == file["fileId"])
        assert told["file"] == file, told
        status, _, bytes_ = call("GET", local(platform, file["fileUrl"]))
        assert (status, bytes_) == (200, PICTURE)
        assert api("GET", f"files/{file['fileId']}") == (200, file)
        message_id = send(send="file", url=file["fileUrl"], name="pixel.png")
        heard = user.heard(lambda event: event["id"] == message_id)
        assert heard["type"].startswith(FILE) and file["fileUrl"] in heard["message"], heard
        assert api("DELETE", f"files/{file['fileId']}") == (204, None)
        assert api("GET", f"files/{file['fileId']}")[0] == 404
        assert call("GET", local(platform, file["fileUrl"]))[0] in (404, 410)

    def fetched():
        with Shelf(PICTURE) as url:
            content_type, body = form([("fileType", "image/png"), ("fileUrl", url)])
            status, file = api("POST", "files", body, {"Content-Type": content_type})
        assert status == 200 and file["fileSize"] == len(PICTURE), file
        # Only what the operator allows for this chatbot.
        platform.admin("PATCH", f"/chatbots/{me}", {"allowPrivateWebhook": False})
        content_type, body = form([("fileType", "image/png"), ("fileUrl", "http://127.0.0.1:9/pixel.png")])
        status, answer = api("POST", "files", body, {"Content-Type": content_type})
        platform.admin("PATCH", f"/chatbots/{me}", {"allowPrivateWebhook": True})
        assert status == 400 and "reason" in answer, answer

    def token():
        grant = urllib.parse.urlencode({
            "grant_type": "client_credentials", "scope": "botmessage",
            "client_id": created["appId"], "client_secret": created["appKey"],
        })
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, answer = call("POST", created["endpoints"]["tokenUrl"], headers, grant.encode())
        granted = json.loads(answer)
        assert status == 200 and granted["token_type"] == "Bearer", granted
        assert Api(created, granted["access_token"])("GET", "messages/none/status")[0] == 404
        status, _, answer = call("POST", created["endpoints"]["tokenUrl"], headers, grant.encode() + b"x")
        assert status == 401 and json.loads(answer)["error"] == "invalid_client", answer

    story("the chatbot's webhook is set and the handset registers", begins)
    story("a text with chips arrives, and its statuses come as events", text)
    story("what the package puts beside its place is understood", oddities)
    story("a card and a carousel arrive", cards)
    story("a place arrives", place)
    story("a refusal names the rule, in the package's exception", refused)
    story("what the user says comes as an event, and is read when the chatbot says so", answers)
    story("a tap comes as a response, a new user's greeting as newUser", taps)
    story("typing shows both ways, and its end", typing)
    story("capabilities are those of the handset", capabilities)
    story("a call repeated with its idempotency key sends once", once)
    story("a message that waits is taken back", taken_back)
    story("a file is uploaded, told of, fetched, sent and deleted", files)
    story("a file is fetched from elsewhere, if that is allowed", fetched)
    story("client credentials buy a token", token)


class Shelf:
    """A picture on a server of its own, for as long as the `with` block runs."""

    def __init__(self, content):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/pixel.png"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
