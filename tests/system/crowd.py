"""crowd: thousands of TCP clients in one process, good ones and bad ones, each with its own address.

    with crowd.Bad(address, 9000) as bad: ...     # a process of its own until the block is left
    good = crowd.Good(address, messages, 1000)
    good.run(seconds)

Needs a namespace where 198.18.0.0/15 is local (`ip route add local 198.18.0.0/15 dev lo`). A client
is a generator of steps, so that each behaviour reads from top to bottom; one epoll loop drives all.
"""

import errno
import heapq
import multiprocessing
import os
import random
import resource
import select
import socket
import struct
import time

PATIENCE = 20.0  # seconds until a good client gives up: only a lost query takes so long


def raise_file_limit(files):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < files:
        raise OSError(errno.EMFILE, f"{files} open files needed, the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, files), hard))


def source(number):
    """Address of client `number`: 198.18.1.1 and on."""
    host = (198 << 24) + (18 << 16) + 257 + number
    return socket.inet_ntoa(struct.pack("!I", host))


def framed(*messages):
    return b"".join(struct.pack("!H", len(message)) + message for message in messages)


class Failed(Exception):
    """A client was not served: refused, closed, timed out, or answered wrongly."""


class Client:
    """One socket at a time. Steps of a behaviour, to be yielded:
    ("wait", fd events, seconds): until ready or the time is over; returns the events, 0 if late
    ("sleep", seconds)"""

    def __init__(self, loop, address, number, behaviour):
        self.loop, self.address, self.number = loop, address, number
        self.socket = None
        self.held = bytearray()
        self.steps = behaviour(self)
        self.serial = 0  # of the step: an older timer is void

    def open(self):
        self.shut()
        self.held.clear()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.bind((source(self.number), 0))
        self.socket.connect_ex(self.address)
        self.loop.add(self)
        if not (yield "wait", select.EPOLLOUT, PATIENCE):
            raise Failed("not connected in time")
        reason = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if reason:
            raise Failed(f"not connected: {os.strerror(reason)}")

    def send(self, octets):
        try:
            if self.socket.send(octets) != len(octets):
                raise Failed("not sent whole")
        except BlockingIOError:
            raise Failed("not sent") from None
        except OSError as reason:
            raise Failed(f"not sent: {reason.strerror}") from None

    def half_close(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as reason:
            raise Failed(f"not half-closed: {reason.strerror}") from None

    def read(self):
        """What is there now; b"" at the end of the stream, None if nothing is."""
        try:
            return self.socket.recv(65536)
        except BlockingIOError:
            return None
        except OSError as reason:
            raise Failed(f"not received: {reason.strerror}") from None

    def receive(self):
        while True:
            if len(self.held) >= 2:
                end = 2 + (self.held[0] << 8 | self.held[1])
                if len(self.held) >= end:
                    message = bytes(self.held[2:end])
                    del self.held[:end]
                    return message
            if not (yield "wait", select.EPOLLIN, PATIENCE):
                raise Failed("no reply in time")
            got = self.read()
            if got == b"":
                raise Failed("closed before the reply")
            self.held += got or b""

    def shut(self):
        if self.socket is not None:
            self.loop.remove(self)
            self.socket.close()
            self.socket = None


class Loop:
    """One epoll for all clients of a process."""

    def __init__(self):
        self.epoll = select.epoll()
        self.by_descriptor = {}
        self.timers = []

    def add(self, client):
        self.by_descriptor[client.socket.fileno()] = client
        self.epoll.register(client.socket.fileno(), 0)

    def remove(self, client):
        del self.by_descriptor[client.socket.fileno()]
        self.epoll.unregister(client.socket.fileno())

    def step(self, client, result):
        """Goes on with the client's behaviour until it waits again. Behaviours never end."""
        client.serial += 1
        kind, *rest = client.steps.send(result)
        if kind == "wait":
            self.epoll.modify(client.socket.fileno(), rest[0] | select.EPOLLONESHOT)
        self.at(time.monotonic() + rest[-1], client)

    def at(self, when, client):
        heapq.heappush(self.timers, (when, client.number, client.serial, client))

    def turn(self):
        wait = max(0.0, min(0.1, self.timers[0][0] - time.monotonic()))
        for descriptor, events in self.epoll.poll(wait):
            client = self.by_descriptor.get(descriptor)
            if client is not None:
                self.step(client, events)
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            _, _, serial, client = heapq.heappop(self.timers)
            if serial == client.serial:
                self.step(client, 0)

    def start(self, client):
        self.step(client, None)


# What bad clients do. Each comes back a second or two after it was thrown out.

def _comes_back(once):
    def behaviour(client):
        yield "sleep", random.uniform(0.0, 3.0)
        while True:
            try:
                yield from client.open()
                yield from once(client)
            except Failed:
                pass
            client.shut()
            yield "sleep", random.uniform(1.0, 2.0)
    return behaviour


def _until_closed(client):
    while True:
        events = yield "wait", select.EPOLLIN | select.EPOLLRDHUP, 3600.0
        if events and not client.read():
            return


@_comes_back
def silent(client):
    yield from _until_closed(client)


@_comes_back
def dripping(client):
    """One octet a second of a query of 500 octets."""
    for octet in framed(bytes([0, 1, 0, 0, 0, 1] + [0] * 6 + [63] * 488)):
        client.send(bytes([octet]))
        if (yield "wait", select.EPOLLRDHUP, 1.0):
            return


@_comes_back
def half_closed(client):
    """Half a query, then the end of its half of the stream; never reads, never closes."""
    client.send(b"\x00\x21\x12\x34\x00")
    client.half_close()
    yield from _until_closed(client)


@_comes_back
def garbage(client):
    """Lengths that announce nothing sensible: none, too little, or much that never comes."""
    client.send(random.choice([b"\0\0", b"\0\x0b", b"\xff\xff" + os.urandom(200), os.urandom(400)]))
    yield from _until_closed(client)


BAD = (silent, dripping, half_closed, garbage)


class Bad:
    """`number` bad clients of all kinds in a process of their own."""

    def __init__(self, address, number, first=5000):
        self.process = multiprocessing.Process(target=self._run, args=(address, number, first),
                                               daemon=True)

    @staticmethod
    def _run(address, number, first):
        raise_file_limit(number + 100)
        loop = Loop()
        for i in range(number):
            loop.start(Client(loop, address, first + i, BAD[i % len(BAD)]))
        while True:
            loop.turn()

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *unused):
        alive = self.process.is_alive()
        self.process.kill()
        self.process.join()
        if not alive:
            raise RuntimeError("the bad clients ended before the test did")


class Good:
    """`number` clients that ask; every second one on a connection that it keeps. messages: of one
    exchange; verify(message, reply) raises Failed. latency: seconds of each exchange, connecting
    included."""

    def __init__(self, address, number, messages, verify, pause=(0.2, 0.8)):
        raise_file_limit(number + 200)
        self.messages, self.verify, self.pause = messages, verify, pause
        self.failures = []
        self.answers = self.reopened = 0
        self.latency = []
        self.loop = Loop()
        self.clients = [Client(self.loop, address, i, self._keeps if i % 2 else self._renews)
                        for i in range(number)]

    def _exchange(self, client):
        """Pipelines all messages and verifies all replies."""
        client.send(framed(*self.messages))
        for message in self.messages:
            self.verify(message, (yield from client.receive()))
            self.answers += 1

    def _pauses(self, client):
        """False: the server has closed the idle connection, as it may (RFC 7766 6.2.4)."""
        seconds = random.uniform(*self.pause)
        if client.socket is None:
            yield "sleep", seconds
            return False
        return not (yield "wait", select.EPOLLIN | select.EPOLLRDHUP, seconds)

    def _one(self, client, keep):
        started = time.monotonic()
        try:
            if client.socket is None:
                yield from client.open()
            yield from self._exchange(client)
            self.latency.append(time.monotonic() - started)
        except Failed as reason:
            self.failures.append(f"client {client.number}: {reason}")
            client.shut()
        if not keep:
            client.shut()

    def _keeps(self, client):
        yield "sleep", random.uniform(0.0, 2.0)
        while True:
            yield from self._one(client, True)
            if client.socket is not None and not (yield from self._pauses(client)):
                self.reopened += 1
                client.shut()

    def _renews(self, client):
        yield "sleep", random.uniform(0.0, 2.0)
        while True:
            yield from self._one(client, False)
            yield from self._pauses(client)

    def start(self):
        for client in self.clients:
            self.loop.start(client)

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.loop.turn()

    def close(self):
        for client in self.clients:
            client.shut()
