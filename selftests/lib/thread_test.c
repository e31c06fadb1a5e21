// SPDX-License-Identifier: GPL-2.0
/* One endpoint, many threads */
#include <stdatomic.h>

#include "lib_test.h"

enum { SENDERS = 4, RECEIVERS = 4, MESSAGES = 2000 };

struct crowd {
	struct shmipc_endpoint *a;
	struct shmipc_endpoint *b;
	struct shmipc_address to;
	atomic_int bad;
	atomic_int received;
	atomic_uchar seen[SENDERS * MESSAGES];
};

struct member {
	struct crowd *crowd;
	uint32_t nr;
};

static void *send_all(void *arg)
{
	struct member *member = arg;
	struct crowd *crowd = member->crowd;

	for (uint32_t i = 0; i < MESSAGES; i++) {
		uint32_t value = member->nr * MESSAGES + i;

		if (shmipc_send(crowd->a, &crowd->to, member->nr, &value, sizeof(value), SOON))
			crowd->bad++;
	}
	return NULL;
}

/* Until a message of no bytes says that it is over. */
static void *receive_all(void *arg)
{
	struct crowd *crowd = arg;
	uint32_t value;
	ssize_t len;

	while ((len = shmipc_recv(crowd->b, &value, sizeof(value), NULL, NULL, SOON)) > 0) {
		if (len != sizeof(value) || value >= SENDERS * MESSAGES ||
		    crowd->seen[value]++)
			crowd->bad++;
		crowd->received++;
	}
	if (len < 0)
		crowd->bad++;
	return NULL;
}

TEST_F(pair, each_message_goes_to_exactly_one_thread)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	pthread_t senders[SENDERS], receivers[RECEIVERS];
	struct member members[SENDERS];

	ASSERT_NE(NULL, crowd);
	crowd->a = self->a;
	crowd->b = self->b;
	crowd->to = self->to;
	for (int i = 0; i < RECEIVERS; i++)
		ASSERT_EQ(0, pthread_create(&receivers[i], NULL, receive_all, crowd));
	for (uint32_t i = 0; i < SENDERS; i++) {
		members[i] = (struct member){ crowd, i };
		ASSERT_EQ(0, pthread_create(&senders[i], NULL, send_all, &members[i]));
	}
	for (int i = 0; i < SENDERS; i++)
		pthread_join(senders[i], NULL);
	for (int i = 0; i < RECEIVERS; i++)
		EXPECT_EQ(0, shmipc_send(self->a, &self->to, 0, NULL, 0, SOON));
	for (int i = 0; i < RECEIVERS; i++)
		pthread_join(receivers[i], NULL);
	EXPECT_EQ(0, atomic_load(&crowd->bad));
	EXPECT_EQ(SENDERS * MESSAGES, atomic_load(&crowd->received));
	free(crowd);
}

/* A blocked sender, too, learns that the port is gone. */
static void *fill(void *arg)
{
	struct crowd *crowd = arg;

	while (shmipc_send(crowd->a, &crowd->to, 0, "x", 1, SHMIPC_FOREVER) == 0)
		crowd->received++;
	return (void *)(intptr_t)errno;
}

TEST_F(pair, a_blocked_sender_is_refused_when_the_port_closes)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	pthread_t thread;
	void *error;

	crowd->a = self->a;
	crowd->to = self->to;
	ASSERT_EQ(0, pthread_create(&thread, NULL, fill, crowd));
	while (crowd->received < (int)SHMIPC_DEPTH_DEFAULT)
		sleep_ms(1);
	sleep_ms(50);
	shmipc_close(self->b);
	self->b = NULL;
	pthread_join(thread, &error);
	EXPECT_EQ(ECONNREFUSED, (intptr_t)error);
	free(crowd);
}

TEST_HARNESS_MAIN
