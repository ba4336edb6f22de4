"""Runs the translated fuzzing client: `python fuzz.py SPEC`, where SPEC is a JSON file as of the
suite, in which a server may also have `headers`. The report is written as the suite does, in JSON.

It runs in an environment of its own, whose libraries nobody types or names as we do.
"""
# mypy: ignore-errors
# ruff: noqa: N802, N803, N815

import json
import sys
from pathlib import Path

from autobahn.twisted.websocket import WebSocketClientProtocol
from autobahntestsuite import fuzzing
from twisted.internet import reactor

BYTES_IN_ITSELF = "TESTDATA"
"""An attribute of the cases that work with bytes."""


def to_bytes(data):
    return data.encode("latin-1") if isinstance(data, str) else data


def to_text(data):
    return bytes(data).decode("latin-1")


def sends(name):
    """A method of autobahn's that takes a payload, for cases whose payloads are text."""
    method = getattr(WebSocketClientProtocol, name)

    def send(self, *args, **named):
        args = tuple(to_bytes(each) for each in args)
        named = {key: to_bytes(value) for key, value in named.items()}
        return method(self, *args, **named)

    return send


class Protocol(fuzzing.FuzzingClientProtocol):
    sendMessage = sends("sendMessage")
    sendMessageFrameData = sends("sendMessageFrameData")
    sendCloseFrame = sends("sendCloseFrame")

    def sendFrame(self, opcode, payload="", payload_len=None, **named):
        data = to_bytes(payload)
        if payload_len is not None:
            data = (data * (payload_len // len(data) + 1))[:payload_len]
        super().sendFrame(opcode=opcode, payload=data, **named)

    def onMessage(self, payload, isBinary):
        raw = hasattr(self.runCase, BYTES_IN_ITSELF)
        super().onMessage(payload if raw else to_text(payload), isBinary)

    def onPing(self, payload):
        WebSocketClientProtocol.onPing(self, payload)

    def onPong(self, payload):
        self.runCase.onPong(to_text(payload))

    def logRxFrame(self, frameHeader, payload):
        super().logRxFrame(frameHeader, [to_text(each) for each in payload])

    def onConnect(self, response):
        print(self.factory.currentCaseId, flush=True)


class Factory(fuzzing.FuzzingClientFactory):
    def setSessionParameters(self, *args, **named):
        if not args:  # by nextServer; before, there is nothing to say yet
            named["headers"] = self.spec["servers"][self.currServer].get("headers", {})
        super().setSessionParameters(*args, **named)

    def buildProtocol(self, addr):
        proto = Protocol()
        proto.factory = self
        proto.caseAgent = self.agent
        proto.case = self.currentCaseIndex
        proto.Case = fuzzing.Cases[self.currentCaseIndex - 1]
        proto.runCase = proto.Case(proto)
        return proto

    def createReports(self):
        super().createReports(produceHtml=False)

    def createAgentCaseReportJSON(self, agentId, caseId, outdir):
        """The index is enough."""


def ascii_log(data, maxlen=64, replace=False):
    return repr(data[:maxlen])


if __name__ == "__main__":
    fuzzing.asciiLogData = ascii_log
    factory = Factory(json.loads(Path(sys.argv[1]).read_text()))
    reactor.run()
