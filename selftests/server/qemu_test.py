#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Unmodified QEMUs as clients. No guest runs in them: what matters is what their device does with what it is
told. Joining, kill -9 and an id that comes again must crash none of them."""
import json
import os
import signal
import socket
import subprocess

from rig import PATIENCE, Client, Server, equal, eventually, main, test

QEMU = "qemu-system-x86_64"


class Qemu:
    def __init__(self, stack, server, name, vectors=2):
        self.name = name
        self.log_path = f"qemu-{name}.log"
        device = f"ivshmem-doorbell,chardev=c,vectors={vectors}"
        self.process = subprocess.Popen(
            ["nice", QEMU, "-M", "q35", "-accel", "tcg", "-m", "32", "-display", "none", "-nodefaults",
             "-S", "-chardev", f"socket,path={server.path},id=c", "-device", device,
             "-qmp", f"unix:{name}.qmp,server=on,wait=off"], stderr=open(self.log_path, "w"))
        stack.callback(self.kill)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        stack.callback(self.sock.close)
        eventually(self.connect, f"QMP of {name}", 60)
        self.lines = self.sock.makefile()
        assert "QMP" in json.loads(self.lines.readline())
        self.qmp("qmp_capabilities")

    def connect(self):
        assert self.process.poll() is None, "QEMU ended"
        try:
            self.sock.connect(f"{self.name}.qmp")
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def qmp(self, command, **arguments):
        self.sock.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            line = self.lines.readline()
            assert line, f"{self.name} crashed"
            answer = json.loads(line)
            if "event" not in answer:
                assert "return" in answer, answer
                return answer["return"]

    def well(self):
        assert self.process.poll() is None, f"{self.name} ended: {self.process.returncode}"
        equal(self.qmp("query-status")["status"], "prelaunch", "status")
        said = open(self.log_path).read()
        equal(said, "", f"what {self.name} says")

    def kill(self):
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)


def connected(server):
    return sorted(c["id"] for c in server.status()["clients"])


@test
def come_and_go(stack):
    """three QEMUs, ten times one is killed and comes again: its id is free, nobody crashes"""
    server = Server(stack, "-N", "4", "-n", "2", "-l", "1M")
    watcher = Client(stack, server.path, (4, 2))
    qemus = [Qemu(stack, server, name) for name in "abc"]
    eventually(lambda: connected(server) == [0, 1, 2, 3], "all are there")
    for i in range(10):
        victim = i % 3
        while watcher.rung(0, 0):
            pass
        qemus[victim].kill()
        assert watcher.rung(), "its death is not told"
        qemus[victim] = Qemu(stack, server, f"{'abc'[victim]}{i}")
        eventually(lambda: connected(server) == [0, 1, 2, 3], "it is there again")
        for qemu in qemus:
            qemu.well()
    equal(server.status()["joined"], 14, "joined")
    # Whoever rings them does not harm them
    for peer in (1, 2, 3):
        watcher.ring(peer, 1)
    for qemu in qemus:
        qemu.well()


@test
def fewer_vectors(stack):
    """a device with fewer vectors than the server, and one with more"""
    server = Server(stack, "-N", "2", "-n", "2", "-l", "1M")
    qemus = [Qemu(stack, server, "few", 1), Qemu(stack, server, "many", 4)]
    eventually(lambda: connected(server) == [0, 1], "both are there")
    qemus[1].well()
    assert qemus[0].qmp("query-status")
    assert "Too many eventfd" in open(qemus[0].log_path).read(), "QEMU does not mind any more?"


@test
def whole_house(stack):
    """QEMU takes 64 peers with 8 vectors"""
    server = Server(stack, "-N", "64", "-n", "8", "-l", "16M")
    qemu = Qemu(stack, server, "one", 8)
    eventually(lambda: connected(server) == [0], "it is there")
    eventually(lambda: not server.status()["clients"][0]["unread"], "it reads all")
    qemu.well()


main()
