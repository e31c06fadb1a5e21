// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ivshmem2-inmate SOCKET ID ROLE [intx] [vectors=4] [target=N] [seconds=60] [every=MS] [rings=N]
 *
 * A process of the host that is peer ID of an ivshmem2 server and behaves as a bare-metal program
 * in another cell of Jailhouse would. Role:
 *
 * demo	Jailhouse's ivshmem-demo. Interrupts on, state ID+1, its R/W word and the first word of
 *		its output 0. Every second it rings: vector 0 (INTx) or ID+1 (MSI-X) of target, by
 *		default peer ID+1. At each interrupt its R/W word becomes the number of those so far
 *		(under MSI-X: of those on the vector with its own id), then the first word of its
 *		output ten times that. Never looks at states or others' words.
 * message	the demo with a struct Message in its output: rings target 0 every second with the
 *		text "Hi!", and at each interrupt reads the message of peer 0: answers TEXT with
 *		TEXT, ignores every other type. Looks at no ids, has no sequence: an old text is a
 *		text. Copies 255 bytes whatever the length.
 * text	the first form of that: "Hi!\n" at the start of its output, no header.
 * bad		messages that no one should trust: absurd lengths, wrong ids, unknown types, no
 *		NUL; half a message changed while it is read. The doorbell rings for each.
 * storm	rings every vector of target, "every" apart; changes its state at random.
 * watch	only says what happens.
 *
 * Says what it does on stdout, a line each. Its own section and the R/W section are all that it can
 * write.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ivshmem2.h"

struct message {
	uint32_t type;
	uint16_t length;
	uint16_t pad;
	uint32_t sender;
	uint32_t receiver;
	char data[256];
};

enum { TEXT = 1, COMMAND, ACK, ERROR };

static struct iv2_link self;
static struct iv2_peer *regs;
static volatile uint32_t *rw;
static volatile uint8_t *outputs;
static bool intx;
static uint32_t vectors = 4, rings = UINT32_MAX, count, vector_count;
static uint32_t target;
static const char *role;
static volatile sig_atomic_t over;

static void on_term(int signal)
{
	(void)signal;
	over = 1;
}

static volatile uint8_t *output(uint32_t peer)
{
	return outputs + peer * self.control->output_size;
}

static volatile struct message *message_of(uint32_t peer)
{
	return (volatile struct message *)output(peer);
}

/* What a hypervisor maps: all but the R/W section and the own output only to be read */
static void map(void)
{
	const struct iv2_control *control = self.control;
	uint8_t *all = mmap(NULL, iv2_memory_size(control), PROT_READ | PROT_WRITE, MAP_SHARED,
			    self.memory, 0);
	uint32_t n;

	if (all == MAP_FAILED) {
		perror("ivshmem2-inmate: mmap");
		exit(1);
	}
	rw = (volatile uint32_t *)(all + control->state_size);
	outputs = all + control->state_size + control->rw_size;
	mprotect(all, control->state_size, PROT_READ);
	for (n = 0; n < control->peers; n++) {
		if ((int)n != self.id)
			mprotect((void *)output(n), control->output_size, PROT_READ);
	}
}

static void ring(uint32_t vector)
{
	if (!rings)
		return;
	rings--;
	printf("rings %u of peer %u\n", vector, target);
	iv2_ring(&self, target, vector);
}

static void write_message(uint32_t type, uint32_t length, uint32_t sender, uint32_t receiver,
			  const char *text)
{
	volatile struct message *mine = message_of(self.id);
	size_t n, len = strlen(text);

	mine->type = type;
	mine->length = length;
	mine->sender = sender;
	mine->receiver = receiver;
	for (n = 0; n < sizeof(mine->data); n++)
		mine->data[n] = n < len ? text[n] : 0;
}

static void start(void)
{
	__atomic_store_n(&regs->int_control, 1, __ATOMIC_SEQ_CST);
	if (!strcmp(role, "watch"))
		return;
	iv2_set_state(&self, self.id, self.id + 1);
	rw[self.id] = 0;
	if (!strcmp(role, "message"))
		write_message(TEXT, 3, self.id, 0, "Hi!");
	else if (!strcmp(role, "text"))
		memcpy((void *)output(self.id), "Hi!\n", 5);
	else if (!strcmp(role, "demo"))
		*(volatile uint32_t *)output(self.id) = 0;
}

static void say_all(void)
{
	uint32_t n;

	printf("states");
	for (n = 0; n < self.control->peers; n++)
		printf(" %u", self.table[n]);
	printf(", R/W");
	for (n = 0; n < self.control->peers; n++)
		printf(" %u", rw[n]);
	printf(", outputs");
	for (n = 0; n < self.control->peers; n++)
		printf(" %u", *(volatile uint32_t *)output(n));
	printf("\n");
}

/* The message of peer 0, whoever rang */
static void answer(void)
{
	static unsigned int answers;
	volatile struct message *theirs = message_of(0);
	char text[256] = "";
	int n;

	for (n = 0; n < 255; n++)
		text[n] = theirs->data[n];
	printf("message type %u length %u from %u to %u: %s\n", theirs->type, theirs->length,
	       theirs->sender, theirs->receiver, text);
	if (theirs->type != TEXT)
		return;
	n = snprintf(text, sizeof(text), "Inmate got %u", ++answers);
	write_message(TEXT, n, self.id, theirs->sender, text);
	ring(0);
}

static void on_interrupt(uint32_t vector)
{
	count++;
	if (intx || vector == (uint32_t)self.id)
		vector_count++;
	printf("interrupt %u (#%u)\n", vector, count);
	if (!strcmp(role, "message")) {
		answer();
	} else if (!strcmp(role, "text")) {
		printf("text: %.200s\n", (char *)output(0));
	} else if (!strcmp(role, "demo")) {
		rw[self.id] = intx ? count : vector_count;
		*(volatile uint32_t *)output(self.id) = 10 * (intx ? count : vector_count);
	}
	say_all();
}

static void misbehave(uint32_t round)
{
	volatile struct message *mine = message_of(self.id);
	int n;

	switch (round % 7) {
	case 0: /* longer than there is */
		write_message(TEXT, 65535, self.id, target, "long");
		break;
	case 1: /* somebody else's */
		write_message(TEXT, 4, 77, target, "from");
		break;
	case 2: /* not for them */
		write_message(TEXT, 4, self.id, 4000000000u, "to");
		break;
	case 3:
		write_message(0xdeadbeef, 4, self.id, target, "type");
		break;
	case 4: /* without an end */
		write_message(TEXT, 256, self.id, target, "");
		for (n = 0; n < 256; n++)
			mine->data[n] = 'x';
		break;
	case 5: /* nothing */
		write_message(0, 0, 0, 0, "");
		break;
	case 6: /* one that changes all the time */
		for (n = 0; n < 300000; n++) {
			mine->length = n;
			mine->data[n % 256] = n;
			if (n == 1000)
				ring(0);
		}
		return;
	}
	ring(0);
}

static void on_time(void)
{
	static uint32_t round;

	if (!strcmp(role, "watch"))
		return;
	if (!strcmp(role, "bad")) {
		misbehave(round++);
	} else if (!strcmp(role, "storm")) {
		iv2_set_state(&self, self.id, rand() % 4);
		iv2_ring(&self, target, round++ % (vectors ? vectors : 1));
	} else {
		ring(intx || strcmp(role, "demo") ? 0 : self.id + 1);
	}
}

static bool option(const char *word, const char *name, uint32_t *value)
{
	size_t len = strlen(name);

	if (strncmp(word, name, len) || word[len] != '=')
		return false;
	*value = strtoul(word + len + 1, NULL, 0);
	return true;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void run(uint32_t seconds, uint32_t every)
{
	const uint64_t end = now_ms() + seconds * 1000ULL;
	struct pollfd fds[IV2_VECTORS + 1];
	uint64_t next = now_ms() + every, now, value;
	uint32_t n, wanted = intx ? 1 : vectors;

	for (n = 0; n < wanted; n++)
		fds[n] = (struct pollfd){ .fd = self.bell[self.id][n], .events = POLLIN };
	fds[wanted] = (struct pollfd){ .fd = self.socket, .events = POLLIN };
	while (!over && (now = now_ms()) < end) {
		if (now >= next) {
			on_time();
			next = now + every;
		}
		if (poll(fds, wanted + 1, next > now ? next - now : 0) < 0 && errno != EINTR)
			break;
		if (fds[wanted].revents)
			break; /* the server is gone */
		for (n = 0; n < wanted; n++) {
			if (fds[n].revents &&
			    read(fds[n].fd, &value, sizeof(value)) == sizeof(value))
				on_interrupt(n);
		}
	}
}

int main(int argc, char **argv)
{
	uint32_t seconds = 60, every = 1000;
	const char *error;
	int n;

	if (argc < 4) {
		fprintf(stderr, "usage: see the head of inmate.c\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_term);
	role = argv[3];
	error = iv2_join(&self, argv[1], atoi(argv[2]));
	if (error) {
		fprintf(stderr, "ivshmem2-inmate: %s\n", error);
		return 1;
	}
	target = strcmp(role, "message") && strcmp(role, "text") ? self.id + 1 : 0;
	for (n = 4; n < argc; n++) {
		if (!strcmp(argv[n], "intx"))
			intx = true;
		else if (!option(argv[n], "target", &target) && !option(argv[n], "every", &every) &&
			 !option(argv[n], "seconds", &seconds) && !option(argv[n], "rings", &rings) &&
			 !option(argv[n], "vectors", &vectors))
			return 2;
	}
	regs = &self.control->peer[self.id];
	map();
	__atomic_store_n(&regs->open, intx ? 1 : (1u << vectors) - 1, __ATOMIC_SEQ_CST);
	start();
	printf("peer %d of %u: %s\n", self.id, self.control->peers, role);
	run(seconds, every);
	printf("%u interrupts\n", count);
	return 0;
}
