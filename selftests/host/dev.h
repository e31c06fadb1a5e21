/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Force-included before a program written for the device: its /dev/shmipc0 is a host
 * peer of this process at $SHMIPC_DEVICE, its ioctl() a command to that. What else it
 * opens is what it says.
 */
#ifndef SHMIPC_HOST_DEV_H
#define SHMIPC_HOST_DEV_H

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

int dev_open(const char *path, int flags, ...);
int dev_ioctl(int fd, unsigned long cmd, void *arg);
int dev_close(int fd);

#define open(...)	dev_open(__VA_ARGS__)
#define ioctl(...)	dev_ioctl(__VA_ARGS__)
#define close(fd)	dev_close(fd)

#endif /* SHMIPC_HOST_DEV_H */
