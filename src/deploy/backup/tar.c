#include "deploy/backup/tar.h"

#include <stdio.h>
#include <string.h>

/* Where the fields of the block lie, and how many bytes they have. */
enum {
    NAME = 0,
    NAME_SIZE = 100,
    MODE = 100,
    UID = 108,
    GID = 116,
    SIZE = 124,
    SIZE_SIZE = 12,
    TIME = 136,
    SUM = 148,
    SUM_SIZE = 8,
    TYPE = 156,
    MAGIC = 257,
    PREFIX = 345,
    PREFIX_SIZE = 155,
};
#define OCTAL_SIZE_MAX ((uint64_t)1 << 33) /* what eleven octal digits hold */

static unsigned sum_of(const uint8_t block[DEPLOY_TAR_BLOCK])
{
    unsigned sum = 0;
    for (size_t i = 0; i < DEPLOY_TAR_BLOCK; i++)
        sum += i >= SUM && i < SUM + SUM_SIZE ? ' ' : block[i];
    return sum;
}

/* A name of more than 100 bytes is split at a slash. */
static bool put_name(uint8_t *block, const char *name)
{
    size_t length = strlen(name), split = 0;
    if (length > NAME_SIZE) {
        split = length - NAME_SIZE - 1;
        while (split < length && name[split] != '/')
            split++;
        if (split > PREFIX_SIZE || split + 1 >= length)
            return false;
        memcpy(block + PREFIX, name, split);
        split++;
    }
    memcpy(block + NAME, name + split, length - split);
    return true;
}

static void put_size(uint8_t *field, uint64_t size)
{
    if (size < OCTAL_SIZE_MAX) {
        snprintf((char *)field, SIZE_SIZE, "%011llo", (unsigned long long)size);
        return;
    }
    field[0] = 0x80;
    for (size_t i = SIZE_SIZE; i-- > 1; size >>= 8)
        field[i] = (uint8_t)size;
}

int deploy_tar_head(uint8_t block[DEPLOY_TAR_BLOCK], const struct deploy_tar_file *file,
                    uint64_t time, struct err_detail *detail)
{
    memset(block, 0, DEPLOY_TAR_BLOCK);
    if (!put_name(block, file->name))
        return err_set(detail, ERR_LIMIT, "%s is too long a name for an archive", file->name);
    memcpy(block + MODE, "0000600", 8);
    memcpy(block + UID, "0000000", 8);
    memcpy(block + GID, "0000000", 8);
    put_size(block + SIZE, file->size);
    put_size(block + TIME, time);
    block[TYPE] = '0';
    memcpy(block + MAGIC,
           "ustar\0"
           "00",
           8);
    snprintf((char *)block + SUM, SUM_SIZE, "%06o", sum_of(block));
    block[SUM + SUM_SIZE - 1] = ' ';
    return ERR_OK;
}

/* Octal digits, ended by a space, a zero byte or the field's end. */
static bool read_octal(uint64_t *ret, const uint8_t *field, size_t size)
{
    uint64_t value = 0;
    size_t at = 0;
    while (at < size && field[at] == ' ')
        at++;
    size_t first = at;
    for (; at < size && field[at] >= '0' && field[at] <= '7'; at++)
        value = value * 8 + (uint64_t)(field[at] - '0');
    *ret = value;
    return at > first && (at == size || field[at] == 0 || field[at] == ' ');
}

static bool read_size(uint64_t *ret, const uint8_t *field)
{
    uint64_t value = 0;
    if (!(field[0] & 0x80))
        return read_octal(ret, field, SIZE_SIZE);
    for (size_t i = 1; i < SIZE_SIZE; i++) {
        if (value >> 56)
            return false;
        value = value << 8 | field[i];
    }
    *ret = value;
    return field[0] == 0x80;
}

static void read_name(char *ret, const uint8_t *block)
{
    size_t prefix = strnlen((const char *)block + PREFIX, PREFIX_SIZE);
    size_t name = strnlen((const char *)block + NAME, NAME_SIZE);
    size_t at = 0;
    if (prefix) {
        memcpy(ret, block + PREFIX, prefix);
        ret[prefix] = '/';
        at = prefix + 1;
    }
    if (name > DEPLOY_TAR_NAME_MAX - at)
        name = DEPLOY_TAR_NAME_MAX - at;
    memcpy(ret + at, block + NAME, name);
    ret[at + name] = 0;
}

bool deploy_tar_name_is_safe(const char *name)
{
    for (const char *part = name;; part++) {
        size_t length = strcspn(part, "/");
        bool dots = length <= 2 && strncmp(part, "..", length) == 0;
        if (length == 0 || dots) /* an empty part: absolute, or "//" */
            return false;
        part += length;
        if (*part == 0)
            return true;
    }
}

static bool is_zero(const uint8_t block[DEPLOY_TAR_BLOCK])
{
    for (size_t i = 0; i < DEPLOY_TAR_BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

int deploy_tar_parse(struct deploy_tar_file *ret_file, bool *ret_end,
                     const uint8_t block[DEPLOY_TAR_BLOCK], struct err_detail *detail)
{
    struct deploy_tar_file file;
    uint64_t sum;
    *ret_end = is_zero(block);
    if (*ret_end)
        return ERR_OK;
    if (memcmp(block + MAGIC, "ustar", 5) != 0)
        return err_set(detail, ERR_CORRUPT, "it is no tar archive");
    if (!read_octal(&sum, block + SUM, SUM_SIZE) || sum != sum_of(block))
        return err_set(detail, ERR_CORRUPT, "the checksum before a file is wrong");
    read_name(file.name, block);
    if ((block[TYPE] != '0' && block[TYPE] != 0) || !deploy_tar_name_is_safe(file.name))
        return err_set(detail, ERR_CORRUPT, "\"%.80s\" is no regular file below a folder",
                       file.name);
    if (!read_size(&file.size, block + SIZE) || file.size > DEPLOY_TAR_SIZE_MAX)
        return err_set(detail, ERR_CORRUPT, "the size of %.80s cannot be", file.name);
    *ret_file = file;
    return ERR_OK;
}
