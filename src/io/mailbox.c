#include "io/mailbox.h"

#include "base/mem.h"
#include "io/internal.h"

struct io_mailbox {
    struct io_loop *loop;
    io_mail_fn *fn;
    void *context;
    pthread_mutex_t lock; /* of all below */
    struct io_mail *first, **end;
    struct io_post post; /* on its way to the loop while `posted` */
    bool posted;
};

static struct io_mail *take_all(struct io_mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    struct io_mail *first = mailbox->first;
    mailbox->first = NULL;
    mailbox->end = &mailbox->first;
    mailbox->posted = false;
    pthread_mutex_unlock(&mailbox->lock);
    return first;
}

static void on_post(void *context)
{
    struct io_mailbox *mailbox = context;
    struct io_mail *mail = take_all(mailbox);
    while (mail) {
        struct io_mail *next = mail->next;
        mailbox->fn(mailbox->context, mail);
        io_streams_flush_early(mailbox->loop);
        mail = next;
    }
}

int io_mailbox_new(struct io_mailbox **ret_mailbox, struct io_loop *loop, io_mail_fn *fn,
                   void *context)
{
    struct io_mailbox *mailbox = mem_alloc_zeroed(1, sizeof(*mailbox));
    if (!mailbox)
        return ERR_NOMEM;
    mailbox->loop = loop;
    mailbox->fn = fn;
    mailbox->context = context;
    mailbox->end = &mailbox->first;
    mailbox->post = (struct io_post){.fn = on_post, .context = mailbox};
    pthread_mutex_init(&mailbox->lock, NULL);
    *ret_mailbox = mailbox;
    return 0;
}

void io_mailbox_send(struct io_mailbox *mailbox, struct io_mail *mail)
{
    mail->next = NULL;
    pthread_mutex_lock(&mailbox->lock);
    *mailbox->end = mail;
    mailbox->end = &mail->next;
    /* Under the lock, so that whoever takes the post back finds it there. */
    if (!mailbox->posted)
        io_loop_post_node(mailbox->loop, &mailbox->post);
    mailbox->posted = true;
    pthread_mutex_unlock(&mailbox->lock);
}

void io_mailbox_empty(struct io_mailbox *mailbox)
{
    io_loop_unpost(mailbox->loop, &mailbox->post);
    on_post(mailbox);
}

void io_mailbox_free(struct io_mailbox *mailbox)
{
    if (!mailbox)
        return;
    io_mailbox_empty(mailbox);
    pthread_mutex_destroy(&mailbox->lock);
    mem_free(mailbox);
}
