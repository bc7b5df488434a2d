/*
 * Reads values out of parsed JSON, with messages that name the key and what is wrong with it. Callers put
 * the place (file, test, account) before them with err_prefix.
 *
 * Every function returns 0, or ERR_INPUT (ERR_NOMEM) with a message; outputs are written on success only.
 */
#ifndef EVMTOOL_JSON_H
#define EVMTOOL_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/types.h"
#include "base/u256.h"

#include <jansson.h>

/* Largest JSON file that is read: the largest published state test has 40 MB. */
enum { EVMTOOL_JSON_MAX = 512 << 20 };

/* Parses a file ("-": standard input). The message says path, line, column and cause. Freed by json_decref. */
int evmtool_json_load(json_t **ret_json, const char *path,
                      struct err_detail *detail) BASE_NODISCARD;

/* The member, or ERR_INPUT "<key> is missing". */
int evmtool_json_member(const json_t **ret_member, const json_t *object, const char *key,
                        struct err_detail *detail) BASE_NODISCARD;

/* One value; `key` is only for the message. Quantities are "0x…", decimal text, or JSON integers >= 0. */
int evmtool_json_u256(struct u256 *ret_value, const json_t *value, const char *key,
                      struct err_detail *detail) BASE_NODISCARD;
int evmtool_json_u64(uint64_t *ret_value, const json_t *value, const char *key,
                     struct err_detail *detail) BASE_NODISCARD;
int evmtool_json_hash(struct hash256 *ret_hash, const json_t *value, const char *key,
                      struct err_detail *detail) BASE_NODISCARD;
int evmtool_json_address(struct address *ret_address, const json_t *value, const char *key,
                         struct err_detail *detail) BASE_NODISCARD;
/* Hexadecimal bytes, copied into the arena. */
int evmtool_json_bytes(struct bytes *ret_bytes, const json_t *value, const char *key,
                       struct arena *arena, struct err_detail *detail) BASE_NODISCARD;

/* Members that must be there, and members that may be missing or null (*ret_present says). */
int evmtool_json_need_u256(struct u256 *ret_value, const json_t *object, const char *key,
                           struct err_detail *detail) BASE_NODISCARD;
int evmtool_json_need_u64(uint64_t *ret_value, const json_t *object, const char *key,
                          struct err_detail *detail) BASE_NODISCARD;
int evmtool_json_may_u256(bool *ret_present, struct u256 *ret_value, const json_t *object,
                          const char *key, struct err_detail *detail) BASE_NODISCARD;
int evmtool_json_may_u64(bool *ret_present, uint64_t *ret_value, const json_t *object,
                         const char *key, struct err_detail *detail) BASE_NODISCARD;
int evmtool_json_may_hash(bool *ret_present, struct hash256 *ret_hash, const json_t *object,
                          const char *key, struct err_detail *detail) BASE_NODISCARD;
int evmtool_json_may_address(bool *ret_present, struct address *ret_address, const json_t *object,
                             const char *key, struct err_detail *detail) BASE_NODISCARD;

/* Text of our own making: "0x…" strings, as JSON values. NULL when out of memory. */
json_t *evmtool_json_from_bytes(struct bytes data) BASE_NODISCARD;
json_t *evmtool_json_from_u256(const struct u256 *value) BASE_NODISCARD;
json_t *evmtool_json_from_u64(uint64_t value) BASE_NODISCARD;

#endif
