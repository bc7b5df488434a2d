#include "node/config/toml.h"

#include <stdio.h>

struct reader {
    struct bytes text;
    size_t at;
    unsigned line;
    struct buf value;
    struct err_detail *detail;
};

static int peek(const struct reader *r)
{
    return r->at < r->text.len ? r->text.data[r->at] : -1;
}

static int wrong(struct reader *r, const char *what)
{
    return err_set(r->detail, ERR_INPUT, "%s", what);
}

static void skip_blanks(struct reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\t')
        r->at++;
}

/* White space, ends of lines and comments. */
static void skip_all(struct reader *r)
{
    for (;;) {
        skip_blanks(r);
        int c = peek(r);
        if (c == '#') {
            while (peek(r) >= 0 && peek(r) != '\n')
                r->at++;
        } else if (c == '\n' || c == '\r') {
            r->line += c == '\n';
            r->at++;
        } else {
            return;
        }
    }
}

static bool is_bare(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static int read_name(struct reader *r, char ret_name[NODE_TOML_NAME_MAX], bool dots)
{
    size_t len = 0;
    while (is_bare(peek(r)) || (dots && peek(r) == '.')) {
        if (len + 1 == NODE_TOML_NAME_MAX)
            return wrong(r, "the name is too long");
        ret_name[len++] = (char)r->text.data[r->at++];
    }
    ret_name[len] = 0;
    return len ? ERR_OK : wrong(r, "a name is missing");
}

static void append_utf8(struct buf *b, uint32_t c)
{
    if (c < 0x80) {
        buf_append_byte(b, (uint8_t)c);
    } else if (c < 0x800) {
        buf_append_byte(b, (uint8_t)(0xc0 | c >> 6));
        buf_append_byte(b, (uint8_t)(0x80 | (c & 0x3f)));
    } else {
        buf_append_byte(b, (uint8_t)(0xe0 | c >> 12));
        buf_append_byte(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        buf_append_byte(b, (uint8_t)(0x80 | (c & 0x3f)));
    }
}

static int read_escape(struct reader *r)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    int c = peek(r);
    const char *at = c > 0 ? strchr(from, c) : NULL;
    r->at++;
    if (at) {
        buf_append_byte(&r->value, (uint8_t)to[at - from]);
        return ERR_OK;
    }
    if (c != 'u')
        return wrong(r, "this escape is not one of \\b \\t \\n \\f \\r \\\" \\\\ \\u");
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        c = peek(r);
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)c - '0'
                         : c >= 'a' && c <= 'f' ? (uint32_t)c - 'a' + 10
                         : c >= 'A' && c <= 'F' ? (uint32_t)c - 'A' + 10
                                                : 16;
        if (digit == 16)
            return wrong(r, "\\u takes four hexadecimal digits");
        code = code << 4 | digit;
        r->at++;
    }
    if (code == 0 || (code >= 0xd800 && code < 0xe000))
        return wrong(r, "\\u names no character");
    append_utf8(&r->value, code);
    return ERR_OK;
}

static int read_string(struct reader *r)
{
    int quote = peek(r), status = ERR_OK;
    r->at++;
    if (peek(r) == quote && r->at + 1 < r->text.len && r->text.data[r->at + 1] == quote)
        return wrong(r, "strings of several lines are not supported");
    while (status == ERR_OK && peek(r) != quote) {
        int c = peek(r);
        if (c < 0 || c == '\n' || c == 0)
            return wrong(r, "the string has no end");
        r->at++;
        if (c == '\\' && quote == '"')
            status = read_escape(r);
        else
            buf_append_byte(&r->value, (uint8_t)c);
    }
    r->at++;
    return status;
}

/* Numbers and truth. */
static int read_word(struct reader *r, enum node_toml_kind *ret_kind)
{
    size_t begin = r->value.len;
    bool decimal = false;
    while (is_bare(peek(r)) || peek(r) == '.' || peek(r) == '+') {
        int c = peek(r);
        decimal = decimal || c == '.' || c == 'e' || c == 'E';
        if (c != '_')
            buf_append_byte(&r->value, (uint8_t)c);
        r->at++;
    }
    const char *word = buf_text(&r->value) + begin;
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
        *ret_kind = NODE_TOML_BOOL;
        return ERR_OK;
    }
    const char *digits = word + (*word == '-' || *word == '+');
    if (*digits < '0' || *digits > '9' ||
        digits[strspn(digits, decimal ? "0123456789.eE+-" : "0123456789")])
        return wrong(r, "this is no value: a string in quotes, a number, true, false or [a list]");
    *ret_kind = decimal ? NODE_TOML_DECIMAL : NODE_TOML_NUMBER;
    return ERR_OK;
}

static int read_scalar(struct reader *r, enum node_toml_kind *ret_kind)
{
    if (peek(r) != '"' && peek(r) != '\'')
        return read_word(r, ret_kind);
    *ret_kind = NODE_TOML_TEXT;
    return read_string(r);
}

static int read_list(struct reader *r)
{
    enum node_toml_kind kind;
    bool first = true;
    r->at++;
    for (;;) {
        skip_all(r);
        if (peek(r) == ']')
            break;
        if (!first)
            buf_append_byte(&r->value, ',');
        first = false;
        int status = read_scalar(r, &kind);
        if (status != ERR_OK)
            return status;
        skip_all(r);
        if (peek(r) == ',')
            r->at++;
        else if (peek(r) != ']')
            return wrong(r, "the list has no end, or a comma is missing in it");
    }
    r->at++;
    return ERR_OK;
}

static int read_value(struct reader *r, enum node_toml_kind *ret_kind)
{
    if (peek(r) != '[')
        return read_scalar(r, ret_kind);
    *ret_kind = NODE_TOML_LIST;
    return read_list(r);
}

static int end_of_line(struct reader *r)
{
    skip_blanks(r);
    int c = peek(r);
    return c < 0 || c == '\n' || c == '\r' || c == '#'
               ? ERR_OK
               : wrong(r, "something stands behind the value");
}

static int read_table(struct reader *r, char table[NODE_TOML_NAME_MAX])
{
    r->at++;
    if (peek(r) == '[')
        return wrong(r, "arrays of tables are not supported");
    int status = read_name(r, table, true);
    if (status == ERR_OK && peek(r) != ']')
        status = wrong(r, "the table's name has no end");
    r->at += status == ERR_OK;
    return status == ERR_OK ? end_of_line(r) : status;
}

int node_toml_read(struct bytes text,
                   int (*fn)(void *context, const char *table, const char *key,
                             const struct node_toml_value *value, struct err_detail *detail),
                   void *context, struct err_detail *detail)
{
    char table[NODE_TOML_NAME_MAX] = "", key[NODE_TOML_NAME_MAX];
    struct err_detail own = {""};
    struct reader r = {text, 0, 1, BUF_INIT, detail ? detail : &own};
    int status = ERR_OK;
    unsigned line = 1;
    for (skip_all(&r); status == ERR_OK && peek(&r) >= 0; skip_all(&r)) {
        line = r.line;
        if (peek(&r) == '[') {
            status = read_table(&r, table);
            continue;
        }
        struct node_toml_value value = {NODE_TOML_TEXT, ""};
        buf_clear(&r.value);
        status = read_name(&r, key, false);
        skip_blanks(&r);
        if (status == ERR_OK && peek(&r) != '=')
            status = wrong(&r, "'=' is missing behind the key");
        r.at += status == ERR_OK;
        skip_blanks(&r);
        if (status == ERR_OK)
            status = read_value(&r, &value.kind);
        if (status == ERR_OK)
            status = end_of_line(&r);
        if (status == ERR_OK) {
            value.text = buf_text(&r.value);
            status = buf_status(&r.value);
        }
        if (status == ERR_OK)
            status = fn(context, table, key, &value, r.detail);
    }
    buf_release(&r.value);
    return status == ERR_OK ? status : err_prefix(r.detail, status, "line %u", line);
}
