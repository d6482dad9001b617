"""A liblinphone handset in a process of its own: sends and fetches files.

liblinphone (Debian: liblinphone10, with linphone-cli) is under the AGPL: it is loaded here, by a program that runs apart from
the platform, and nowhere else.

    linphone_peer.py LINPHONERC

Reads a command a line and answers each with events, one JSON object a line:

    send ADDRESS TYPE SUBTYPE PATH      {"sent": "state"} when the message is delivered or has failed
    fetch PATH                          {"fetched": "state"} once the next file message has come and is downloaded
    text ADDRESS TEXT                   {"sent": "state"} as above
    reply TEXT                          answers the text that came last; {"sent": "state"}
    compose                             says that we write to the one whose text came last

and tells of texts as they come: {"text": …, "id": …, "from": …, "replies": …} with the id of the message that it answers, or null;
and {"composing": true} when the other side writes.
"""

import ctypes
import json
import os
import select
import sys

linphone = ctypes.CDLL("liblinphone.so.10")
POINTER, TEXT = ctypes.c_void_p, ctypes.c_char_p
MESSAGE_RECEIVED = ctypes.CFUNCTYPE(None, POINTER, POINTER, POINTER)
# LinphoneChatMessageState
COMPOSING = ctypes.CFUNCTYPE(None, POINTER, POINTER)
STATES = ["idle", "in progress", "delivered", "not delivered", "file transfer error", "file transfer done"]
STATES += ["delivered to user", "displayed", "file transfer in progress"]
OVER = {"delivered", "not delivered", "file transfer error", "file transfer done", "delivered to user", "displayed"}


def function(name, result, *arguments):
    """A function of the library, with its types."""
    found = getattr(linphone, name)
    found.restype, found.argtypes = result, arguments
    return found


factory_get = function("linphone_factory_get", POINTER)
create_core = function("linphone_factory_create_core_3", POINTER, POINTER, TEXT, TEXT, POINTER)
create_cbs = function("linphone_factory_create_core_cbs", POINTER, POINTER)
on_composing = function("linphone_core_cbs_set_is_composing_received", None, POINTER, COMPOSING)
on_message = function("linphone_core_cbs_set_message_received", None, POINTER, MESSAGE_RECEIVED)
add_callbacks = function("linphone_core_add_callbacks", None, POINTER, POINTER)
start = function("linphone_core_start", ctypes.c_int, POINTER)
iterate = function("linphone_core_iterate", None, POINTER)
stop = function("linphone_core_stop", None, POINTER)
chat_room = function("linphone_core_get_chat_room_from_uri", POINTER, POINTER, TEXT)
create_content = function("linphone_core_create_content", POINTER, POINTER)
set_type = function("linphone_content_set_type", None, POINTER, TEXT)
set_subtype = function("linphone_content_set_subtype", None, POINTER, TEXT)
set_name = function("linphone_content_set_name", None, POINTER, TEXT)
set_path = function("linphone_content_set_file_path", None, POINTER, TEXT)
file_message = function("linphone_chat_room_create_file_transfer_message", POINTER, POINTER, POINTER)
send_message = function("linphone_chat_message_send", None, POINTER)
state_of = function("linphone_chat_message_get_state", ctypes.c_int, POINTER)
file_of = function("linphone_chat_message_get_file_transfer_information", POINTER, POINTER)
text_message = function("linphone_chat_room_create_message_from_utf8", POINTER, POINTER, TEXT)
reply_message = function("linphone_chat_room_create_reply_message", POINTER, POINTER, POINTER)
add_text = function("linphone_chat_message_add_utf8_text_content", None, POINTER, TEXT)
room_of = function("linphone_chat_message_get_chat_room", POINTER, POINTER)
text_of = function("linphone_chat_message_get_utf8_text", TEXT, POINTER)
id_of = function("linphone_chat_message_get_message_id", TEXT, POINTER)
replied_id_of = function("linphone_chat_message_get_reply_message_id", TEXT, POINTER)
sender_of = function("linphone_chat_message_get_from_address", POINTER, POINTER)
as_text = function("linphone_address_as_string_uri_only", TEXT, POINTER)
mark_as_read = function("linphone_chat_room_mark_as_read", None, POINTER)
allow_cpim = function("linphone_chat_room_allow_cpim", None, POINTER)
logs = function("linphone_logging_service_get", POINTER)
set_log_level = function("linphone_logging_service_set_log_level", None, POINTER, ctypes.c_int)
compose = function("linphone_chat_room_compose", None, POINTER)
is_composing = function("linphone_chat_room_is_remote_composing", ctypes.c_int, POINTER)
keep_message = function("linphone_chat_message_ref", POINTER, POINTER)
download = function("linphone_chat_message_download_content", ctypes.c_int, POINTER, POINTER)


# LinphoneLogLevelMessage: with all its SIP.
LOG_MESSAGES = 4

# The library logs to standard output: that is for our events alone, and the log goes where errors go.
events = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(**event):
    print(json.dumps(event), file=events, flush=True)


class Peer:
    def __init__(self, configuration):
        set_log_level(logs(), LOG_MESSAGES)
        factory = factory_get()
        self.core = create_core(factory, configuration.encode(), None, None)
        self.received = []
        # Kept: the library calls it as long as the core lives.
        self.callback = MESSAGE_RECEIVED(lambda _core, _room, message: self.received.append(keep_message(message)))
        self.composing = COMPOSING(lambda _core, room: say(composing=bool(is_composing(room))))
        callbacks = create_cbs(factory)
        on_message(callbacks, self.callback)
        on_composing(callbacks, self.composing)
        add_callbacks(self.core, callbacks)
        start(self.core)
        self.sending = None
        self.fetching = None
        self.wanted = None
        # The text that came last.
        self.last = None

    def text(self, address, text):
        self.sending = keep_message(text_message(chat_room(self.core, address.encode()), text.encode()))
        send_message(self.sending)

    def reply(self, text):
        # Without an envelope a reply says nothing of what it answers.
        allow_cpim(room_of(self.last))
        self.sending = keep_message(reply_message(room_of(self.last), self.last))
        add_text(self.sending, text.encode())
        send_message(self.sending)

    def show_texts(self):
        """Tells of the texts that have come; files wait to be fetched."""
        for message in [one for one in self.received if not file_of(one)]:
            self.received.remove(message)
            self.last = message
            told = {name: value and value.decode() for name, value in (("id", id_of(message)), ("replies", replied_id_of(message)))}
            say(text=(text_of(message) or b"").decode(), **{"from": as_text(sender_of(message)).decode()}, **told)
            mark_as_read(room_of(message))

    def send(self, address, kind, subtype, path):
        content = create_content(self.core)
        set_type(content, kind.encode())
        set_subtype(content, subtype.encode())
        set_name(content, os.path.basename(path).encode())
        set_path(content, path.encode())
        self.sending = keep_message(file_message(chat_room(self.core, address.encode()), content))
        send_message(self.sending)

    def turn(self):
        """Lets the library work, and tells what has come to its end."""
        iterate(self.core)
        self.show_texts()
        if self.sending and STATES[state_of(self.sending)] in OVER:
            # "file transfer done" is the upload; the message itself follows.
            if STATES[state_of(self.sending)] != "file transfer done":
                say(sent=STATES[state_of(self.sending)])
                self.sending = None
        if self.wanted and self.received:
            self.fetching = self.received.pop(0)
            file = file_of(self.fetching)
            if file:
                set_path(file, self.wanted.encode())
                download(self.fetching, file)
                self.wanted = None
            else:
                self.fetching = None
        if self.fetching and STATES[state_of(self.fetching)] in {"file transfer done", "file transfer error", "displayed"}:
            say(fetched=STATES[state_of(self.fetching)])
            self.fetching = None


def main():
    peer = Peer(sys.argv[1])
    say(started=True)
    while True:
        peer.turn()
        # The library wants to be called every 20 ms.
        readable, _, _ = select.select([sys.stdin], [], [], 0.02)
        if not readable:
            continue
        line = sys.stdin.readline()
        if not line:
            break
        command, *arguments = line.rstrip("\n").split(" ")
        if command == "send":
            peer.send(*arguments)
        elif command == "fetch":
            (peer.wanted,) = arguments
        elif command == "text":
            peer.text(arguments[0], " ".join(arguments[1:]))
        elif command == "reply":
            peer.reply(" ".join(arguments))
        elif command == "compose":
            compose(room_of(peer.last))
    stop(peer.core)


main()
