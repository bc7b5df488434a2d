/*
 * Things handed to a loop from other threads: in the order in which they were sent, none lost, and what was still on its way when the receiver
 * ends is given to it first. The sender's memory carries them, so that sending never fails.
 */
#ifndef IO_MAILBOX_H
#define IO_MAILBOX_H

#include "io/loop.h"

struct io_mailbox;

/* Part of what is sent; the sender's until it has been sent, then the receiver's. */
struct io_mail {
    struct io_mail *next;
};

typedef void io_mail_fn(void *context, struct io_mail *mail);

/* `fn` is called on the loop's thread. ERR_NOMEM. */
int io_mailbox_new(struct io_mailbox **ret_mailbox, struct io_loop *loop, io_mail_fn *fn,
                   void *context) BASE_NODISCARD;
/* From any thread, until the mailbox is freed. */
void io_mailbox_send(struct io_mailbox *mailbox, struct io_mail *mail);
/* On the loop's thread: gives what has been sent, at once. Not inside `fn`. */
void io_mailbox_empty(struct io_mailbox *mailbox);
/* The same, and nothing comes any more. NULL is fine. */
void io_mailbox_free(struct io_mailbox *mailbox);

#endif
