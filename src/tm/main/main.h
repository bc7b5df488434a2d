/* The program quorate-tm, and what it is when it is called tessera or constellation-node. */
#ifndef TM_MAIN_MAIN_H
#define TM_MAIN_MAIN_H

#include "base/options.h"
#include "tm/config/config.h"
#include "tm/enclave/enclave.h"

/* Exit codes, as Tessera's. */
enum tm_exit {
    TM_EXIT_OK = 0,
    TM_EXIT_CONFIG = 1,  /* the configuration is not valid */
    TM_EXIT_OTHER = 2,   /* a key or a server could not be opened, among others */
    TM_EXIT_READ = 3,    /* it cannot be read, or is no JSON */
    TM_EXIT_USAGE = 4,   /* the command line */
    TM_EXIT_SERVICE = 5, /* the database could not be opened */
};

int tm_main(int argc, char **argv);

/* tessera: `argv` behind the program's name. constellation-node likewise. */
int tm_tessera(int argc, char **argv);
int tm_constellation(int argc, char **argv);
/* keygen and keyupdate. */
int tm_keygen(int argc, char **argv);
int tm_keyupdate(int argc, char **argv);
/* From another manager's storage into ours. */
int tm_migrate_command(int argc, char **argv);
/* Our storage into a file. */
int tm_backup_command(int argc, char **argv);
/* What --help and the man page say of these. */
void tm_keygen_page(struct buf *b, options_page_fn *page);
void tm_keyupdate_page(struct buf *b, options_page_fn *page);
void tm_migrate_page(struct buf *b, options_page_fn *page);
void tm_backup_page(struct buf *b, options_page_fn *page);

/* Tessera's configuration file, or Constellation's, which is no JSON. Failures as tm_config_load. */
int tm_load_any_config(struct tm_config *ret_config, const char *path,
                       struct err_detail *detail) BASE_NODISCARD;

/* Serves until SIGTERM or SIGINT, or, when `recover`, until recovery has ended. A tm_exit, or recovery's 0, 1, 2. */
int tm_run(const struct tm_config *config, bool recover);

/* Opens the keys of the configuration, in its order, and always-send-to, into a new enclave. */
int tm_load_enclave(struct tm_enclave **ret_enclave, const struct tm_config *config,
                    struct err_detail *detail) BASE_NODISCARD;

/* With multiple private states each own key is in one resident group, and there are no others in them. ERR_INPUT, ERR_NOMEM. */
int tm_check_residents(const struct tm_config *config, const struct tm_enclave *enclave,
                       struct err_detail *detail) BASE_NODISCARD;

/* A password from the terminal, not shown; from a standard input that is none, one line. `b` is cleared first. */
int tm_ask_password(struct buf *b, const char *prompt) BASE_NODISCARD;

#endif
