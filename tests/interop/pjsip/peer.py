"""A PJSIP handset, told what to do on its standard input and telling what happens on its standard output.

    peer.py TCP-PORT DOMAIN NUMBER PASSWORD INSTANCE REG-ID LOG

Commands, one a line: `register`, `unregister`, `send URI TEXT`, `compose URI`, `quit`. Events: `started`, `registration STATUS
EXPIRES`, `message FROM TEXT`, `composing FROM`, `answer STATUS TEXT`. All its SIP is in LOG.
"""

import os
import select
import sys

import pjsua2 as pj


def tell(*words):
    print(*words, flush=True)


class Log(pj.LogWriter):
    """Its own log file lags behind what it has done."""

    def __init__(self, path):
        super().__init__()
        self.file = open(path, "w")

    def write(self, entry):
        self.file.write(entry.msg)
        self.file.flush()


class Account(pj.Account):
    def onRegState(self, state):
        tell("registration", state.code, state.expiration)

    def onInstantMessage(self, message):
        tell("message", message.fromUri, message.msgBody)

    def onInstantMessageStatus(self, status):
        tell("answer", status.code, status.msgBody)

    def onTypingIndication(self, indication):
        if indication.isTyping:
            tell("composing", indication.fromUri)


def endpoint(log):
    """The library, in this thread alone."""
    made = pj.Endpoint()
    made.libCreate()
    configuration = pj.EpConfig()
    configuration.uaConfig.threadCnt = 0
    configuration.uaConfig.mainThreadOnly = True
    configuration.logConfig.writer = Log(log).__disown__()
    made.libInit(configuration)
    transport = pj.TransportConfig()
    transport.boundAddress = "127.0.0.1"
    made.transportCreate(pj.PJSIP_TRANSPORT_TCP, transport)
    made.libStart()
    return made


def account(port, domain, number, password, instance, reg_id):
    configuration = pj.AccountConfig()
    configuration.idUri = f"sip:{number}@{domain}"
    configuration.regConfig.registrarUri = f"sip:{domain}"
    configuration.regConfig.registerOnAdd = False
    configuration.regConfig.timeoutSec = 600
    # It stays away when told so.
    configuration.regConfig.retryIntervalSec = 0
    configuration.sipConfig.proxies.append(f"sip:127.0.0.1:{port};transport=tcp;lr")
    configuration.sipConfig.authCreds.append(pj.AuthCredInfo("digest", domain, number, 0, password))
    configuration.natConfig.sipOutboundUse = True
    configuration.natConfig.sipOutboundInstanceId = f"<{instance}>"
    configuration.natConfig.sipOutboundRegId = reg_id
    made = Account()
    made.create(configuration)
    return made


def buddy(of, uri):
    configuration = pj.BuddyConfig()
    configuration.uri = uri
    made = pj.Buddy()
    made.create(of, configuration)
    return made


def main():
    port, domain, number, password, instance, reg_id, log = sys.argv[1:]
    library = endpoint(log)
    phone = account(port, domain, number, password, instance, reg_id)
    tell("started")
    waiting = b""
    while True:
        library.libHandleEvents(10)
        if not select.select([0], [], [], 0)[0]:
            continue
        read = os.read(0, 65536)
        *lines, waiting = (waiting + read).split(b"\n")
        for line in lines:
            command, _, rest = line.decode().partition(" ")
            uri, _, text = rest.partition(" ")
            if command == "register":
                phone.setRegistration(True)
            elif command == "unregister":
                phone.setRegistration(False)
            elif command == "send":
                message = pj.SendInstantMessageParam()
                message.content = text
                buddy(phone, uri).sendInstantMessage(message)
            elif command == "compose":
                indication = pj.SendTypingIndicationParam()
                indication.isTyping = True
                buddy(phone, uri).sendTypingIndication(indication)
        if not read or b"quit" in lines:
            break
    phone.shutdown()
    library.libDestroy()


main()
