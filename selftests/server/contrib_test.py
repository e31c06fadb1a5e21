#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""QEMU's own example: its client with our server, and what its server says compared with ours.
$CONTRIB is where selftests/qemu/contrib has built the two."""
import os
import subprocess

from rig import PATIENCE, Client, Server, equal, eventually, main, test

CONTRIB = os.environ["CONTRIB"]


class Theirs:
    """ivshmem-client: commands in, what it prints in a file."""

    def __init__(self, stack, path, name):
        self.log_path = f"{name}.log"
        self.process = subprocess.Popen(["stdbuf", "-oL", CONTRIB + "/ivshmem-client", "-v", "-S",
                                         path],
                                        stdin=subprocess.PIPE, stdout=open(self.log_path, "w"))
        stack.callback(self.kill)
        self.says("cmd>")

    def do(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def says(self, text, times=1):
        def said():
            return open(self.log_path).read().count(text) >= times
        eventually(said, f"{self.log_path} says {text!r} {times} times")

    # With its input closed it prints for ever, hence before anything else
    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self.process.stdin.close()


@test
def their_client(stack):
    """their client: dump, int PEER VECTOR, int all, and being rung"""
    server = Server(stack, "-N", "3", "-n", "2", "-l", "1M")
    theirs = Theirs(stack, server.path, "theirs")
    ours = Client(stack, server.path, (3, 2))
    theirs.says("new vector 1 (fd=", 3)
    theirs.do("dump")
    for peer in ("our_id = 0", "peer_id = 1", "peer_id = 2"):
        theirs.says(peer)
    theirs.says("is enabled", 6)
    theirs.do("int 1 1")
    assert ours.rung(1) and not ours.rung(0, 0), "int 1 1"
    theirs.do("int all")
    assert ours.rung(0) and ours.rung(1), "int all"
    ours.ring(0, 1)
    theirs.says("vector 1: 1")
    equal(server.status()["connected"], 2, "connected")


@test
def their_client_classic(stack):
    """their client, with --classic: peers that join and leave"""
    server = Server(stack, "-n", "2", "-l", "1M", "--classic")
    first = Theirs(stack, server.path, "first")
    first.says("new vector 1 (fd=")
    second = Theirs(stack, server.path, "second")
    first.says("new peer id = 1")
    first.says("new vector 1 (fd=", 2)
    first.do("int 1 0")
    second.says("received event on fd")
    second.kill()
    first.says("delete peer id = 1")


def transcript(stack, path):
    """What two who stay, one who leaves and one who comes are told."""
    clients = []

    def hear():
        return [[(number, fd is not None) for number, fd in iter_messages(c)] for c in clients]

    said = []
    for _ in range(3):
        clients.append(Client(stack, path))
        said.append(hear())
    clients.pop(1).close()
    said.append(hear())
    clients.append(Client(stack, path))
    said.append(hear())
    return said


def iter_messages(client):
    while not client.silent(0.2):
        yield client.get()


@test
def same_words(stack):
    """--classic says exactly what their server says"""
    server = Server(stack, "-n", "2", "-l", "1M", "--classic")
    their_path = os.path.abspath("theirs.sock")
    theirs = subprocess.Popen([CONTRIB + "/ivshmem-server", "-F", "-S", their_path, "-m", ".",
                               "-l", "1M", "-n", "2"], stdout=subprocess.DEVNULL)
    stack.callback(theirs.wait)
    stack.callback(theirs.kill)
    eventually(lambda: os.path.exists(their_path), "their server listens")
    equal(transcript(stack, server.path), transcript(stack, their_path), "what is said")


main()
