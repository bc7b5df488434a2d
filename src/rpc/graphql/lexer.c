#include "rpc/graphql/lexer.h"

static uint8_t byte_at(const struct gql_lexer *lexer, size_t at)
{
    return at < lexer->text.len ? lexer->text.data[at] : 0;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* A letter beyond ASCII is taken for one without asking Unicode. */
static bool is_letter(uint8_t c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

/* One byte further; of a character of several bytes the first counts. */
static void step(struct gql_lexer *lexer)
{
    uint8_t c = lexer->text.data[lexer->next++];
    if (c == '\n')
        lexer->place = (struct gql_location){lexer->place.line + 1, 1};
    else if ((c & 0xc0) != 0x80)
        lexer->place.column++;
}

/* White space, commas, comments. */
static void skip(struct gql_lexer *lexer)
{
    bool comment = false;
    while (lexer->next < lexer->text.len) {
        uint8_t c = lexer->text.data[lexer->next];
        bool ends_line = c == '\n' || c == '\r';
        comment = (comment && !ends_line) || c == '#';
        if (!comment && !ends_line && c != ' ' && c != '\t' && c != ',')
            return;
        step(lexer);
    }
}

static void take_while(struct gql_lexer *lexer, bool (*holds)(uint8_t c))
{
    while (lexer->next < lexer->text.len && holds(lexer->text.data[lexer->next]))
        step(lexer);
}

static bool is_name_byte(uint8_t c)
{
    return is_letter(c) || is_digit(c);
}

static bool is_hex_digit(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void take_number(struct gql_lexer *lexer)
{
    lexer->token = GQL_TOKEN_INT;
    if (byte_at(lexer, lexer->next) == '0' && (byte_at(lexer, lexer->next + 1) | 0x20) == 'x') {
        step(lexer);
        step(lexer);
        take_while(lexer, is_hex_digit);
        return;
    }
    take_while(lexer, is_digit);
    if (byte_at(lexer, lexer->next) == '.') {
        lexer->token = GQL_TOKEN_FLOAT;
        step(lexer);
        take_while(lexer, is_digit);
    }
    if ((byte_at(lexer, lexer->next) | 0x20) == 'e') {
        lexer->token = GQL_TOKEN_FLOAT;
        step(lexer);
        if (byte_at(lexer, lexer->next) == '+' || byte_at(lexer, lexer->next) == '-')
            step(lexer);
        if (!is_digit(byte_at(lexer, lexer->next))) {
            lexer->token = GQL_TOKEN_BAD;
            lexer->why = "exponent has no digits";
        }
        take_while(lexer, is_digit);
    }
}

/* How many digits follow a backslash and its letter; -1: there is no such escape. Octal ones begin with their first digit. */
static int escape_digits(uint8_t c)
{
    switch (c) {
    case 'a':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'v':
    case '\\':
    case '"':
        return 0;
    case 'x':
        return 2;
    case 'u':
        return 4;
    case 'U':
        return 8;
    default:
        return -1;
    }
}

static bool take_escape(struct gql_lexer *lexer)
{
    step(lexer);
    int digits = escape_digits(byte_at(lexer, lexer->next));
    if (digits < 0)
        return false;
    step(lexer);
    for (; digits > 0; digits--) {
        if (!is_hex_digit(byte_at(lexer, lexer->next)))
            return false;
        step(lexer);
    }
    return true;
}

static void take_string(struct gql_lexer *lexer)
{
    lexer->token = GQL_TOKEN_STRING;
    step(lexer);
    for (;;) {
        uint8_t c = byte_at(lexer, lexer->next);
        if (lexer->next >= lexer->text.len || c == '\n') {
            lexer->why = "literal not terminated";
            break;
        }
        if (c == '\\' && !take_escape(lexer)) {
            lexer->why = "invalid char escape";
            break;
        }
        if (c != '\\')
            step(lexer);
        if (c == '"')
            return;
    }
    lexer->token = GQL_TOKEN_BAD;
}

void rpc_gql_next(struct gql_lexer *lexer)
{
    skip(lexer);
    size_t begin = lexer->next;
    uint8_t c = byte_at(lexer, begin);
    lexer->at = lexer->place;
    if (begin == lexer->text.len) {
        lexer->token = GQL_TOKEN_END;
    } else if (is_letter(c)) {
        lexer->token = GQL_TOKEN_NAME;
        take_while(lexer, is_name_byte);
    } else if (is_digit(c)) {
        take_number(lexer);
    } else if (c == '"') {
        take_string(lexer);
    } else {
        lexer->token = c ? GQL_TOKEN_SIGN : GQL_TOKEN_BAD;
        lexer->why = "invalid character NUL";
        step(lexer);
    }
    lexer->span = bytes_slice(lexer->text, begin, lexer->next - begin);
}

void rpc_gql_lexer_init(struct gql_lexer *lexer, struct bytes text)
{
    *lexer = (struct gql_lexer){.text = text, .place = {1, 1}};
    rpc_gql_next(lexer);
}

/* --- Strings --- */

static uint32_t read_hex(const uint8_t *digits, int count)
{
    uint32_t value = 0;
    for (int i = 0; i < count; i++) {
        uint8_t c = digits[i];
        value = value << 4 | (uint32_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static size_t put_character(uint8_t *to, uint32_t c)
{
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t heads[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (uint8_t)(heads[more] | c >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        to[i] = (uint8_t)(0x80 | (c >> (6 * (more - i)) & 0x3f));
    return 1 + more;
}

static uint8_t simple_escape(uint8_t c)
{
    static const char names[] = "abfnrtv\\\"", values[] = "\a\b\f\n\r\t\v\\\"";
    const char *found = memchr(names, c, sizeof(names) - 1);
    return found ? (uint8_t)values[found - names] : c;
}

struct bytes rpc_gql_unquote(struct bytes token, struct arena *arena)
{
    struct bytes inner = bytes_slice(token, 1, token.len - 2);
    if (!memchr(token.data, '\\', token.len))
        return inner;
    /* No escape is shorter than what it stands for. */
    uint8_t *to = arena_alloc(arena, inner.len);
    if (!to)
        return bytes_none();
    size_t len = 0;
    for (size_t i = 0; i < inner.len;) {
        if (inner.data[i] != '\\') {
            to[len++] = inner.data[i++];
            continue;
        }
        uint8_t letter = inner.data[i + 1];
        int digits = escape_digits(letter);
        i += 2;
        if (digits == 0)
            to[len++] = simple_escape(letter);
        else if (digits == 2)
            to[len++] = (uint8_t)read_hex(inner.data + i, digits);
        else
            len += put_character(to + len, read_hex(inner.data + i, digits));
        i += (size_t)digits;
    }
    return bytes_of(to, len);
}
