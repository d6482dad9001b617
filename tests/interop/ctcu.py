"""The joint interface of China Telecom and China Unicom: no client of it is to be had from a registry, so the chatbot is one of our
own, written after the documented forms, made and reviewed by the command line as an operator would; JsSIP is on the other side.
"""

import hashlib
import json
import subprocess
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler

from bot_user import CARD, FILE, PICTURE, User, call, form, serve
from client import Teller
from fnw11 import local
from platform_under_test import wait_for

CHIPS = "application/vnd.gsma.botsuggestion.v1.0+json"
RESPONSE = "application/vnd.gsma.botsuggestion.response.v1.0+json"
FILE_ITEMS = "application/vnd.gsma.rcs-ft-http"
SPAM = "application/vnd.gsma.rcsspam-report+xml"

# As on the operators' platforms: what chatbots show is looked at, and what they show was uploaded here.
SETTINGS = {"MAAP__AUTO_APPROVE": "false", "MAAP__ISSUED_MEDIA_ONLY": "true"}


class Bot(Teller):
    """A chatbot: calls the API with its token, and has a webhook that takes nothing unsigned."""

    def __init__(self):
        super().__init__("the chatbot")
        self.pushed, self.checked, self.token = [], [], None
        # How it wants its URI in paths of pushes.
        self.is_encoded = False
        bot = self

        class Webhook(BaseHTTPRequestHandler):
            def do_GET(self):
                is_signed = bot.is_signed(self.headers) and self.path == "/notify/notifyPath"
                bot.checked.append((self.headers["chatbotId"], is_signed))
                self.answer(200 if is_signed else 401, {"echoStr": self.headers["echoStr"], "appId": bot.app_id})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                if not bot.is_signed(self.headers):
                    return self.answer(401)
                if bot.is_encoded != ("%40" in self.path):
                    return self.answer(404)
                bot.pushed.append((urllib.parse.unquote(self.path), json.loads(body) if body else None))
                return self.answer(204)

            def answer(self, status, headers=None):
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server, self.webhook = serve(Webhook)

    def is_made(self, platform, created):
        self.id, self.app_id, self.app_key = created["chatbotId"], created["appId"], created["appKey"]
        self.callback_token, self.root = created["callbackToken"], f"http://{platform.http}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def is_signed(self, headers):
        signed = sorted([self.callback_token, headers["timestamp"] or "", headers["nonce"] or ""])
        return hashlib.sha256("".join(signed).encode()).hexdigest() == headers["signature"]

    def call(self, method, operation, body=None, headers=None, name=None):
        """A call: its JSON, or its bytes if it is none. HTTP says 200 also of what is refused."""
        headers = {"authorization": f"accessToken {self.token}", "content-type": "application/json", **(headers or {})}
        body = json.dumps(body).encode() if isinstance(body, dict) else body
        status, _, answer = call(method, f"{self.root}/bot/v1/{name or self.id}/{operation}", headers, body)
        assert status in (200, 206), f"{status} {answer}"
        return json.loads(answer) if answer.startswith(b"{") else answer

    def log_in(self, **more):
        return self.call("POST", "accessToken", {"appId": self.app_id, "appKey": self.app_key, **more}, {"authorization": "accessToken "})

    def message(self, to, *items, **more):
        """The documented form of a send."""
        return {
            "messageId": str(uuid.uuid4()),
            "messageList": [{"contentType": kind, "contentEncoding": "utf8", "contentText": text} for kind, text in items],
            "destinationAddress": [f"tel:{number}" for number in to],
            "senderAddress": self.id,
            "conversationId": str(uuid.uuid4()),
            "contributionId": str(uuid.uuid4()),
            "serviceCapability": [{"capabilityId": "ChatbotSA", "version": '+g.gsma.rcs.botversion="#=1"'}],
            **more,
        }

    def send(self, message, **how):
        return self.call("POST", "messages", message, **how)

    def told(self, path, is_it=lambda body: True, since=0):
        """Waits for a push to this path, the chatbot's URI left out of it."""

        def look():
            pushed = ((at.replace(f"/{self.id}", "", 1), body) for at, body in list(self.pushed)[since:])
            return next((body or {"nothing": True} for at, body in pushed if at == f"/notify/{path}" and is_it(body)), None)

        return wait_for(f"the chatbot is told by {path}; it was told {self.pushed[-3:]}", look)

    def status(self, message_id, word, number=None):
        """Waits for what became of a message."""

        def is_it(body):
            [info] = body["deliveryInfoList"]
            is_user = number is None or info["senderAddress"] == f"tel:{number}"
            return (info["messageId"], info["status"]) == (message_id, word) and is_user

        return self.told("deliveryNotification/status", is_it)["deliveryInfoList"][0]


def run(platform, checks, directory):
    bot, user = Bot(), User(platform)
    try:
        tell(platform, checks, bot, user)
    finally:
        bot.stop()
        user.stop()


def tell(platform, checks, bot, user):
    story, me, known = checks.story, [user.number], {}

    def hongyan(*words):
        """A command of the operator's; what it prints."""
        done = subprocess.run([platform.program, *words, "--data", platform.data], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def begins():
        made = hongyan("chatbot", "create", "10690033", "--display-name", "天气", "--webhook", bot.webhook, "--allow-private-webhook", "--json")
        bot.is_made(platform, json.loads(made))
        user.told("registered")

    def token():
        assert bot.log_in(appKey="guess")["errorCode"] == 40001
        assert bot.send(bot.message(me, ("text/plain", "too early")))["errorCode"] == 40014
        answer = bot.log_in()
        assert set(answer) == {"accessToken", "expires", "url", "errorCode"} and answer["expires"] == 7200, answer
        bot.token = answer["accessToken"]
        wait_for("the webhook is checked", lambda: bot.checked)
        assert bot.checked[0] == (bot.id, True), bot.checked
        # The answer to the check may be on its way still.
        message = bot.message(me, ("text/plain", "去哪里？"))
        answer = wait_for("the check has passed", lambda: (sent := bot.send(message))["errorCode"] != 30006 and sent)
        expected = {name: message[name] for name in ("messageId", "conversationId", "contributionId")}
        assert answer == {**expected, "errorCode": 0, "errorMessage": "ok"}, answer
        assert user.heard(lambda event: event["id"] == message["messageId"])["message"] == "去哪里？"
        for word in ("sent", "delivered", "displayed"):
            info = bot.status(message["messageId"], word)
            assert (info["errorCode"], info["destinationAddress"]) == (0, bot.id), info
        bot.token, old = bot.log_in()["accessToken"], bot.token
        assert bot.send(message, headers={"authorization": f"accessToken {old}"})["errorCode"] == 40014

    def forms():
        address = bot.id.removeprefix("sip:")
        for name in (bot.id, urllib.parse.quote(bot.id, safe=""), bot.id.replace("@", "%40"), address, "10690033"):
            message = bot.message(me, ("text/plain", name))
            assert bot.send(message, name=name)["errorCode"] == 0, name
            user.heard(lambda event, message=message: event["id"] == message["messageId"])
        for headers in ({"authorization": bot.token}, {"authorization": "", "accessToken": bot.token}):
            assert bot.call("GET", "find/chatBotInfo", headers=headers)["errorCode"] == 0
        assert bot.call("GET", "find/chatBotInfo", name=urllib.parse.quote(urllib.parse.quote(bot.id, safe=""), safe=""))["errorCode"] == 20002

    def kinds():
        card = {"title": "明天", "description": "晴", "suggestions": [{"reply": {"displayText": "后天", "postback": {"data": "2"}}}]}
        one = {"message": {"generalPurposeCard": {"layout": {"cardOrientation": "VERTICAL"}, "content": card}}}
        many = {"message": {"generalPurposeCardCarousel": {"layout": {"cardWidth": "SMALL_WIDTH"}, "content": [card] * 12}}}
        chips = {"suggestions": [{"reply": {"displayText": "后天", "postback": {"data": "2"}}}]}
        place = "geo:39.865,116.378;crs=gcj02;u=10;rcs-l=%E5%8C%97%E4%BA%AC%E5%8D%97"
        for expected, items in (
            ("multipart/mixed", [("text/plain", "要哪一天？"), (CHIPS, chips)]),
            (CARD, [(CARD, one)]),
            ("multipart/mixed", [(CARD, many), (CHIPS, chips)]),
            ("text/plain", [("text/plain", place)]),
        ):
            message = bot.message(me, *items)
            assert bot.send(message)["errorCode"] == 0, items
            heard = user.heard(lambda event, message=message: event["id"] == message["messageId"])
            assert heard["type"].startswith(expected), heard
            # The same again, as after an answer that was lost, is answered as at first and heard once.
            assert bot.send(message)["errorCode"] == 0
        heard = [json.loads(line).get("id") for line in user.events if line.startswith("{") and '"message"' in line]
        assert len(heard) == len(set(heard)), heard

    def refused():
        text = ("text/plain", "x")
        for code, message in (
            (30008, bot.message(me, text, senderAddress="sip:other@botplatform.hongyan.local")),
            (40021, bot.message(me, ("text/plain", "长" * 2001))),
            (60003, bot.message(me, ("image/png", "x"))),
            (20002, bot.message([], text)),
            (20002, bot.message(me, text, messageId="")),
            (40007, bot.message(me, (FILE_ITEMS, [{"type": "file", "url": "https://f.example/a.png", "fileSize": 1, "contentType": "image/png"}]))),
        ):
            answer = bot.send(message)
            assert answer["errorCode"] == code, (code, answer)
        assert bot.send(b"")["errorCode"] == 44002
        assert bot.send('{"messageId":"中'.encode("gbk"))["errorCode"] == 47001
        assert bot.send(b"[" * 100_000)["errorCode"] == 47001

    def hundred():
        numbers = [platform.subscriber() for _ in range(99)]
        nobody = "+8613999999999"
        message = bot.message([*me, *numbers, nobody], ("text/plain", "台风"))
        assert bot.send(message)["errorCode"] == 0
        assert user.heard(lambda event: event["id"] == message["messageId"])["message"] == "台风"
        assert bot.status(message["messageId"], "failed", nobody)["errorCode"] == 1
        assert [platform.waiting(number) for number in numbers] == [1] * 99
        known["group"], known["away"] = message["messageId"], numbers

    def revoked():
        asked = {"messageId": known["group"], "destinationAddress": [f"tel:{known['away'][0]}", f"tel:{user.number}"], "status": "RevokeRequested"}
        assert bot.call("POST", "revoke", asked) == {"messageId": known["group"], "errorCode": 0, "errorMessage": "ok"}
        bot.status(known["group"], "revokeOk", known["away"][0])
        bot.status(known["group"], "revokeFail", user.number)
        assert platform.waiting(known["away"][0]) == 0

    def says():
        said = user.say(bot.id, "text/plain;charset=UTF-8", "北京")
        push = bot.told("messageNotification/messages", lambda body: body["messageId"] == said)
        expected = {"contentType": "text/plain", "contentEncoding": "utf8", "contentText": "北京", "messageItem": "text", "messageFileSize": 6}
        assert push["messageList"] == [expected], push
        assert (push["senderAddress"], push["destinationAddress"]) == (f"tel:{user.number}", bot.id), push
        user.told("report", lambda report: report["id"] == said and report["report"] == "displayed")
        answer = bot.message(me, ("text/plain", "晴"), inReplyTo=push["contributionId"], conversationId=push["conversationId"])
        assert bot.send(answer)["errorCode"] == 0
        said = user.tap(bot.id, "后天", "2")
        push = bot.told("messageNotification/messages", lambda body: body["messageId"] == said)
        item = push["messageList"][0]
        assert item["contentType"] == RESPONSE and item["contentText"]["response"]["reply"]["postback"]["data"] == "2", item
        # A webhook that knows the other form of the path alone.
        bot.is_encoded = True
        said = user.say(bot.id, "text/plain;charset=UTF-8", "再见")
        bot.told("messageNotification/messages", lambda body: body["messageId"] == said)
        bot.is_encoded = False

    def spam():
        report = f"<SR><Chatbot>{bot.id}</Chatbot><Message-ID>{known['group']}</Message-ID><spam-type>advertisement</spam-type><free-text>天天</free-text></SR>"
        user.say(bot.id, SPAM, report)
        expected = {"messageId": [known["group"]], "spamType": "advertisement", "freeText": "天天"}
        assert bot.told("notifyInfoNotification/notice/rcsspam") == expected

    def upload(mode, *files):
        content_type, body = form(list(files))
        return bot.call("POST", "medias/upload", body, {"content-type": content_type, "uploadMode": mode})

    def media():
        kept = upload("perm", ("1", ("small.png", PICTURE)), ("2", ("large.png", PICTURE)))
        assert (kept["errorCode"], kept["fileCount"], kept["totalCount"]) == (0, 2, 1), kept
        urls = [file["url"] for file in kept["fileInfo"]]
        items = [
            {"type": kind, "url": url, "fileName": "a.png", "fileSize": len(PICTURE), "contentType": "image/png"}
            for kind, url in zip(("thumbnail", "file"), urls, strict=True)
        ]
        message = bot.message(me, (FILE_ITEMS, items))
        # Until the operator has looked at it, neither cards nor handsets show it; its chatbot has it back.
        assert bot.send(message)["errorCode"] == 40007
        assert call("GET", local(platform, urls[1]))[0] == 404
        assert bot.call("GET", "medias/download", headers={"url": urls[1]}) == PICTURE
        assert bot.call("GET", "medias/download", headers={"url": urls[1], "range": "bytes=1-3"}) == b"PNG"
        [waiting] = [review for review in json.loads(hongyan("review", "list", "--json")) if review["topic"].startswith("media-")]
        hongyan("review", "approve", "10690033", waiting["topic"])
        is_it = lambda body: body["remark"] == f"url:{urls[1]}"  # noqa: E731
        check = bot.told("notifyInfoNotification/check", is_it)
        assert (check["type"], check["result"]) == ("media", "pass"), check
        assert bot.send(message)["errorCode"] == 0
        heard = user.heard(lambda event: event["id"] == message["messageId"])
        assert heard["type"].startswith(FILE), heard
        gone = bot.call("DELETE", "medias/delete", headers={"url": urls[1]})
        assert gone == {"deleteMode": "perm", "fileCount": 2, "totalCount": 0, "errorCode": 0, "errorMessage": "ok"}, gone
        assert bot.call("DELETE", "medias/delete", headers={"url": urls[1]})["errorCode"] == 40007
        assert bot.call("GET", "medias/download")["errorCode"] == 41006
        assert upload("temp", ("file", ("a.html", b"<script>")))["errorCode"] == 40005
        assert upload("temp", ("file", ("a.png", b"")))["errorCode"] == 44001
        assert "until" in upload("temp", ("file", ("a.png", PICTURE)))["fileInfo"][0]

    def data():
        assert bot.call("POST", "update/chatBotInfo/optionals", {"themeColour": "blue"})["errorCode"] == 40011
        done = {"errorCode": 0, "errorMessage": "ok"}
        assert bot.call("POST", "update/chatBotInfo/optionals", {"serviceDescription": "明天下雨吗", "category": ["天气"]}) == done
        entry = {"reply": {"displayText": "明天", "postback": {"data": "1"}}}
        assert bot.call("POST", "update/chatBotInfo/menu", {"menu": {"entries": [entry] * 4}})["errorCode"] == 47002
        menu = {"entries": [entry, {"menu": {"displayText": "更多", "entries": [entry] * 5}}]}
        assert bot.call("POST", "update/chatBotInfo/menu", {"menu": menu}) == done
        own = bot.call("GET", "find/chatBotInfo")
        assert own["status"] == 0 and "menu" not in own and "serviceDescription" not in own, own
        since = len(bot.pushed)
        hongyan("review", "approve", "10690033", "data")
        hongyan("review", "reject", "10690033", "menu", "--reason", "字太小")
        about = lambda result: lambda body: (body["type"], body["result"]) == ("chatbotInformation", result)  # noqa: E731
        bot.told("notifyInfoNotification/notice/informationChange", since=since)
        bot.told("notifyInfoNotification/check", about("pass"), since)
        assert bot.told("notifyInfoNotification/check", about("fail"), since)["description"] == "字太小"
        assert bot.call("POST", "update/chatBotInfo/menu", {"menu": menu}) == done
        hongyan("review", "approve", "10690033", "menu")
        own = bot.call("GET", "find/chatBotInfo")
        assert (own["serviceDescription"], own["category"], own["menu"], own["accessNo"]) == ("明天下雨吗", ["天气"], menu, "10690033"), own

    def paused():
        hongyan("chatbot", "suspend", "10690033")
        assert bot.send(bot.message(me, ("text/plain", "x")))["errorCode"] == 48001
        assert bot.call("GET", "find/chatBotInfo")["status"] == 2
        hongyan("chatbot", "resume", "10690033")

    def limits():
        hongyan("chatbot", "limits", "10690033", "--per-day", "1")
        assert bot.send(bot.message([known["away"][1]] * 2 + known["away"][2:5], ("text/plain", "x")))["errorCode"] == 30001

    story("the operator makes a chatbot with the command line, and the handset registers", begins)
    story("a token sets off the check of the webhook, and a message arrives and is told of", token)
    story("every form of the chatbot's id, and of the token", forms)
    story("every kind of content arrives, once", kinds)
    story("what is wrong is refused with its code", refused)
    story("one send reaches a hundred", hundred)
    story("a message is taken back from who has not got it", revoked)
    story("what the user says and taps is pushed, signed, in either form of the path", says)
    story("a report of spam is told, and not whose it is", spam)
    story("media are uploaded, reviewed, shown, downloaded and deleted", media)
    story("data and menu show when the operator has approved them", data)
    story("a chatbot that is suspended is silent", paused)
    story("limits are told by their codes", limits)
