#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *err_name(int code)
{
    switch (code) {
    case ERR_OK:
        return "ERR_OK";
#define X(name, value, text)                                                                       \
    case value:                                                                                    \
        return #name;
        ERR_LIST(X)
#undef X
    }
    return "unknown";
}

const char *err_text(int code)
{
    switch (code) {
    case ERR_OK:
        return "success";
#define X(name, value, text)                                                                       \
    case value:                                                                                    \
        return text;
        ERR_LIST(X)
#undef X
    }
    return "unknown";
}

int err_set(struct err_detail *detail, int code, const char *format, ...)
{
    if (detail) {
        va_list args;
        va_start(args, format);
        vsnprintf(detail->text, sizeof(detail->text), format, args);
        va_end(args);
    }
    return code;
}

int err_prefix(struct err_detail *detail, int code, const char *format, ...)
{
    if (detail) {
        struct err_detail old = *detail;
        va_list args;
        va_start(args, format);
        int n = vsnprintf(detail->text, sizeof(detail->text), format, args);
        va_end(args);
        size_t at = n < 0 ? 0 : (size_t)n;
        if (at < sizeof(detail->text)) {
            /* a message that no longer fits is cut: the place comes first, the rest is detail */
            size_t room = sizeof(detail->text) - at;
            snprintf(detail->text + at, room, ": %.*s", (int)(room > 3 ? room - 3 : 0), old.text);
        }
    }
    return code;
}

int err_from_errno(int errnum)
{
    switch (errnum) {
    case 0:
        return ERR_OK;
    case ENOMEM:
        return ERR_NOMEM;
    case ENOSPC:
    case EDQUOT:
        return ERR_NOSPACE;
    case ENOENT:
        return ERR_NOTFOUND;
    case EEXIST:
        return ERR_EXISTS;
    default:
        return ERR_IO;
    }
}
