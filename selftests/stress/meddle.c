// SPDX-License-Identifier: GPL-2.0
/*
 * meddle - what the driver does when its memory is changed under its feet
 *
 * In a guest with three ivshmem-plain devices on one memory that is divided for two:
 *
 *	0000:00:10.0, 11.0	shmipc0 and shmipc1, joined
 *	0000:00:12.0		is declined, all slots are taken; its BAR is our hand in the memory
 *
 * Red when: the third one takes the slot of a peer that lives, or is declined without a remedy;
 * who lost its slot goes on, leaves somebody asleep, or does not come back; memory that was set
 * back is not noticed by a region with a listener, or by any when the machine resumes; peers
 * do not see the machine's name.
 */
#include <sys/klog.h>

#include <linux/shmipc_wire.h>

#include "stress.h"

#define DEVICES		"/sys/bus/pci/devices/"
#define DRIVER		"/sys/bus/pci/drivers/shmipc-ivshmem-v1/"
#define HAND		"0000:00:12.0"
#define SECOND		"0000:00:11.0"
#define PORT		600

static unsigned char *memory;

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return ok;
}

static void reach_memory(void)
{
	struct stat st;
	int fd;

	write_file(DEVICES HAND "/enable", "1");
	fd = open(DEVICES HAND "/resource2", O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		ksft_exit_fail_msg("no third device: %s\n", strerror(errno));
	memory = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		ksft_exit_fail_msg("cannot map its memory: %s\n", strerror(errno));
	close(fd);
}

static bool was_said(const char *text)
{
	static char log[1 << 20];
	int len = klogctl(3 /* read all */, log, sizeof(log) - 1);

	log[len < 0 ? 0 : len] = 0;
	return strstr(log, text);
}

/* Both there and joined; a message goes from the first to the second */
static bool in_order(void)
{
	int fd0 = open_dev(0, O_RDWR), fd1 = open_dev(1, O_RDWR);
	char text[8] = "";
	bool ok;

	ok = fd0 >= 0 && fd1 >= 0 && links_up(fd0, fd1) &&
	     !try_port_create(fd1, &port_create_arg(.port = PORT)) &&
	     !try_send(fd0, &send_arg(.peer = own_peer(fd1), .port = PORT, .data = uptr("well"),
				      .len = 5, .deadline = now_ns() + 5000 * MS)) &&
	     !try_recv(fd1, &recv_arg(.data = uptr(text), .len = sizeof(text),
				      .deadline = now_ns() + 5000 * MS)) &&
	     !strcmp(text, "well");
	close(fd0);
	close(fd1);
	return ok;
}

static void all_well(void)
{
	/* The node may be about to go, or to come */
	if (!happens(in_order()))
		complain("the regions do not join again");
}

static struct shmipc_wire_claim *claim_of(__u32 slot)
{
	return &((struct shmipc_wire_region *)memory)->claims[slot];
}

static unsigned char *section_of(int fd)
{
	struct shmipc_info info = info_arg();

	if (try_info(fd, &info))
		return NULL;
	return memory + SHMIPC_WIRE_REGION_PAGE + info.out_peer * info.out_section_bytes;
}

/* ---- somebody who is told that the region goes ---- */

struct sleeper {
	int fd;
	pthread_t thread;
	atomic_int told;
};

static void *receiver(void *data)
{
	struct sleeper *sleeper = data;
	char buf[8];

	atomic_store(&sleeper->told, try_recv(sleeper->fd, &recv_arg(.data = uptr(buf),
								     .len = sizeof(buf))) ?: -1);
	return NULL;
}

static bool sleeps(struct sleeper *sleeper)
{
	sleeper->fd = open_dev(1, O_RDWR);
	if (try_port_create(sleeper->fd, &port_create_arg(.port = PORT)))
		return false;
	pthread_create(&sleeper->thread, NULL, receiver, sleeper);
	return happens(port_waiters(sleeper->fd, SELF, PORT) == 1);
}

/* He wakes with ENODEV, and so does who polls */
static void told(struct sleeper *sleeper)
{
	struct pollfd poll_fd = { .fd = sleeper->fd };

	if (!happens(atomic_load(&sleeper->told))) {
		complain("a receiver sleeps on");
		return;
	}
	if (atomic_load(&sleeper->told) != ENODEV)
		complain("a receiver is told: %s", strerror(atomic_load(&sleeper->told)));
	if (poll(&poll_fd, 1, 0) != 1 || !(poll_fd.revents & POLLHUP))
		complain("poll says %#x", poll_fd.revents);
	pthread_join(sleeper->thread, NULL);
	close(sleeper->fd);
}

/* ---- tests ---- */

/* Nobody configured a name: peers see the machine's, and the node has none */
static void names_shown(void)
{
	int fd0 = open_dev(0, O_RDWR), fd1 = open_dev(1, O_RDWR);
	struct shmipc_info info = info_arg();
	struct shmipc_peer_info row = {}, self = {};
	char host[SHMIPC_NAME_MAX] = "";

	all_well();
	gethostname(host, sizeof(host) - 1);
	if (peer_row(fd0, own_peer(fd1), &row) || strcmp(row.name, host))
		complain("a peer is called \"%s\" and not \"%s\"", row.name, host);
	if (peer_row(fd1, own_peer(fd1), &self) || strcmp(self.name, host))
		complain("it calls itself \"%s\"", self.name);
	if (try_info(fd1, &info) || info.out_name[0])
		complain("the region is called \"%s\"", info.out_name);
	close(fd0);
	close(fd1);
	verdict("names");
}

static void slots_taken(void)
{
	if (!was_said(HAND ": declined: all 2 slots are taken by peers that live: end one, or"))
		complain("the third device was not declined as it should be");
	all_well();
	verdict("all slots are taken");
}

static void slot_lost(bool free_again)
{
	struct sleeper sleeper = {};
	struct shmipc_wire_claim *claim;

	all_well();
	if (!sleeps(&sleeper))
		complain("nobody sleeps");
	claim = claim_of(own_peer(sleeper.fd));
	claim->token ^= 0x5a5a5a5a;
	told(&sleeper);
	if (!was_said(SECOND ": our slot is another's now, attaching anew"))
		complain("nothing was said of it");
	if (free_again)
		claim->token = 0;
	all_well();
	verdict(free_again ? "a slot is lost, and free again" : "a slot is lost to one who is silent");
}

/* The section of shmipc1 as it was in its last life */
static void set_back(struct sleeper *sleeper)
{
	struct shmipc_info info = info_arg();
	int fd = open_dev(1, O_RDWR);
	unsigned char *copy;

	try_info(fd, &info);
	copy = malloc(info.out_section_bytes);
	memcpy(copy, section_of(fd), info.out_section_bytes);
	close(fd);
	if (!write_file(DRIVER "unbind", SECOND) || !write_file(DRIVER "bind", SECOND))
		complain("cannot bind: %s", strerror(errno));
	all_well();
	if (!sleeps(sleeper))
		complain("nobody sleeps");
	memcpy(section_of(sleeper->fd), copy, info.out_section_bytes);
	free(copy);
}

static void listener_notices(void)
{
	struct sleeper sleeper = {};
	int fd;

	all_well();
	set_back(&sleeper);
	fd = open_dev(1, O_RDWR);
	if (try_event_mask(fd, &event_mask_arg(.mask = SHMIPC_MASK_PEER)))
		complain("cannot listen");
	told(&sleeper);
	close(fd);
	if (!was_said("shmipc1: what we wrote has changed (set back?), restarting all links"))
		complain("nothing was said of it");
	all_well();
	verdict("memory is set back under a listener");
}

static void resume_notices(void)
{
	struct sleeper sleeper = {};

	all_well();
	set_back(&sleeper);
	/* Devices are suspended, and resumed after five seconds */
	if (!write_file("/sys/power/pm_test", "devices") || !write_file("/sys/power/state", "freeze"))
		complain("cannot suspend: %s", strerror(errno));
	told(&sleeper);
	all_well();
	verdict("memory is set back while the machine sleeps");
}

int main(void)
{
	ksft_print_header();
	complaints = shared(sizeof(*complaints));
	reach_memory();
	ksft_set_plan(6);
	slots_taken();
	names_shown();
	slot_lost(true);
	slot_lost(false);
	listener_notices();
	if (access("/sys/power/pm_test", W_OK))
		ksft_test_result_skip("this kernel cannot suspend for a test\n");
	else
		resume_notices();
	ksft_finished();
}
