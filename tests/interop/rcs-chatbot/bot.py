"""A chatbot on the package rcs-chatbot, told what to do on its standard input and telling what happens on its standard output.

    bot.py API-URL BOT-ID TOKEN WEBHOOK-TOKEN

Commands and events are JSON, one a line. `{"send": METHOD, ...}` calls the package: `text`, `card`, `carousel`, `file`, `audio`,
`place`, each with `to` and perhaps `chips`. Told are `{"listening": PORT}`, `{"answer": ...}` or `{"refused": ...}` to a command,
and `{"event": ..., "authorized": ...}` for whatever the webhook is given, after the package has read it.
"""

import json
import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import rcs_chatbot

api_url, bot_id, token, webhook_token = sys.argv[1:5]
logging.disable(logging.CRITICAL)
chatbot = rcs_chatbot.Chatbot(api_url, bot_id, token)
telling = threading.Lock()


def tell(**what):
    with telling:
        print(json.dumps(what), flush=True)


class Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        heard.authorized = self.headers.get("Authorization") == f"Bearer {webhook_token}"
        chatbot.processEvent(body)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


heard = threading.local()
for kind in rcs_chatbot.EventType:
    chatbot.registerEventHandler(kind)(
        lambda event, kind=kind: tell(event=event, handler=kind.value, authorized=heard.authorized)
    )


def chips(wanted):
    """Suggestions of the package, by the names of its methods: [["addReply", "yes", "y"], …]."""
    if not wanted:
        return None
    made = rcs_chatbot.Suggestions()
    for name, *arguments in wanted:
        if name == "addDialerAction":
            arguments[2] = rcs_chatbot.DialType(arguments[2])
        getattr(made, name)(*arguments)
    return made


def card(wanted):
    made = rcs_chatbot.Richcard()
    made.setTitle(wanted["title"])
    if "media" in wanted:
        made.setMedia(*wanted["media"])
    if "buttons" in wanted:
        made.setSuggestions(chips(wanted["buttons"]))
    return made


def content(command):
    kind = command["send"]
    if kind == "text":
        return command["text"]
    if kind == "card":
        return card(command)
    if kind == "carousel":
        made = rcs_chatbot.RichcardCarousel()
        for wanted in command["cards"]:
            made.addRichcard(card(wanted))
        return made
    if kind == "file":
        made = rcs_chatbot.FileMessage(command["url"])
        made.setFileName(command["name"])
        return made
    if kind == "audio":
        made = rcs_chatbot.AudioMessage(command["url"])
        made.setFileMIMEType(command["type"])
        made.setPlayingLength(command["length"])
        return made
    made = rcs_chatbot.GeolocationPushMessage(command["pos"])
    made.setLabel(command["label"])
    return made


server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
threading.Thread(target=server.serve_forever, daemon=True).start()
tell(listening=server.server_address[1])
for line in sys.stdin:
    if line.strip() == "quit":
        break
    command = json.loads(line)
    to = rcs_chatbot.MessageContact(command.get("to"), command.get("chat"))
    try:
        tell(answer=chatbot.sendMessage(to, content(command), chips(command.get("chips"))))
    except rcs_chatbot.RequestFailed as refusal:
        tell(refused=str(refusal))
