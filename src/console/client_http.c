#include "console/client_internal.h"

#include "io/http.h"

#include <stdio.h>

int console_http_open(struct console_client *client, struct err_detail *detail)
{
    int status = io_http_caller_new(&client->caller, client->tls);
    return status == ERR_OK ? status : err_set(detail, status, "%s", err_text(status));
}

/* Why there is no connection, as Go words it. */
static int read_dial(const struct console_client *client, const struct io_http_reply *reply,
                     struct err_detail *detail)
{
    const struct console_endpoint *e = &client->endpoint;
    char text[128];
    if (reply->fault == IO_HTTP_FAULT_NAME)
        return err_set(detail, ERR_IO, "Post \"%.200s\": dial tcp: lookup %s: no such host",
                       client->shown, e->host);
    snprintf(text, sizeof(text), "%s", reply->error ? strerror(reply->error) : reply->message);
    if (text[0] >= 'A' && text[0] <= 'Z')
        text[0] = (char)(text[0] - 'A' + 'a');
    return err_set(detail, ERR_IO, "Post \"%.200s\": dial tcp %s:%s: connect: %s", client->shown,
                   e->host, e->port, text);
}

static int read_fault(const struct console_client *client, const struct io_http_reply *reply,
                      struct err_detail *detail)
{
    switch (reply->fault) {
    case IO_HTTP_FAULT_NAME:
    case IO_HTTP_FAULT_CONNECT:
        return read_dial(client, reply, detail);
    case IO_HTTP_FAULT_TIMEOUT:
    case IO_HTTP_FAULT_STOPPED:
        return console_client_late(client, reply->fault == IO_HTTP_FAULT_STOPPED, detail);
    case IO_HTTP_FAULT_TOO_LARGE:
        return console_client_too_large(client, detail);
    case IO_HTTP_FAULT_MALFORMED:
        return err_set(detail, ERR_INPUT, "%.300s does not answer with HTTP", client->shown);
    case IO_HTTP_FAULT_MEMORY:
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    default:
        return err_set(detail, ERR_IO, "Post \"%.200s\": %.250s", client->shown, reply->message);
    }
}

int console_http_ask(struct console_client *client, struct buf *ret_answer, struct bytes request,
                     struct err_detail *detail)
{
    struct io_http_reply reply;
    struct io_http_field fields[CONSOLE_FIELDS_MAX + 2];
    size_t count = console_client_fields(client, fields);
    fields[count++] = (struct io_http_field){"Content-Type", "application/json"};
    fields[count++] = (struct io_http_field){"Accept", "application/json"};
    const struct io_http_call_options options = {
        .method = "POST",
        .url = (const char *)client->endpoint.url.data,
        .fields = fields,
        .field_count = count,
        .body = request,
        .has_body = true,
        .total_ms = client->options.timeout_ms,
        .answer_max = client->options.answer_max,
        .ends_at = client->options.ends_at,
    };
    int status = io_http_caller_run(&reply, client->caller, &options);
    if (status != ERR_OK)
        return err_set(detail, status, "%.300s: %s", client->shown, err_text(status));
    if (reply.fault != IO_HTTP_FAULT_NONE)
        return read_fault(client, &reply, detail);
    if (reply.status < 200 || reply.status >= 300)
        return err_set(detail, ERR_INPUT, "%u %s%s%.*s", reply.status, io_http_reason(reply.status),
                       reply.body.len ? ": " : "",
                       (int)(reply.body.len < 300 ? reply.body.len : 300),
                       (const char *)reply.body.data);
    buf_append_bytes(ret_answer, reply.body);
    return buf_status(ret_answer);
}
