#include "console/client.h"

#include "base/file.h"
#include "base/mem.h"
#include "console/client_internal.h"

enum { CERTIFICATES_MAX = 16 << 20 /* bytes of a file */ };

/* --- What both ways need --- */

size_t console_client_fields(const struct console_client *client,
                             struct io_http_field ret_fields[CONSOLE_FIELDS_MAX])
{
    const struct console_client_options *o = &client->options;
    size_t count = 0;
    if (o->token && *o->token)
        ret_fields[count++] = (struct io_http_field){"Authorization", o->token};
    else if (client->endpoint.basic.len)
        ret_fields[count++] =
            (struct io_http_field){"Authorization", (const char *)client->endpoint.basic.data};
    if (o->psi && *o->psi)
        ret_fields[count++] = (struct io_http_field){"Quorum-PSI", o->psi};
    return count;
}

int console_client_too_large(const struct console_client *client, struct err_detail *detail)
{
    return err_set(detail, ERR_LIMIT, "the answer is larger than %zu MiB",
                   client->options.answer_max >> 20);
}

int console_client_late(const struct console_client *client, bool given_up,
                        struct err_detail *detail)
{
    if (given_up)
        return err_set(detail, ERR_TIMEOUT, "%.300s did not answer in time", client->shown);
    return err_set(detail, ERR_TIMEOUT, "%.300s did not answer within %llu ms", client->shown,
                   (unsigned long long)client->options.timeout_ms);
}

/* --- TLS --- */

static bool anybody(void *context, const struct io_tls_peer *peer, struct err_detail *detail)
{
    (void)context;
    (void)peer;
    (void)detail;
    return true;
}

static int read_authorities(struct buf *pem, const struct console_client_options *options,
                            struct err_detail *detail)
{
    const char *const files[] = {options->certificate, options->ca_certificate};
    int status = ERR_OK;
    for (size_t i = 0; i < BASE_COUNT(files) && status == ERR_OK; i++) {
        if (!files[i] || !*files[i])
            continue;
        status = file_read(files[i], CERTIFICATES_MAX, pem, detail);
        buf_append_byte(pem, '\n');
    }
    return status;
}

static int make_tls(struct console_client *client, struct err_detail *detail)
{
    const struct console_client_options *o = &client->options;
    struct buf pem = BUF_INIT;
    int status = read_authorities(&pem, o, detail);
    const struct io_tls_options options = {
        .authorities = buf_bytes(&pem),
        .system_authorities = true,
        .any_host = o->insecure,
        .judge = o->insecure ? anybody : NULL,
        .ciphers = o->ciphers && *o->ciphers ? o->ciphers : NULL,
    };
    if (status == ERR_OK)
        status = buf_status(&pem);
    if (status == ERR_OK)
        status = io_tls_new(&client->tls, &options, detail);
    buf_release(&pem);
    return status;
}

/* --- A client --- */

static int open_client(struct console_client *client, struct err_detail *detail)
{
    int status = console_endpoint_read(&client->endpoint, client->options.endpoint, detail);
    if (status != ERR_OK)
        return status;
    if (client->endpoint.basic.len)
        (void)buf_text(&client->endpoint.basic); /* which its fields are made of */
    if (!client->options.psi)
        client->options.psi = client->endpoint.psi;
    if (client->endpoint.tls)
        status = make_tls(client, detail);
    if (status != ERR_OK)
        return status;
    return client->endpoint.transport == CONSOLE_HTTP ? console_http_open(client, detail)
                                                      : console_line_open(client, detail);
}

int console_client_new(struct console_client **ret_client,
                       const struct console_client_options *options, struct err_detail *detail)
{
    struct console_client *client = mem_alloc_zeroed(1, sizeof(*client));
    if (!client)
        return err_set(detail, ERR_NOMEM, "out of memory");
    client->options = *options;
    if (!client->options.answer_max)
        client->options.answer_max = CONSOLE_ANSWER_MAX;
    buf_init(&client->in);
    console_endpoint_shown(client->shown, options->name ? options->name : options->endpoint);
    int status = open_client(client, detail);
    if (status == ERR_OK)
        *ret_client = client;
    else
        console_client_free(client);
    return status;
}

void console_client_free(struct console_client *client)
{
    if (!client)
        return;
    io_http_caller_free(client->caller);
    console_line_close(client);
    io_loop_free(client->loop);
    io_tls_free(client->tls);
    buf_release(&client->in);
    console_endpoint_release(&client->endpoint);
    mem_free(client);
}

int console_client_ask(struct console_client *client, struct buf *ret_answer, struct bytes request,
                       struct err_detail *detail)
{
    return client->caller ? console_http_ask(client, ret_answer, request, detail)
                          : console_line_ask(client, ret_answer, request, detail);
}
