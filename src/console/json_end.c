#include "console/json_end.h"

static void scan_string(struct console_scan *scan, uint8_t c)
{
    if (scan->escaped)
        scan->escaped = false;
    else if (c == '\\')
        scan->escaped = true;
    else if (c == '"')
        scan->in_string = false;
}

/* A closing bracket, the last one of which ends the value. */
static enum console_json close_one(struct console_scan *scan)
{
    if (scan->depth == 0)
        return CONSOLE_JSON_BAD;
    scan->depth--;
    return scan->depth ? CONSOLE_JSON_MORE : CONSOLE_JSON_DONE;
}

enum console_json console_json_end(struct console_scan *scan, struct bytes data)
{
    for (; scan->at < data.len; scan->at++) {
        uint8_t c = data.data[scan->at];
        enum console_json now = CONSOLE_JSON_MORE;
        if (scan->in_string)
            scan_string(scan, c);
        else if (c == '"')
            scan->in_string = true;
        else if (c == '{' || c == '[')
            scan->depth++;
        else if (c == '}' || c == ']')
            now = close_one(scan);
        else if (scan->depth == 0 && c > ' ')
            now = CONSOLE_JSON_BAD;
        scan->at += now == CONSOLE_JSON_DONE;
        if (now != CONSOLE_JSON_MORE)
            return now;
    }
    return CONSOLE_JSON_MORE;
}
