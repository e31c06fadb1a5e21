#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A server that is killed and started again, by a stand-in for systemd that keeps its descriptors."""
import array
import contextlib
import fcntl
import os
import signal
import socket
import struct
import threading

from rig import (EPOCH, PATIENCE, ROSTER, SERVER, SERVER_EPOCH, Client, Server, equal, eventually,
                 kill_process, main, readable, test)


class Systemd(Server):
    """Listens for a server, starts it, keeps what it hands over, starts it again."""

    def __init__(self, stack, *args, name="server", keep=True):
        self.path, self.control, self.log_path = f"{name}.sock", f"{name}.control", f"{name}.log"
        self.args = [SERVER, "-F", "-c", self.control, *args]
        self.keep = keep
        self.store = {}
        self.ready = 0
        self.pid = None
        self.listens = threading.Event()
        self.listens.set()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(100)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(f"{name}.notify")
        self.thread = threading.Thread(target=self.receive, daemon=True)
        self.thread.start()
        stack.callback(self.end)
        self.start()

    def receive(self):
        while True:
            data, control, _, _ = self.notify.recvmsg(4096, socket.CMSG_SPACE(256))
            fds = array.array("i")
            for _, _, payload in control:
                fds.frombytes(payload)
            fields = dict(line.split("=", 1) for line in data.decode().splitlines())
            if "END" in fields:
                return
            name = fields.get("FDNAME")
            if "FDSTORE" in fields:
                assert name and all(c.isprintable() and c != ":" for c in name), name
                self.store.setdefault(name, []).extend(fds)
            elif "FDSTOREREMOVE" in fields:
                for fd in self.store.pop(name, []):
                    os.close(fd)
            self.ready += "READY" in fields
            self.parked = not self.listens.is_set()
            self.listens.wait()

    def deafen(self):
        """Read nothing more, and have no room for anything."""
        self.parked = False
        self.listens.clear()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, \
                contextlib.suppress(BlockingIOError):
            sock.setblocking(False)
            sock.sendto(b"NOISE=1", self.notify.getsockname())
            eventually(lambda: self.parked, "the reader rests")
            while True:
                sock.sendto(b"NOISE=1", self.notify.getsockname())

    def start(self):
        kept = [(name, fd) for name, fds in self.store.items() for fd in fds] if self.keep else []
        passed = [("clients", self.listener.fileno())] + kept
        ready = self.ready
        self.pid = os.fork()
        if not self.pid:
            try:
                self.execute(passed)
            except OSError as error:
                os.write(2, str(error).encode())
            os._exit(9)
        eventually(lambda: self.ready > ready or self.dead(), "READY=1")
        assert self.pid, "the server ended: " + self.log()

    def execute(self, passed):
        os.dup2(os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(passed)),
                          LISTEN_FDNAMES=":".join(name for name, _ in passed),
                          NOTIFY_SOCKET=os.path.abspath(self.notify.getsockname()))
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 2000) for _, fd in passed]
        for number, fd in enumerate(high):
            os.dup2(fd, 3 + number)
        os.closerange(3 + len(high), 4096)
        os.execv(SERVER, self.args)

    def dead(self):
        pid, _ = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.pid = None
        return bool(pid)

    def stop(self, sig=signal.SIGKILL):
        os.kill(self.pid, sig)
        status = os.waitpid(self.pid, 0)[1]
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def names(self):
        return sorted(self.store)

    def end(self):
        self.listens.set()
        if self.pid:
            kill_process(self.pid)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"END=1", os.path.abspath(self.notify.getsockname()))
        self.thread.join(PATIENCE)
        for fds in self.store.values():
            for fd in fds:
                os.close(fd)
        self.notify.close()
        self.listener.close()


@test
def handed_over(stack):
    """memory, bells and clients are handed over; a client that leaves is taken back"""
    server = Systemd(stack, "-N", "3", "-n", "2")
    bells = [f"bell.{s}.{v}" for s in range(3) for v in range(2)]
    equal(server.names(), bells + ["memory"], "at the start")
    client = Client(stack, server.path, (3, 2))
    eventually(lambda: server.names() == bells + ["client.0", "memory"], "the client is kept")
    client.close()
    eventually(lambda: server.names() == bells + ["memory"], "the client is taken back")


def go_on(stack, sig):
    # The options of the second one differ, and do not count
    server = Systemd(stack, "-N", "3", "-n", "2", "-l", "1M")
    a, b = (Client(stack, server.path, (3, 2)) for _ in range(2))
    at = b.attach(server)
    a.memory[200000:200005] = b"hello"
    epoch = a.word(SERVER_EPOCH)
    eventually(lambda: "client.1" in server.store, "clients are kept")
    server.stop(sig)
    server.args += ["-N", "8", "-n", "1", "-l", "2M"]
    # Who comes while there is no server waits
    c = Client(stack, server.path)
    assert c.silent()
    server.start()
    server.says("2 clients of an earlier server go on")
    c.hello(3, 2)
    equal(c.id, 2, "id of the next")
    assert a.silent() and b.silent(), "somebody was told"
    assert a.word(SERVER_EPOCH) not in (0, epoch), "epoch of the second server"
    equal(b.word(at + EPOCH), 99, "a peer that was there all the time")
    equal(c.memory[200000:200005], b"hello", "memory of the new one")
    a.ring(2, 1)
    c.ring(0, 0)
    assert c.rung(1) and a.rung(0), "old and new do not reach each other"
    b.close()
    assert a.rung(0) and a.rung(1) and c.rung(0), "not told of a peer's end"
    equal(a.word(at + EPOCH), 0, "its epoch")
    equal([c["id"] for c in server.status()["clients"]], [0, 2], "connected")


@test
def killed(stack):
    """killed and started again: clients go on, new ones join, all reach each other"""
    go_on(stack, signal.SIGKILL)


@test
def ended(stack):
    """ended and started again: likewise"""
    go_on(stack, signal.SIGTERM)


@test
def died_meanwhile(stack):
    """a client that dies while there is no server is taken down by the next one"""
    server = Systemd(stack, "-N", "3")
    a, b = (Client(stack, server.path, (3, 1)) for _ in range(2))
    at = b.attach(server)
    eventually(lambda: "client.1" in server.store, "clients are kept")
    server.stop()
    a.ring(1)
    b.close()
    # systemd notices by itself, or does not: both are to work
    server.start()
    assert a.rung(), "not told"
    equal(a.word(at + EPOCH), 0, "its epoch")
    equal(a.word(ROSTER + 16), 0, "its place in the roster")
    server.says("left while there was no server")
    eventually(lambda: "client.1" not in server.store, "its socket is not kept any more")
    new = Client(stack, server.path, (3, 1))
    equal(new.id, 1, "id of the next")
    assert not new.rung(0, 0), "an old ring reaches the next client"


@test
def half_told(stack):
    """a client that was not told everything is not kept: it can try again"""
    server = Systemd(stack, "-N", "64", "-n", "8")
    whole = Client(stack, server.path, (64, 8))
    Client(stack, server.path)
    eventually(lambda: server.status()["connected"] == 2, "both are there")
    equal([n for n in server.names() if n.startswith("client")], ["client.0"], "kept")
    server.stop()
    server.start()
    equal(server.status()["connected"], 1, "connected")
    assert whole.silent()


@test
def deaf(stack):
    """a systemd that does not listen gets a client later; it is asked before the last message"""
    server = Systemd(stack, "-N", "3")
    server.deafen()
    client = Client(stack, server.path)
    equal([client.get()[0] for _ in range(5)], [0, 0, -1, 1, 2], "all but the last message")
    assert client.silent(1), "told all before it is handed over"
    equal(client.get()[0], 0, "the last message, after all")
    server.says("systemd does not listen")
    other = Client(stack, server.path, (3, 1))
    assert "client.0" not in server.store, "this tests nothing"
    server.listens.set()
    eventually(lambda: {"client.0", "client.1"} <= set(server.store), "both are kept")
    equal({len(fds) for fds in server.store.values()}, {1}, "descriptors of a name")
    server.stop()
    server.start()
    server.says("2 clients of an earlier server go on")
    assert client.silent() and other.silent(), "somebody was told"


@test
def incomplete(stack):
    """a store that lacks something, or has nonsense: a new start, everybody else is disconnected"""
    server = Systemd(stack, "-N", "3")
    a = Client(stack, server.path, (3, 1))
    eventually(lambda: "client.0" in server.store, "the client is kept")
    server.stop()
    for fd in server.store.pop("bell.1.0"):
        os.close(fd)
    null = os.open("/dev/null", os.O_RDWR)
    server.store["bell.99.0"] = [null]
    server.store["nonsense"] = [os.dup(null)]
    server.start()
    server.says("starting anew")
    assert a.gone(), "it was left connected to another memory"
    names = ["bell.0.0", "bell.1.0", "bell.2.0", "memory"]
    eventually(lambda: [n for n in server.names() if n != "nonsense"] == names, "a whole new set")
    equal({len(fds) for fds in server.store.values()}, {1}, "descriptors of a name")
    equal(Client(stack, server.path, (3, 1)).id, 0, "id of the first")


@test
def twice(stack):
    """a client that cannot be taken on is told and forgotten, its namesake is not"""
    server = Systemd(stack, "-N", "3")
    a = Client(stack, server.path, (3, 1))
    eventually(lambda: "client.0" in server.store, "the client is kept")
    server.stop()
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    stack.callback(ours.close)
    server.store["client.0"].append(theirs.detach())
    server.store["client.7"] = [os.dup(server.store["client.0"][1])]
    server.start()
    ours.settimeout(PATIENCE)
    equal(ours.recv(8), b"", "what the second of a name hears")
    eventually(lambda: len(server.store.get("client.0", [])) == 1, "only the first is kept")
    assert "client.7" not in server.store, "a client without a slot is kept"
    assert a.silent(), "the first was told something"
    server.stop()
    # A dead one comes first
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    ours.close()
    server.store["client.0"].insert(0, theirs.detach())
    for _ in range(2):
        server.start()
        equal(server.status()["connected"], 1, "connected")
        eventually(lambda: len(server.store.get("client.0", [])) == 1, "still kept")
        server.stop()
    assert a.silent(), "the first was told something"


@test
def activated(stack):
    """a socket of systemd's is used, and left where it is"""
    server = Systemd(stack, keep=False)
    Client(stack, server.path, (8, 1))
    equal(server.stop(signal.SIGTERM), 0, "status")
    assert os.path.exists(server.path) and not os.path.exists(server.control)


@test
def classic(stack):
    """--classic: the same, with notices for those who died meanwhile"""
    server = Systemd(stack, "-N", "4", "--classic")
    a, b = Client(stack, server.path), Client(stack, server.path)
    for _ in range(5):
        a.get()
    for _ in range(5):
        b.get()
    eventually(lambda: "client.1" in server.store and "bell.1.0" in server.store, "kept")
    Client(stack, server.path).close()
    equal([a.get()[0] for _ in range(2)], [2, 2], "notices")
    equal([b.get()[0] for _ in range(2)], [2, 2], "notices")
    server.stop()
    b.close()
    server.start()
    equal(a.get(), (1, None), "notice of leaving")
    c = Client(stack, server.path)
    equal([c.get()[0] for _ in range(5)], [0, 3, -1, 0, 3], "the next")
    number, fd = a.get()
    equal(number, 3, "notice of joining")
    os.write(fd, struct.pack("=Q", 1))
    assert readable(c.fds[-1], 1), "old and new do not reach each other"


main()
