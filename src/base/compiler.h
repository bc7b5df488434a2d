/* Attributes and assumptions about the compiler and the machine, asserted in one place. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define BASE_NODISCARD       __attribute__((warn_unused_result))
#define BASE_PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))
#define BASE_PURE            __attribute__((pure))
#define BASE_NOINLINE        __attribute__((noinline))
#define BASE_COLD            __attribute__((cold, noinline))
#define BASE_LIKELY(x)       __builtin_expect(!!(x), 1)
#define BASE_UNLIKELY(x)     __builtin_expect(!!(x), 0)
#define BASE_COUNT(array)    (sizeof(array) / sizeof((array)[0]))

/* Builds with the address sanitizer: checks around every access, so code is kept small there. */
#if defined(__SANITIZE_ADDRESS__)
#    define BASE_SANITIZED 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define BASE_SANITIZED 1
#    endif
#endif

/* For small functions on hot paths. Under sanitizers inlining is the compiler's choice: forced, it would
 * take minutes a file. */
#ifdef BASE_SANITIZED
#    define BASE_ALWAYS_INLINE static inline
#else
#    define BASE_ALWAYS_INLINE static inline __attribute__((always_inline))
#endif

/* The libraries export their public functions from shared objects by name only where this stands.
 */
#define BASE_EXPORT __attribute__((visibility("default")))

static_assert(CHAR_BIT == 8, "bytes are octets");
static_assert(sizeof(size_t) == 8, "64-bit machines only: sizes of chain data are not re-checked");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are read from memory as they lie");

/* VERIFY code checks invariants in builds made with -Dverify=true, and costs nothing elsewhere. */
#ifdef QUORATE_VERIFY
#    define BASE_VERIFY(x) assert(x)
#else
#    define BASE_VERIFY(x) ((void)0)
#endif

#endif
