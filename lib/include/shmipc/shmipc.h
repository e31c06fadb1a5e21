/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshmipc: messages between operating systems that share memory.
 *
 * An *endpoint* is an open /dev/shmipcN. It may own one port, at which messages
 * arrive, and may be connected to one port, to which they go by default.
 *
 * Rules that hold for every function
 * ----------------------------------
 *  - Failure is -1 or NULL, with errno set. Nothing is printed, nothing is
 *    retried: a call that a signal interrupts fails with EINTR, unless the
 *    handler was installed with SA_RESTART.
 *  - An endpoint can be used by several threads at once, like a file
 *    descriptor. The other objects belong to one thread at a time.
 *  - What a function named _new, _get, open or from_fd returns belongs to the
 *    caller, who hands it to the matching _free or close function; these accept
 *    NULL. Pointers that accessors return live as long as their object.
 *  - A function blocks only if it takes a deadline.
 *
 * Errors that any function with an endpoint can give: EINVAL (the endpoint is
 * NULL), ENODEV (the device is gone; only shmipc_close() helps), ENOMEM, and
 * EOPNOTSUPP or ENOTTY (the kernel or this region's format cannot do it).
 *
 * Constants (SHMIPC_PEER_SELF, SHMIPC_PORT_META, SHMIPC_STATE_QUEUED ...) are
 * those of <linux/shmipc.h>.
 */
#ifndef SHMIPC_SHMIPC_H
#define SHMIPC_SHMIPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/shmipc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An open file on a region. Closed with shmipc_close(). */
struct shmipc_endpoint;
/* What INFO says of a region. Freed with shmipc_region_free(). */
struct shmipc_region;
/* The peers of a region at one time. Freed with shmipc_peer_table_free(). */
struct shmipc_peer_table;
/* One row of it. Belongs to the table. */
struct shmipc_peer;
/* The ports of a region at one time. Freed with shmipc_port_table_free(). */
struct shmipc_port_table;
/* One row of it. Belongs to the table. */
struct shmipc_port;
/* How to create a port. Freed with shmipc_port_options_free(). */
struct shmipc_port_options;
/* A message with its payload. Freed with shmipc_message_free(). */
struct shmipc_message;
/* Messages sent or received by one call. Freed with shmipc_batch_free(). */
struct shmipc_batch;
/* Room for event records. Freed with shmipc_event_buffer_free(). */
struct shmipc_event_buffer;

/**
 * struct shmipc_address - a destination, or where a message came from
 * @peer: peer id or SHMIPC_PEER_SELF
 * @port: number
 * @generation: which of the successive ports with that number; 0: any
 */
struct shmipc_address {
	uint32_t peer;
	uint32_t port;
	uint32_t generation;
};

/* -- endpoint.c: opening and closing ------------------------------------- */

#define SHMIPC_OPEN_NONBLOCK	0x1	/* every call as with SHMIPC_NOWAIT */
#define SHMIPC_OPEN_RECV_ONLY	0x2	/* open for reading only */
#define SHMIPC_OPEN_SEND_ONLY	0x4	/* open for writing only */

/*
 * Open an endpoint. @where is "/dev/shmipc0" (or any other path with a slash),
 * "shmipc0", "0", or NULL for $SHMIPC_DEVICE and, if that is not set,
 * /dev/shmipc0. @flags is 0 or SHMIPC_OPEN_* flags. Never creates a file; the
 * descriptor is close-on-exec. Does not block.
 *
 * Or this process becomes a peer of its own, without a kernel module (shmipc_host(7)):
 * "unix:SOCKET" joins the region of an ivshmem server, "file:PATH" or any path below
 * /dev/shm/ one that lies in a file. Takes up to a second if others are there.
 *
 * EINVAL: unknown flag, or @where is none of these forms. ENODEV: not a
 * character device, typically a regular file that somebody wrote before the
 * module was loaded. ENOTTY: a character device, but not of shmipc.
 * Of memory: ENODEV: not a regular file. ENOSPC: too small. ENOTTY: holds
 * something else. EPROTO: of another version. EPROTOTYPE: a server's. EBUSY: all
 * slots are taken. Of a server: ECONNREFUSED, ECONNRESET, ETIMEDOUT, EBADMSG: it is
 * none. EPROTONOSUPPORT: built without. ENAMETOOLONG. And what open(2) gives:
 * ENOENT, EACCES, ENXIO, EMFILE...
 * shmipc_open_error() turns them into a sentence.
 */
struct shmipc_endpoint *shmipc_open(const char *where, int flags);

/*
 * Make an endpoint of a descriptor that came over exec, fork or a Unix socket.
 * On success it belongs to the endpoint, otherwise still to the caller. Its
 * flags (O_NONBLOCK, FD_CLOEXEC) are left alone.
 *
 * EBADF: not open. ENODEV, ENOTTY: as for shmipc_open().
 */
struct shmipc_endpoint *shmipc_from_fd(int fd);

/* Close the endpoint and its port. Accepts NULL; keeps errno. */
void shmipc_close(struct shmipc_endpoint *ep);

/*
 * The descriptor, for poll(), dup() and the like. It stays the endpoint's. That of
 * a peer of this process is good for one thing: POLLIN says that RECV or EVENTS
 * would not block.
 */
int shmipc_fd(const struct shmipc_endpoint *ep);

/* -- open_error.c --------------------------------------------------------- */

/*
 * Say in one line, without newline, why shmipc_open(@where) failed with @error,
 * and what to do. Writes at most @size bytes with the NUL; returns the length
 * of the whole sentence, like snprintf(). Looks at the file system, opens
 * nothing.
 */
size_t shmipc_open_error(const char *where, int error, char *text, size_t size);

/* -- deadline.c ----------------------------------------------------------- */

#define SHMIPC_FOREVER	INT64_C(0)	/* no deadline */
#define SHMIPC_NOWAIT	INT64_C(-1)	/* EAGAIN rather than sleep */

/*
 * An absolute deadline @timeout_ms from now, in ns of CLOCK_MONOTONIC. As for
 * poll(): 0 gives SHMIPC_NOWAIT, negative gives SHMIPC_FOREVER. Cannot fail.
 *
 * Functions with a deadline fail with ETIMEDOUT when it passes, with EAGAIN if
 * it is SHMIPC_NOWAIT or the endpoint is nonblocking, and with EINVAL if it is
 * any other negative number. A deadline in the past means one attempt.
 */
int64_t shmipc_deadline(int timeout_ms);

/* -- region.c: what this region is ---------------------------------------- */

/* Ask. Errors: the general ones. */
struct shmipc_region *shmipc_region_get(struct shmipc_endpoint *ep);
void shmipc_region_free(struct shmipc_region *region);

/* The accessors of a region, peer, port, message or event cannot fail. */
uint64_t shmipc_region_features(const struct shmipc_region *region); /* SHMIPC_FEAT_* */
uint64_t shmipc_region_epoch(const struct shmipc_region *region);
uint64_t shmipc_region_endpoint(const struct shmipc_region *region); /* the asker's id */
uint64_t shmipc_region_bytes(const struct shmipc_region *region);
uint64_t shmipc_region_section_bytes(const struct shmipc_region *region);
uint32_t shmipc_region_transport(const struct shmipc_region *region); /* SHMIPC_TRANSPORT_* */
uint32_t shmipc_region_format(const struct shmipc_region *region);   /* SHMIPC_FORMAT_* */
uint32_t shmipc_region_doorbell(const struct shmipc_region *region); /* SHMIPC_DOORBELL_* */
uint32_t shmipc_region_memory(const struct shmipc_region *region);   /* SHMIPC_MEMORY_* */
uint32_t shmipc_region_vectors(const struct shmipc_region *region);
uint32_t shmipc_region_peer(const struct shmipc_region *region);     /* our own id */
uint32_t shmipc_region_peers(const struct shmipc_region *region);    /* slots */
uint32_t shmipc_region_max_ports(const struct shmipc_region *region);
uint32_t shmipc_region_max_depth(const struct shmipc_region *region);
uint32_t shmipc_region_max_bytes(const struct shmipc_region *region);
uint32_t shmipc_region_max_msg(const struct shmipc_region *region);
uint32_t shmipc_region_max_inline(const struct shmipc_region *region);
uint64_t shmipc_region_uid_bytes(const struct shmipc_region *region);
uint32_t shmipc_region_lane_bytes(const struct shmipc_region *region);
const char *shmipc_region_name(const struct shmipc_region *region);  /* "" if none */

/* -- peers.c -------------------------------------------------------------- */

/* All peers, ours included. Errors: the general ones. */
struct shmipc_peer_table *shmipc_peer_table_get(struct shmipc_endpoint *ep);
void shmipc_peer_table_free(struct shmipc_peer_table *table);
size_t shmipc_peer_table_count(const struct shmipc_peer_table *table);
/* Row @index, or NULL when there is none. */
const struct shmipc_peer *shmipc_peer_table_at(const struct shmipc_peer_table *table,
					       size_t index);

uint32_t shmipc_peer_id(const struct shmipc_peer *peer);
uint32_t shmipc_peer_state(const struct shmipc_peer *peer);	/* SHMIPC_PEER_UP ... */
uint32_t shmipc_peer_flags(const struct shmipc_peer *peer);	/* SHMIPC_PEER_FLAG_* */
uint32_t shmipc_peer_ports(const struct shmipc_peer *peer);
uint64_t shmipc_peer_epoch(const struct shmipc_peer *peer);
uint64_t shmipc_peer_resets(const struct shmipc_peer *peer);
uint64_t shmipc_peer_errors(const struct shmipc_peer *peer);
uint64_t shmipc_peer_sent(const struct shmipc_peer *peer);
uint64_t shmipc_peer_received(const struct shmipc_peer *peer);
uint64_t shmipc_peer_rings(const struct shmipc_peer *peer);
const char *shmipc_peer_name(const struct shmipc_peer *peer);	/* unverified */

/* -- ports.c -------------------------------------------------------------- */

/*
 * The ports of @peer, a peer id, SHMIPC_PEER_SELF or SHMIPC_PEER_ANY.
 * EHOSTUNREACH: no such peer.
 */
struct shmipc_port_table *shmipc_port_table_get(struct shmipc_endpoint *ep, uint32_t peer);
void shmipc_port_table_free(struct shmipc_port_table *table);
size_t shmipc_port_table_count(const struct shmipc_port_table *table);
/* Row @index, or NULL when there is none. */
const struct shmipc_port *shmipc_port_table_at(const struct shmipc_port_table *table,
					       size_t index);

uint32_t shmipc_port_peer(const struct shmipc_port *port);
uint32_t shmipc_port_number(const struct shmipc_port *port);
uint32_t shmipc_port_generation(const struct shmipc_port *port);
uint32_t shmipc_port_flags(const struct shmipc_port *port);	/* SHMIPC_PORT_META ... */
uint32_t shmipc_port_depth(const struct shmipc_port *port);
uint32_t shmipc_port_bytes(const struct shmipc_port *port);
uint32_t shmipc_port_max_size(const struct shmipc_port *port);
uint32_t shmipc_port_queued(const struct shmipc_port *port);
uint64_t shmipc_port_queued_bytes(const struct shmipc_port *port);
uint32_t shmipc_port_waiters(const struct shmipc_port *port);
uint32_t shmipc_port_senders(const struct shmipc_port *port);
uint64_t shmipc_port_drops(const struct shmipc_port *port);
uint64_t shmipc_port_received(const struct shmipc_port *port);
uint64_t shmipc_port_endpoint(const struct shmipc_port *port);
uint32_t shmipc_port_pid(const struct shmipc_port *port);
uint32_t shmipc_port_uid(const struct shmipc_port *port);
const char *shmipc_port_name(const struct shmipc_port *port);

/* -- port.c: owning a port ------------------------------------------------ */

/* Options as shmipc_port_create() uses them: any number, no name. ENOMEM. */
struct shmipc_port_options *shmipc_port_options_new(void);
void shmipc_port_options_free(struct shmipc_port_options *options);
/* 0 (SHMIPC_PORT_ANY) leaves the choice, and 0 everywhere below the default. */
void shmipc_port_options_set_number(struct shmipc_port_options *options, uint32_t number);
void shmipc_port_options_set_depth(struct shmipc_port_options *options, uint32_t depth);
void shmipc_port_options_set_bytes(struct shmipc_port_options *options, uint32_t bytes);
void shmipc_port_options_set_max_size(struct shmipc_port_options *options, uint32_t max_size);
void shmipc_port_options_set_flags(struct shmipc_port_options *options, uint32_t flags);
/* @name is copied; NULL or "" for none. Returns 0, or -1 with EINVAL: too long. */
int shmipc_port_options_set_name(struct shmipc_port_options *options, const char *name);

/*
 * Create the port of this endpoint. It lives until shmipc_port_destroy() or the
 * last close of the endpoint. shmipc_port_create() is for the common case:
 * @number may be SHMIPC_PORT_ANY, @name NULL. In the other one @options may be
 * NULL, and @generation, if not NULL, receives the port's.
 *
 * Returns the number, 1 to 65535, or -1. EISCONN: the endpoint owns a port
 * already, or has SHMIPC_MASK_READ. EADDRINUSE: the number is taken. EEXIST: the
 * name is. ENOSPC: no number left, or no row in the published table. EINVAL:
 * number, depth, bytes, max_size or name out of range. EDQUOT: this user's ports
 * promise too much. EBADF: not opened for reading.
 */
int shmipc_port_create(struct shmipc_endpoint *ep, uint32_t number, const char *name);
int shmipc_port_create_with(struct shmipc_endpoint *ep,
			    const struct shmipc_port_options *options, uint32_t *generation);

/*
 * Destroy it. Blocked senders get ECONNREFUSED, blocked receivers ENOTCONN.
 * Returns how many queued messages are gone, or -1. ENOTCONN: owns no port.
 */
int shmipc_port_destroy(struct shmipc_endpoint *ep);

/* -- lookup.c: finding and remembering a destination ---------------------- */

/*
 * Find the port with @name on @peer (an id, SHMIPC_PEER_SELF or
 * SHMIPC_PEER_ANY), waiting for it to appear until @deadline. @flags: 0 or
 * SHMIPC_LOOKUP_FIRST. Fills @found.
 *
 * ENOENT: nobody has it, and SHMIPC_NOWAIT or a nonblocking endpoint.
 * ETIMEDOUT. ENOTUNIQ: several peers have it. EINVAL: bad name, flag or
 * deadline. EHOSTUNREACH: no such peer. EINTR.
 */
int shmipc_lookup(struct shmipc_endpoint *ep, uint32_t peer, const char *name,
		  unsigned int flags, int64_t deadline, struct shmipc_address *found);

/*
 * Set the destination of write() and of sends without one. It is pinned to its
 * generation: when that port closes, sending fails until the next connect.
 * @pinned, if not NULL, receives it with peer and generation resolved.
 *
 * ECONNREFUSED: no such port. ECONNRESET: another generation. EHOSTUNREACH: no
 * such peer, or it is absent. EHOSTDOWN: it does not answer. EPROTO: it broke the
 * protocol. EAGAIN: the link to it is not up yet. EINVAL: the port is out of
 * range. EBADF: not opened for writing.
 */
int shmipc_connect(struct shmipc_endpoint *ep, const struct shmipc_address *to,
		   struct shmipc_address *pinned);
/* Forget it. EBADF: not opened for writing. */
int shmipc_disconnect(struct shmipc_endpoint *ep);

/* -- simple.c: one message, from and to plain memory ---------------------- */

/*
 * Send @len bytes. @to NULL means the connected destination. Returns 0 when the
 * message is on its way (and, to a port of our own peer, queued).
 *
 * EAGAIN, ETIMEDOUT: no room. EMSGSIZE: larger than the port takes.
 * ECONNREFUSED: no such port, or it closed. ECONNRESET: another generation, or
 * (once after the peer reset) messages of this endpoint to it were lost.
 * EHOSTUNREACH: the peer is absent. EHOSTDOWN: it does not answer. EPROTO: it
 * broke the protocol. EDESTADDRREQ: none connected, or @to has port 0, as when
 * answering a sender that owns no port. EFAULT, EINVAL, EINTR.
 * EBADF: not opened for writing.
 */
int shmipc_send(struct shmipc_endpoint *ep, const struct shmipc_address *to, uint32_t type,
		const void *data, size_t len, int64_t deadline);

/*
 * Receive the next message into @data. @type and @from may be NULL; @from is
 * where to send an answer, its port 0 if the sender owns none. Returns the
 * length.
 *
 * ENOTCONN: this endpoint owns no port, or no longer. EAGAIN, ETIMEDOUT: no
 * message. EMSGSIZE: larger than @size; it stays, shmipc_next_length() tells
 * how large. EFAULT, EINVAL, EINTR. EBADF: not opened for reading.
 */
ssize_t shmipc_recv(struct shmipc_endpoint *ep, void *data, size_t size, uint32_t *type,
		    struct shmipc_address *from, int64_t deadline);
/* The same, but the message stays. */
ssize_t shmipc_peek(struct shmipc_endpoint *ep, void *data, size_t size, uint32_t *type,
		    struct shmipc_address *from, int64_t deadline);
/* The length of the next message, which stays. Errors as for shmipc_recv(). */
ssize_t shmipc_next_length(struct shmipc_endpoint *ep, int64_t deadline);
/* Throw the next message away. Returns its length. Errors as for shmipc_recv(). */
ssize_t shmipc_discard(struct shmipc_endpoint *ep, int64_t deadline);

/* -- message.c: one message with everything that belongs to it ------------ */

/* An empty message with room for @capacity bytes. ENOMEM. EMSGSIZE: over 4 GiB. */
struct shmipc_message *shmipc_message_new(size_t capacity);
void shmipc_message_free(struct shmipc_message *msg);

/* Make room for @capacity bytes; the payload stays. -1: ENOMEM, EMSGSIZE. */
int shmipc_message_reserve(struct shmipc_message *msg, size_t capacity);
/* Copy @len bytes in, making room if need be. -1: ENOMEM, EMSGSIZE. */
int shmipc_message_set_data(struct shmipc_message *msg, const void *data, size_t len);
/* Say how much of shmipc_message_data() counts. -1: EMSGSIZE: over the capacity. */
int shmipc_message_set_length(struct shmipc_message *msg, size_t len);
/* NULL: the connected destination. @to is copied. */
void shmipc_message_set_to(struct shmipc_message *msg, const struct shmipc_address *to);
void shmipc_message_set_type(struct shmipc_message *msg, uint32_t type);
void shmipc_message_set_priority(struct shmipc_message *msg, uint32_t priority);
void shmipc_message_set_cookie(struct shmipc_message *msg, uint64_t cookie);

/* The payload, shmipc_message_capacity() bytes that may be written to. */
void *shmipc_message_data(struct shmipc_message *msg);
size_t shmipc_message_capacity(const struct shmipc_message *msg);
/* Of the message; after EMSGSIZE of the one that did not fit. */
size_t shmipc_message_length(const struct shmipc_message *msg);
uint32_t shmipc_message_type(const struct shmipc_message *msg);
uint32_t shmipc_message_priority(const struct shmipc_message *msg);
uint64_t shmipc_message_cookie(const struct shmipc_message *msg);

/* Of a received message. */
void shmipc_message_from(const struct shmipc_message *msg, struct shmipc_address *from);
uint32_t shmipc_message_flags(const struct shmipc_message *msg);	/* SHMIPC_MSG_* */
uint64_t shmipc_message_endpoint(const struct shmipc_message *msg);
uint64_t shmipc_message_seq(const struct shmipc_message *msg);
uint64_t shmipc_message_time(const struct shmipc_message *msg);
uint64_t shmipc_message_sent_time(const struct shmipc_message *msg);
uint32_t shmipc_message_pid(const struct shmipc_message *msg);
uint32_t shmipc_message_uid(const struct shmipc_message *msg);

/* How far it got: SHMIPC_STATE_*, after shmipc_message_send() or shmipc_sendv(). */
uint32_t shmipc_message_state(const struct shmipc_message *msg);

/* As shmipc_send(), shmipc_recv() and shmipc_peek(), returning 0 or -1. */
int shmipc_message_send(struct shmipc_endpoint *ep, struct shmipc_message *msg,
			int64_t deadline);
int shmipc_message_recv(struct shmipc_endpoint *ep, struct shmipc_message *msg,
			int64_t deadline);
int shmipc_message_peek(struct shmipc_endpoint *ep, struct shmipc_message *msg,
			int64_t deadline);

/* -- batch.c: many messages in one call ----------------------------------- */

/*
 * @count messages, 1 to SHMIPC_BATCH_MAX, with room for @capacity bytes each.
 * EINVAL: @count. ENOMEM, EMSGSIZE.
 */
struct shmipc_batch *shmipc_batch_new(size_t count, size_t capacity);
void shmipc_batch_free(struct shmipc_batch *batch);
size_t shmipc_batch_count(const struct shmipc_batch *batch);
/* Message @index, which stays the batch's, or NULL when there is none. */
struct shmipc_message *shmipc_batch_at(struct shmipc_batch *batch, size_t index);

/*
 * Send messages @first to @first + @count - 1, each to its own destination, in
 * this order, stopping at the first that fails. Returns how many were sent, at
 * least one, or -1 if the first could not be. @error, if not NULL, receives 0 or
 * the errno of the one that stopped it. The errors are those of shmipc_send();
 * EINVAL also: no such messages.
 */
int shmipc_sendv(struct shmipc_endpoint *ep, struct shmipc_batch *batch, size_t first,
		 size_t count, int64_t deadline, int *error);

/*
 * Receive into the messages of the batch, from the first on. Waits for the first
 * only. Returns how many there are, at least one, or -1. @error, if not NULL,
 * receives 0 if the batch is full, else the errno that stopped it: EAGAIN when
 * the queue was empty, EMSGSIZE when the next does not fit. The errors are those
 * of shmipc_recv().
 */
int shmipc_recvv(struct shmipc_endpoint *ep, struct shmipc_batch *batch, int64_t deadline,
		 int *error);

/* -- event.c -------------------------------------------------------------- */

/*
 * Choose which kinds queue without a watch: SHMIPC_MASK_PEER or some of its
 * bits, SHMIPC_EVENT_BIT(SHMIPC_EVENT_DOORBELL), SHMIPC_MASK_READ. @old, if not
 * NULL, receives what was chosen before.
 * EINVAL: SHMIPC_MASK_READ cannot be taken back. EISCONN: nor asked for by an
 * endpoint with a port. EOPNOTSUPP: a kind that cannot be asked for.
 */
int shmipc_event_mask(struct shmipc_endpoint *ep, uint32_t mask, uint32_t *old);

/* Room for at least @capacity records, 1 to SHMIPC_EVENT_BUFFER_MAX. EINVAL, ENOMEM. */
#define SHMIPC_EVENT_BUFFER_MAX	4096
struct shmipc_event_buffer *shmipc_event_buffer_new(size_t capacity);
void shmipc_event_buffer_free(struct shmipc_event_buffer *buffer);
/* Record @index of the last shmipc_event_read(), or NULL when there is none. */
const struct shmipc_event *shmipc_event_buffer_at(const struct shmipc_event_buffer *buffer,
						  size_t index);
/*
 * Read events into the buffer, waiting for the first. Returns how many.
 * EAGAIN, ETIMEDOUT: none. EINVAL: bad deadline. EINTR.
 */
int shmipc_event_read(struct shmipc_endpoint *ep, struct shmipc_event_buffer *buffer,
		      int64_t deadline);

uint32_t shmipc_event_kind(const struct shmipc_event *event);	/* SHMIPC_EVENT_* */
uint32_t shmipc_event_peer(const struct shmipc_event *event);
uint32_t shmipc_event_port(const struct shmipc_event *event);
uint32_t shmipc_event_generation(const struct shmipc_event *event);
uint32_t shmipc_event_vector(const struct shmipc_event *event);
uint64_t shmipc_event_count(const struct shmipc_event *event);
uint64_t shmipc_event_endpoint(const struct shmipc_event *event);
uint64_t shmipc_event_cookie(const struct shmipc_event *event);
uint64_t shmipc_event_time(const struct shmipc_event *event);

/* -- watch.c -------------------------------------------------------------- */

/*
 * Ask for one event with @cookie: SHMIPC_EVENT_GONE when the peer, port or
 * endpoint goes, SHMIPC_EVENT_NAME when the name is there; at once if it is so
 * already. @cookie is unique among the watches of this endpoint.
 *
 * EEXIST: the cookie is in use. ENOSPC: SHMIPC_WATCH_MAX watches wait or have
 * events that were not read yet. EINVAL: bad port or name. EHOSTUNREACH: no such
 * peer. EOPNOTSUPP: an endpoint of another peer, where the format cannot tell.
 */
int shmipc_watch_peer(struct shmipc_endpoint *ep, uint32_t peer, uint64_t cookie);
int shmipc_watch_port(struct shmipc_endpoint *ep, const struct shmipc_address *port,
		      uint64_t cookie);
int shmipc_watch_endpoint(struct shmipc_endpoint *ep, uint32_t peer, uint64_t endpoint,
			  uint64_t cookie);
int shmipc_watch_name(struct shmipc_endpoint *ep, uint32_t peer, const char *name,
		      uint64_t cookie);
/* Forget a watch. ENOENT: there is none with @cookie; it may have fired. */
int shmipc_unwatch(struct shmipc_endpoint *ep, uint64_t cookie);

/* -- notify.c: raw doorbells ---------------------------------------------- */

/*
 * Ring doorbell @vector, 0 to SHMIPC_VECTORS - 1, of @peer, or of every other peer
 * that is up (SHMIPC_PEER_ANY). Returns how many were rung. EINVAL: no such
 * doorbell. EHOSTUNREACH: no such peer, or it is absent. EHOSTDOWN: it does not
 * answer. EAGAIN: the link to it is not up yet. EPROTO. EOPNOTSUPP.
 */
int shmipc_notify(struct shmipc_endpoint *ep, uint32_t peer, uint32_t vector);

/*
 * Have the eventfd @fd become readable when @peer, or whoever (SHMIPC_PEER_ANY),
 * rings our doorbell @vector; until removed, or @ep is closed. EBADF, EINVAL: not
 * an eventfd; no such doorbell. EEXIST: it is so already. ENOSPC:
 * SHMIPC_EVENTFD_MAX bindings. EHOSTUNREACH: no such peer. EOPNOTSUPP.
 */
int shmipc_eventfd(struct shmipc_endpoint *ep, int fd, uint32_t peer, uint32_t vector);
/* ENOENT: there is no such binding. */
int shmipc_eventfd_remove(struct shmipc_endpoint *ep, int fd, uint32_t peer,
			  uint32_t vector);

/* -- strings.c: words for numbers; "unknown" for what has none ------------- */

const char *shmipc_transport_name(uint32_t transport);
const char *shmipc_format_name(uint32_t format);
const char *shmipc_doorbell_name(uint32_t doorbell);
const char *shmipc_memory_name(uint32_t memory);
const char *shmipc_peer_state_name(uint32_t state);
const char *shmipc_state_name(uint32_t state);
const char *shmipc_event_name(uint32_t kind);
/* Of one bit of shmipc_region_features(), given by its number. */
const char *shmipc_feature_name(unsigned int bit);
/* What @error means here, without newline; static text, thread-safe. */
const char *shmipc_strerror(int error);
/* The library's, "1.0.0". */
const char *shmipc_version(void);

#ifdef __cplusplus
}
#endif

#endif /* SHMIPC_SHMIPC_H */
