#include "evm/test/asm.h"

#include "base/hex.h"
#include "evm/opcodes.h"

#include <stdio.h>
#include <stdlib.h>

enum { PLACES = 8, CODE_MAX = 70000, LABELS_MAX = 64, WORD_MAX = 4096 };

struct label {
    char name[32];
    size_t place;   /* where it is */
    size_t mention; /* where its place has to be written; 0: this is the label itself */
};

struct assembler {
    uint8_t *code;
    size_t len;
    struct label labels[LABELS_MAX];
    size_t label_count;
};

static void put(struct assembler *a, const void *bytes, size_t len)
{
    assert(len <= CODE_MAX - a->len);
    memcpy(a->code + a->len, bytes, len);
    a->len += len;
}

static void put_byte(struct assembler *a, unsigned byte)
{
    uint8_t b = (uint8_t)byte;
    put(a, &b, 1);
}

static size_t hex_bytes(uint8_t *ret, const char *digits)
{
    size_t len = strlen(digits), n = 0;
    if (len % 2) {
        char first[3] = {'0', *digits++, 0};
        ret[n++] = (uint8_t)strtoul(first, NULL, 16);
    }
    for (; *digits; digits += 2) {
        char pair[3] = {digits[0], digits[1], 0};
        ret[n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

static void put_number(struct assembler *a, const char *word)
{
    uint8_t bytes[WORD_MAX];
    char digits[32];
    if (word[0] == '0' && word[1] == 'x')
        word += 2;
    else {
        (void)snprintf(digits, sizeof(digits), "%llx", strtoull(word, NULL, 10));
        word = digits;
    }
    size_t len = hex_bytes(bytes, word);
    assert(len >= 1 && len <= 32);
    put_byte(a, EVM_OP_PUSH0 + (unsigned)len);
    put(a, bytes, len);
}

static void put_label(struct assembler *a, const char *name, bool mention)
{
    assert(a->label_count < LABELS_MAX);
    struct label *label = &a->labels[a->label_count++];
    (void)snprintf(label->name, sizeof(label->name), "%s", name);
    if (mention) {
        put(a, (uint8_t[]){EVM_OP_PUSH2, 0, 0}, 3);
        label->mention = a->len - 2;
    } else {
        label->place = a->len;
        label->mention = 0;
        put_byte(a, EVM_OP_JUMPDEST);
    }
}

static void put_instruction(struct assembler *a, const char *word)
{
    for (unsigned op = 0; op < 256; op++) {
        const char *name = evm_opcode_name((unsigned char)op);
        if (name && strcmp(name, word) == 0) {
            put_byte(a, op);
            return;
        }
    }
    (void)fprintf(stderr, "not a word of bytecode: %s\n", word);
    abort();
}

static void put_word(struct assembler *a, const char *word)
{
    uint8_t bytes[WORD_MAX];
    if (*word >= '0' && *word <= '9')
        put_number(a, word);
    else if (*word == ':')
        put_label(a, word + 1, false);
    else if (*word == '@')
        put_label(a, word + 1, true);
    else if (*word == '#')
        put(a, bytes, hex_bytes(bytes, word + 1));
    else
        put_instruction(a, word);
}

static void resolve(struct assembler *a)
{
    for (size_t i = 0; i < a->label_count; i++) {
        const struct label *mention = &a->labels[i];
        bool found = mention->mention == 0;
        for (size_t j = 0; j < a->label_count && !found; j++) {
            const struct label *label = &a->labels[j];
            if (label->mention || strcmp(label->name, mention->name) != 0)
                continue;
            a->code[mention->mention] = (uint8_t)(label->place >> 8);
            a->code[mention->mention + 1] = (uint8_t)label->place;
            found = true;
        }
        assert(found);
    }
}

struct bytes evm_asm(const char *text)
{
    static uint8_t places[PLACES][CODE_MAX];
    static unsigned next;
    struct assembler a = {.code = places[next++ % PLACES]};
    char word[WORD_MAX];
    while (*(text += strspn(text, " \n"))) {
        size_t len = strcspn(text, " \n");
        assert(len < sizeof(word));
        memcpy(word, text, len);
        word[len] = 0;
        put_word(&a, word);
        text += len;
    }
    resolve(&a);
    return bytes_of(a.code, a.len);
}
