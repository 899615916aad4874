"""exchange: many questions to one server, pipelined, each answered once or named as lost."""

import select
import socket
import struct
import time

import wire

WINDOW = 128  # questions under way over UDP
PATIENCE = 2.0  # seconds until a question over UDP is asked again
TRIES = 4


class Lost(Exception):
    pass


def _family(address):
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def udp_one(address, message, seconds=5.0):
    """The reply's octets, or None."""
    with socket.socket(_family(address), socket.SOCK_DGRAM) as sock:
        sock.settimeout(seconds)
        sock.connect(address)
        try:
            sock.send(message)
            return sock.recv(65535)
        except OSError:
            return None


def tcp_one(address, message, seconds=5.0):
    with TcpClient(address, seconds) as client:
        client.send(message)
        return client.receive()


class TcpClient:
    """A TCP connection that speaks framed messages, or any octets that a test wants to send."""

    def __init__(self, address, seconds=30.0, source=None):
        self.socket = socket.create_connection(address, seconds, source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held = bytearray()

    def send(self, *messages):
        self.socket.sendall(b"".join(struct.pack("!H", len(m)) + m for m in messages))

    def receive(self):
        """One message, or None at the end of the stream."""
        while True:
            if len(self.held) >= 2:
                end = 2 + (self.held[0] << 8 | self.held[1])
                if len(self.held) >= end:
                    message = bytes(self.held[2:end])
                    del self.held[:end]
                    return message
            try:
                # Servers that do not set TCP_NODELAY wait for our acknowledgement.
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                got = self.socket.recv(262144)
            except ConnectionError:
                return None
            if not got:
                return None
            self.held += got

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def udp_many(address, messages, may_lack=False):
    """Replies in the order of the messages. Their identities are replaced. may_lack: None for a message that gets none."""
    replies = [None] * len(messages)
    tries = [0] * len(messages)
    waiting = {}  # identity -> (index, when)
    todo = list(range(len(messages) - 1, -1, -1))
    with socket.socket(_family(address), socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.connect(address)
        sock.setblocking(False)
        identity = 0
        while todo or waiting:
            while todo and len(waiting) < WINDOW:
                index = todo.pop()
                tries[index] += 1
                if tries[index] > TRIES and may_lack:
                    continue
                if tries[index] > TRIES:
                    raise Lost(f"no reply over UDP in {TRIES} tries: {messages[index].hex()}")
                identity = (identity + 1) & 0xffff
                while identity in waiting:
                    identity = (identity + 1) & 0xffff
                waiting[identity] = (index, time.monotonic())
                try:
                    sock.send(identity.to_bytes(2, "big") + messages[index][2:])
                except OSError:
                    pass
            _receive_some(sock, waiting, replies)
            if len(waiting) >= WINDOW or not todo:
                now = time.monotonic()
                late = [i for i, (_, when) in waiting.items() if now - when > PATIENCE]
                for identity_late in late:
                    todo.append(waiting.pop(identity_late)[0])
    return replies


def _receive_some(sock, waiting, replies):
    if not select.select([sock], [], [], 0.2)[0]:
        return
    for _ in range(WINDOW):
        try:
            reply = sock.recv(65535)
        except OSError:
            return
        entry = waiting.pop(int.from_bytes(reply[:2], "big"), None)
        if entry is not None:
            replies[entry[0]] = reply


def tcp_many(address, messages, window=64):
    """Replies in the order of the messages; RFC 7766 lets a server answer out of order, so they
    are told apart by identity. A server may close after so many: the rest is asked again."""
    replies = [None] * len(messages)
    left = list(range(len(messages)))
    failures = 0
    while left:
        before = len(left)
        left = _tcp_round(address, messages, replies, left, window)
        failures = failures + 1 if len(left) == before else 0
        if failures >= TRIES:
            raise Lost(f"no reply over TCP in {TRIES} tries: {messages[left[0]].hex()}")
    return replies


def _tcp_round(address, messages, replies, left, window):
    with TcpClient(address) as client:
        for start in range(0, len(left), window):
            part = left[start:start + window]
            try:
                client.send(*(slot.to_bytes(2, "big") + messages[index][2:]
                              for slot, index in enumerate(part)))
            except ConnectionError:
                break
            missing = len(part)
            while missing:
                reply = client.receive()
                if reply is None:
                    break
                slot = int.from_bytes(reply[:2], "big")
                if slot >= len(part) or replies[part[slot]] is not None:
                    raise wire.Malformed("a reply to no question of ours")
                replies[part[slot]] = reply
                missing -= 1
            if missing:
                break
    return [index for index in left if replies[index] is None]
