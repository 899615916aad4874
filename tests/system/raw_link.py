"""raw_link: one end of a wire as frames: sends any octets, and sees every frame that comes back, with its tag.

The socket lives in the namespace that it was opened in; this process stays where it is. Needs root."""

import ctypes
import os
import socket
import struct
import time

import cases
from frames import VLAN, Received

ETH_P_ALL = 3
SO_RCVBUFFORCE, SO_SNDBUFFORCE = 33, 32
SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
VLAN_VALID, VLAN_TPID_VALID, CHECKSUM_NOT_READY = 0x10, 0x40, 0x08
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def socket_in(space, *arguments):
    """A socket of a named network namespace."""
    with open("/proc/self/ns/net", "rb") as own, open(f"/run/netns/{space}", "rb") as other:
        _enter(other.fileno())
        try:
            return socket.socket(*arguments)
        finally:
            _enter(own.fileno())


class RawLink:
    def __init__(self, space, device):
        self.raw = socket_in(space, socket.AF_PACKET, socket.SOCK_RAW, 0)
        for option in (SO_RCVBUFFORCE, SO_SNDBUFFORCE):
            self.raw.setsockopt(socket.SOL_SOCKET, option, 64 << 20)
        self.raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.raw.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.raw.bind((device, ETH_P_ALL))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.raw.close()

    def send(self, octets):
        self.raw.send(octets)

    def receive(self, seconds=30.0):
        """The next frame."""
        self.raw.settimeout(seconds)
        try:
            return self._take()
        except TimeoutError:
            raise cases.Failure(f"no frame within {seconds:g} s") from None

    def waiting(self):
        """The frames that have come by now."""
        self.raw.settimeout(0)
        found = []
        try:
            while True:
                found.append(self._take())
        except BlockingIOError:
            return found

    def _take(self):
        """The kernel hands the tag over beside the frame."""
        octets, ancillary, _, _ = self.raw.recvmsg(65535, 256)
        tag, unfinished = None, False
        for level, kind, data in ancillary:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
                unfinished = bool(status & CHECKSUM_NOT_READY)
                if status & VLAN_VALID:
                    tag = (tpid if status & VLAN_TPID_VALID else VLAN, tci)
        return Received(octets, tag, unfinished)

    def receive_until(self, wanted, seconds=30.0):
        """All frames up to the first that `wanted` says yes to, that one included."""
        found, end = [], time.monotonic() + seconds
        while not found or not wanted(found[-1]):
            if time.monotonic() > end:
                raise cases.Failure(f"not among {len(found)} frames within {seconds:g} s")
            found.append(self.receive(seconds))
        return found
