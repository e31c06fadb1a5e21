// SPDX-License-Identifier: GPL-2.0
/*
 * driver/format_message.c, over loopback. Wants
 *
 *	loopback=5 loopback_size=4096 message_init=Host-init
 *	format=message,shmipc-loopback.3=text,shmipc-loopback.4=text
 *
 * Regions 0 to 2 have the format message. Peers 3 and 4 write bare text, and with message_raw
 * whatever bytes we want 0 to 2 to find in a section.
 *
 * Red when: a letter is lost, delivered twice without a mark or for one ring, to nobody's port,
 * or from before its sender came; a length, an id or a state is believed; an answer is missed,
 * or that who is to give it went; what the format cannot do succeeds or says something else
 * than EOPNOTSUPP.
 */
#include "shmipc_letter.h"

TEST_F(message, what_it_is)
{
	struct shmipc_info info = info_arg();

	must_info(self->fd[0], &info);
	EXPECT_EQ(SHMIPC_FORMAT_MESSAGE, info.out_format);
	EXPECT_EQ(SHMIPC_FEAT_PORTS | SHMIPC_FEAT_EVENTS | SHMIPC_FEAT_CONFIRM, info.out_features);
	EXPECT_EQ(1, info.out_max_ports);
	EXPECT_EQ(256, info.out_max_msg);
	must_info(self->fd[FORGER], &info);
	EXPECT_EQ(255, info.out_max_msg);
	EXPECT_EQ(SHMIPC_FORMAT_MESSAGE, info.out_format);
	EXPECT_EQ(SHMIPC_FEAT_PORTS | SHMIPC_FEAT_EVENTS, info.out_features);
}

TEST_F(message, one_port)
{
	struct shmipc_port_create arg = port_create_arg();
	int other = open_dev(0, O_RDWR);

	ASSERT_LE(0, other);
	fail_port_create(EOPNOTSUPP, other, &port_create_arg(.port = 5));
	must_port_create(self->fd[0], &arg);
	EXPECT_EQ(PORT, arg.out_port);
	fail_port_create(EADDRINUSE, other, &port_create_arg());
	fail_port_create(EADDRINUSE, other, &port_create_arg(.port = PORT));
	must_port_create(other, &port_create_arg(.port = 5, .flags = SHMIPC_PORT_LOCAL));
	must_send_to(self->fd[0], SELF, 5, "x", 1);
	must_recv_now(other, self->in, 1);
	fail_send_to(ECONNREFUSED, self->fd[0], 1, 5, "x", 1);
	close(other);
}

TEST_F(message, what_it_cannot_do)
{
	int fd = self->fd[0], bell = eventfd(0, EFD_CLOEXEC);

	fail_port_create(EOPNOTSUPP, fd, &port_create_arg(.name = "name"));
	fail_port_create(EOPNOTSUPP, fd, &port_create_arg(.flags = SHMIPC_PORT_META));
	fail_lookup(EOPNOTSUPP, fd, &lookup_arg(.peer = ANY, .name = "name"));
	fail_watch(EOPNOTSUPP, fd, &watch_arg(.kind = SHMIPC_WATCH_NAME, .peer = ANY, .name = "n"));
	fail_notify(EOPNOTSUPP, fd, &notify_arg(.peer = 1));
	fail_eventfd(EOPNOTSUPP, fd, &eventfd_arg(.fd = bell, .peer = 1));
	fail_event_mask(EOPNOTSUPP, fd, &event_mask_arg(
				.mask = SHMIPC_EVENT_BIT(SHMIPC_EVENT_DOORBELL)));
	fail_send(EOPNOTSUPP, fd, &send_arg(.peer = 1, .port = PORT, .priority = 1));
	fail_send(EOPNOTSUPP, self->fd[4], &send_arg(.peer = 1, .port = PORT,
						    .type = SHMIPC_MESSAGE_COMMAND));
	close(bell);
}

TEST_F(message, there_and_back)
{
	must_fresh_port(self, 0, 0);
	must_fresh_port(self, 1, 0);
	must_send(self->fd[0], &send_arg(.peer = 1, .port = PORT, .data = uptr("ask"), .len = 3,
					 .type = SHMIPC_MESSAGE_COMMAND));
	ASSERT_TRUE(gets_text(self, 1, 0, "ask", 0));
	EXPECT_EQ(SHMIPC_MESSAGE_COMMAND, self->got.out_type);
	EXPECT_EQ(PORT, self->got.out_port);
	must_send_to(self->fd[1], 0, self->got.out_port, "answer", 6);
	ASSERT_TRUE(gets_text(self, 0, 1, "answer", 0));
	EXPECT_EQ(SHMIPC_MESSAGE_TEXT, self->got.out_type);	/* 0 is sent as text */
	must_send(self->fd[0], &send_arg(.peer = 1, .port = PORT, .type = 77));
	ASSERT_TRUE(gets_text(self, 1, 0, "", 0));
	EXPECT_EQ(77, self->got.out_type);
}

TEST_F(message, sizes)
{
	char out[257];

	must_fresh_port(self, 1, 0);
	fill(out, sizeof(out), 5);
	fail_send_to(EMSGSIZE, self->fd[0], 1, PORT, out, 257);
	must_send_to(self->fd[0], 1, PORT, out, 256);
	ASSERT_TRUE(happens(!next_now(self, 1)));
	EXPECT_EQ(256, self->got.out_len);
	EXPECT_EQ(0, self->got.out_flags);
	EXPECT_TRUE(filled(self->in, 256, 5));
}

TEST_F(message, the_same_again_is_marked)
{
	struct letter out = { .type = 1, .length = 3, .sender = FORGER, .data = "Hi!" };

	must_fresh_port(self, 0, 0);
	must_forge(&out, 32);
	ASSERT_TRUE(gets_text(self, 0, FORGER, "Hi!", 0));
	must_forge(&out, 32);
	ASSERT_TRUE(gets_text(self, 0, FORGER, "Hi!", SHMIPC_MSG_REPEAT));
	out.data[1] = 'o';
	must_forge(&out, 32);
	ASSERT_TRUE(gets_text(self, 0, FORGER, "Ho!", 0));
	nothing_left(0);
}

/*
 * The forger comes, its letter is seen, and then it rings for that. Are we told only once?
 * A machine that is too slow takes the ring for another
 */
static bool late_ring_is_silent(FIXTURE_DATA(message) *self)
{
	return !forge(self, "another", 8) && !restart(self, FORGER) &&
	       happens(!next_now(self, 0) && !memcmp(&self->got.out_type, INIT, 4)) &&
	       !forge(self, INIT, strlen(INIT)) && next_now(self, 0) == EAGAIN;
}

TEST_F(message, seen_before_it_rings)
{
	must_fresh_port(self, 0, 0);
	ASSERT_TRUE(happens(late_ring_is_silent(self)));
	/* But not for ever */
	must_forge(INIT, strlen(INIT));
	ASSERT_TRUE(gets_init(self, SHMIPC_MSG_REPEAT));
	nothing_left(0);
}

TEST_F(message, the_same_of_one_who_is_back)
{
	must_fresh_port(self, 0, 0);
	must_forge(INIT, strlen(INIT));
	ASSERT_TRUE(gets_init(self, 0));
	ASSERT_EQ(0, restart(self, FORGER));
	must_forge(INIT, strlen(INIT));
	ASSERT_TRUE(gets_init(self, 0));
	must_forge(INIT, strlen(INIT));
	ASSERT_TRUE(gets_init(self, SHMIPC_MSG_REPEAT));
	nothing_left(0);
}

/* Of ours two are two, and each is known from the other */
TEST_F(message, the_same_again_of_ours_is_another)
{
	must_fresh_port(self, 1, 0);
	must_send_to(self->fd[0], 1, PORT, "Hi!", 3);
	must_send_to(self->fd[0], 1, PORT, "Hi!", 3);
	ASSERT_TRUE(gets_text(self, 1, 0, "Hi!", 0));
	ASSERT_TRUE(gets_text(self, 1, 0, "Hi!", 0));
	nothing_left(1);
}

#define confirm_arg(...) send_arg(.port = PORT, .flags = SHMIPC_SEND_CONFIRM, __VA_ARGS__)

TEST_F(message, confirmed)
{
	struct shmipc_send arg = confirm_arg(.peer = 1, .data = uptr("Hi!"), .len = 3);
	struct job job;

	must_fresh_port(self, 0, 0);
	must_fresh_port(self, 1, 0);
	ASSERT_TRUE(acknowledge('Y'));
	must_start(&job, self->fd[0], SHMIPC_SEND, &arg);
	ASSERT_TRUE(job_blocked(&job));
	ASSERT_TRUE(gets_text(self, 1, 0, "Hi!", 0));
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(SHMIPC_STATE_RECEIVED, arg.out_state);
	/* The answer was for the sender alone */
	nothing_left(0);
	/* The same once more: an answer to what was before is none */
	arg.out_state = 0;
	must_start(&job, self->fd[0], SHMIPC_SEND, &arg);
	ASSERT_TRUE(job_blocked(&job));
	ASSERT_TRUE(gets_text(self, 1, 0, "Hi!", 0));
	EXPECT_EQ(0, job_end(&job));
}

TEST_F(message, confirmed_by_a_foreign_ack)
{
	struct shmipc_send arg = confirm_arg(.peer = FORGER, .data = uptr("Hi!"), .len = 3);
	struct letter out = { .type = SHMIPC_MESSAGE_ACK, .length = 3, .sender = FORGER,
			      .data = "Ho!" };
	struct job job;

	must_fresh_port(self, 0, 0);
	must_start(&job, self->fd[0], SHMIPC_SEND, &arg);
	ASSERT_TRUE(job_blocked(&job));
	must_forge(&out, 32);	/* of another: it is a message like others */
	ASSERT_TRUE(gets_text(self, 0, FORGER, "Ho!", 0));
	EXPECT_EQ(SHMIPC_MESSAGE_ACK, self->got.out_type);
	ASSERT_TRUE(job_blocked(&job));
	out.length = 0;
	must_forge(&out, 32);
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(SHMIPC_STATE_RECEIVED, arg.out_state);
	nothing_left(0);
}

TEST_F(message, confirmed_by_the_same_ack)
{
	struct shmipc_send arg = confirm_arg(.peer = FORGER, .data = uptr("Hi!"), .len = 3);
	struct letter out = { .type = SHMIPC_MESSAGE_ACK, .sender = FORGER };
	struct job job;
	int i;

	must_fresh_port(self, 0, 0);
	for (i = 0; i < 3; i++) {
		arg.out_state = 0;
		must_start(&job, self->fd[0], SHMIPC_SEND, &arg);
		ASSERT_TRUE(job_blocked(&job));
		must_forge(&out, 32);
		ASSERT_EQ(0, job_end(&job));
		EXPECT_EQ(SHMIPC_STATE_RECEIVED, arg.out_state);
	}
	/* Nobody waits: it is a message again */
	must_forge(&out, 32);
	ASSERT_TRUE(gets_text(self, 0, FORGER, "", SHMIPC_MSG_REPEAT));
	nothing_left(0);
}

/* Is there an ACK of region 0 for the forger, to whom its type is a text of one byte? */
static bool acked(FIXTURE_DATA(message) *self)
{
	struct shmipc_recv arg;

	do {
		arg = now_arg(self);
		if (try_recv(self->fd[FORGER], &arg))
			return false;
	} while (arg.out_peer != 0 || self->in[0] != SHMIPC_MESSAGE_ACK ||
		 arg.out_flags & SHMIPC_MSG_REPEAT);
	return true;
}

TEST_F(message, a_repetition_is_not_answered)
{
	struct letter out = { .type = 1, .length = 3, .sender = FORGER, .data = "Hi!" };

	must_fresh_port(self, 0, 0);
	must_fresh_port(self, FORGER, 0);
	ASSERT_TRUE(acknowledge('Y'));
	must_forge(&out, 32);
	ASSERT_TRUE(gets_text(self, 0, FORGER, "Hi!", 0));
	ASSERT_TRUE(happens(acked(self)));
	must_forge(&out, 32);
	ASSERT_TRUE(gets_text(self, 0, FORGER, "Hi!", SHMIPC_MSG_REPEAT));
	EXPECT_FALSE(acked(self));
}

TEST_F(message, who_is_to_answer_goes_and_comes)
{
	struct shmipc_send arg = confirm_arg(.peer = 2);
	struct job job;

	must_start(&job, self->fd[0], SHMIPC_SEND, &arg);
	ASSERT_TRUE(job_blocked(&job));
	close(self->fd[2]);
	must_unbind(2);
	must_bind(2);
	EXPECT_EQ(ECONNRESET, job_end(&job));
	EXPECT_EQ(SHMIPC_STATE_RESET, arg.out_state);
	self->fd[2] = open_dev(2, O_RDWR);
	ASSERT_LE(0, self->fd[2]);
}

TEST_F(message, not_confirmed)
{
	struct shmipc_send arg = confirm_arg(.peer = 1, .deadline = now_ns() + 20 * MS);
	struct job job;

	fail_send(ETIMEDOUT, self->fd[0], &arg);
	EXPECT_EQ(SHMIPC_STATE_SENT, arg.out_state);
	fail_send(EINVAL, self->fd[0], &confirm_arg(.peer = 1,
		  .flags = SHMIPC_SEND_CONFIRM | SHMIPC_SEND_NOWAIT));
	fail_send(EOPNOTSUPP, self->fd[4], &confirm_arg(.peer = 1));
	must_port_create(self->fd[0], &port_create_arg());
	fail_send(EOPNOTSUPP, self->fd[0], &confirm_arg(.peer = SELF));
	/* A peer that goes before it has answered */
	arg = confirm_arg(.peer = 2);
	must_start(&job, self->fd[0], SHMIPC_SEND, &arg);
	ASSERT_TRUE(job_blocked(&job));
	close(self->fd[2]);
	must_unbind(2);
	EXPECT_EQ(ECONNRESET, job_end(&job));
	EXPECT_EQ(SHMIPC_STATE_RESET, arg.out_state);
	must_bind(2);
	self->fd[2] = open_dev(2, O_RDWR);
	ASSERT_LE(0, self->fd[2]);
}

TEST_F(message, a_letter_waits_for_a_port)
{
	must_fresh_port(self, 1, 0);
	must_destroy(self->fd[1]);
	must_send_to(self->fd[0], 1, PORT, "lost", 4);
	must_send_to(self->fd[0], 1, PORT, "waits", 5);
	must_port_create(self->fd[1], &port_create_arg());
	ASSERT_TRUE(gets_text(self, 1, 0, "waits", 0));
	nothing_left(1);
	/* It has been taken: not again for who comes next */
	must_destroy(self->fd[1]);
	must_port_create(self->fd[1], &port_create_arg());
	must_send_to(self->fd[0], 1, PORT, "next", 4);
	ASSERT_TRUE(gets_text(self, 1, 0, "next", 0));
}

TEST_F(message, a_letter_waits_for_room)
{
	must_fresh_port(self, 1, 1);
	must_send_to(self->fd[0], 1, PORT, "first", 5);
	must_send_to(self->fd[0], 1, PORT, "lost", 4);
	must_send_to(self->fd[0], 1, PORT, "second", 6);
	must_send_to(self->fd[2], 1, PORT, "another's", 9);
	EXPECT_EQ(2, port_queued(self->fd[1], SELF, PORT));
	ASSERT_TRUE(gets_text(self, 1, 0, "first", 0));
	ASSERT_TRUE(gets_text(self, 1, 2, "another's", 0));
	ASSERT_TRUE(gets_text(self, 1, 0, "second", 0));
	nothing_left(1);
}

TEST_F(message, a_letter_waits_for_others_room)
{
	must_fresh_port(self, 1, 0);
	must_destroy(self->fd[1]);
	must_port_create(self->fd[1], &port_create_arg(.depth = 1,
						       .flags = SHMIPC_PORT_TOTAL_DEPTH));
	must_send_to(self->fd[0], 1, PORT, "first", 5);
	must_send_to(self->fd[2], 1, PORT, "waits", 5);
	must_send_to(self->fd[0], 1, PORT, "waits too", 9);
	ASSERT_TRUE(gets_text(self, 1, 0, "first", 0));
	ASSERT_TRUE(happens(!next_now(self, 1)));
	ASSERT_TRUE(happens(!next_now(self, 1)));
	nothing_left(1);
	/* Also if it is our own message that leaves */
	must_send_to(self->fd[1], SELF, PORT, "own", 3);
	must_send_to(self->fd[2], 1, PORT, "again", 5);
	ASSERT_TRUE(gets_text(self, 1, 1, "own", SHMIPC_MSG_LOCAL));
	ASSERT_TRUE(gets_text(self, 1, 2, "again", 0));
	nothing_left(1);
}

TEST_F(message, a_length_is_not_trusted)
{
	struct letter out = { .type = SHMIPC_MESSAGE_TEXT, .length = 257, .sender = FORGER };

	must_fresh_port(self, 0, 0);
	memset(out.data, 'x', sizeof(out.data));
	must_forge(&out, 255);
	ASSERT_TRUE(happens(!next_now(self, 0)));
	EXPECT_EQ(256, self->got.out_len);
	EXPECT_EQ(SHMIPC_MSG_BADLEN, self->got.out_flags);
	out.length = 0xffff;
	must_forge(&out, 255);
	ASSERT_TRUE(happens(!next_now(self, 0)));
	EXPECT_EQ(256, self->got.out_len);
}

TEST_F(message, ids_are_not_trusted)
{
	struct letter out = { .type = 9, .length = 2, .sender = 1, .data = "me" };
	struct shmipc_peer_info before, row;

	must_fresh_port(self, 0, 0);
	ASSERT_EQ(0, peer_row(self->fd[0], FORGER, &before));
	must_forge(&out, 32);
	ASSERT_TRUE(gets_text(self, 0, FORGER, "me", SHMIPC_MSG_BADSENDER));
	EXPECT_EQ(9, self->got.out_type);
	ASSERT_EQ(0, peer_row(self->fd[0], FORGER, &row));
	EXPECT_EQ(before.errors + 1, row.errors);
	out.sender = FORGER;
	out.receiver = 2;
	must_forge(&out, 32);
	ASSERT_TRUE(gets_text(self, 0, FORGER, "me", SHMIPC_MSG_BADRECEIVER));
	/* Again: not for us, so not repeated */
	must_forge(&out, 32);
	out.receiver = 0xffffffff;
	must_forge(&out, 32);
	ASSERT_TRUE(gets_text(self, 0, FORGER, "me", 0));
}

TEST_F(message, nothing_is_no_message)
{
	must_fresh_port(self, 0, 0);
	must_forge("\0\0\0\0\4\0\0\0", 8);
	must_forge(&(struct letter){ .type = 1, .sender = FORGER }, 16);
	ASSERT_TRUE(gets_text(self, 0, FORGER, "", 0));
	nothing_left(0);
}

TEST_F(message, bare_text)
{
	must_fresh_port(self, 4, 0);
	must_send_to(self->fd[FORGER], 4, PORT, "Hi!\n", 4);
	ASSERT_TRUE(gets_text(self, 4, FORGER, "Hi!\n", SHMIPC_MSG_BARE));
	EXPECT_EQ(SHMIPC_MESSAGE_TEXT, self->got.out_type);
	fail_send_to(EMSGSIZE, self->fd[FORGER], 4, PORT, self->in, 256);
}

TEST_F(message, what_is_no_text)
{
	must_fresh_port(self, 4, 0);
	ASSERT_TRUE(send_raw('N'));
	fail_send_to(EINVAL, self->fd[FORGER], 4, PORT, "", 0);
	fail_send_to(EINVAL, self->fd[FORGER], 4, PORT, "a\0b", 3);
	fail_send_to(EINVAL, self->fd[FORGER], 4, PORT, "ab", 3);
	nothing_left(4);
	must_send_to(self->fd[FORGER], 4, PORT, "ab", 2);
	ASSERT_TRUE(gets_text(self, 4, FORGER, "ab", SHMIPC_MSG_BARE));
}

/* Each time: two letters of ours are never the same, whether or not we were away between them */
TEST_F(message, init_is_there_from_the_start)
{
	must_fresh_port(self, 0, 0);
	ASSERT_EQ(0, restart(self, 1));
	ASSERT_TRUE(gets_text(self, 0, 1, INIT, 0));
	ASSERT_EQ(0, restart(self, 1));
	ASSERT_TRUE(gets_text(self, 0, 1, INIT, 0));
	nothing_left(0);
}

TEST_F(message, a_peer_goes_and_comes)
{
	struct shmipc_event event[2];
	struct shmipc_events arg = events_arg(.data = uptr(event), .len = sizeof(event));

	must_fresh_port(self, 0, 0);
	must_event_mask(self->fd[0], &event_mask_arg(
				.mask = SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_DOWN)));
	must_send_to(self->fd[2], 0, PORT, "old", 3);
	ASSERT_TRUE(gets_text(self, 0, 2, "old", 0));
	must_unbind(2);
	ASSERT_TRUE(happens(peer_state(self->fd[0], 2) == SHMIPC_PEER_ABSENT));
	must_events(self->fd[0], &arg);
	EXPECT_EQ(SHMIPC_EVENT_PEER_DOWN, event[0].kind);
	EXPECT_EQ(2, event[0].peer);
	EXPECT_EQ(0, event[0].count);
	fail_send_to(EHOSTUNREACH, self->fd[0], 2, PORT, "x", 1);
	close(self->fd[2]);
	must_bind(2);
	self->fd[2] = open_dev(2, O_RDWR);
	ASSERT_TRUE(links_up(self->fd[0], self->fd[2]));
	ASSERT_TRUE(gets_text(self, 0, 2, "Host-init", 0));
	must_send_to(self->fd[0], 2, PORT, "x", 1);
}

TEST_F(message, a_connection_is_to_one_life_of_a_peer)
{
	must_connect(self->fd[0], &connect_arg(.peer = 2, .port = PORT));
	ASSERT_EQ(1, write(self->fd[0], "x", 1));
	ASSERT_EQ(0, restart(self, 2));
	EXPECT_EQ(-1, write(self->fd[0], "x", 1));
	EXPECT_EQ(ECONNRESET, errno);
	EXPECT_EQ(-1, write(self->fd[0], "x", 1));
	EXPECT_EQ(ECONNRESET, errno);
	must_connect(self->fd[0], &connect_arg(.peer = 2, .port = PORT));
	EXPECT_EQ(1, write(self->fd[0], "x", 1));
}

TEST_F(message, read_write_poll)
{
	struct pollfd pfd = { .fd = self->fd[1], .events = POLLIN };

	must_fresh_port(self, 1, 0);
	EXPECT_EQ(0, poll(&pfd, 1, 0));
	must_connect(self->fd[0], &connect_arg(.peer = 1, .port = PORT));
	ASSERT_EQ(5, write(self->fd[0], "hello", 5));
	EXPECT_EQ(1, poll(&pfd, 1, GUARD_S * 1000));
	ASSERT_EQ(5, read(self->fd[1], self->in, sizeof(self->in)));
	EXPECT_EQ(0, memcmp(self->in, "hello", 5));
	EXPECT_TRUE(poll_events(self->fd[0], 0) & POLLOUT);
}

TEST_F(message, a_receiver_is_woken)
{
	struct shmipc_recv arg = recv_arg(.data = uptr(self->in), .len = sizeof(self->in),
					  .deadline = now_ns() + GUARD_S * 1000 * MS);
	struct job job;

	must_fresh_port(self, 1, 0);
	must_start(&job, self->fd[1], SHMIPC_RECV, &arg);
	ASSERT_TRUE(happens(port_waiters(self->fd[1], SELF, PORT) == 1));
	must_send_to(self->fd[0], 1, PORT, "wake", 4);
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(4, arg.out_len);
}

TEST_HARNESS_MAIN
