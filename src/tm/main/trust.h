/* sslConfig as TLS: certificates and keys from files, and the trust modes with their files of known hosts. */
#ifndef TM_MAIN_TRUST_H
#define TM_MAIN_TRUST_H

#include "io/tls.h"
#include "tm/config/config.h"

struct tm_trust_store;

/* TLS for a server or a client of this configuration, with the judge that its trust mode asks for; *ret_store is freed
 * after *ret_tls. When generateKeyStoreIfNotExisted is set and the PEM files are not there, a pair is made and written
 * to them. ERR_INPUT, ERR_NOTFOUND, ERR_IO, ERR_UNSUPPORTED (a Java key store), ERR_NOMEM. */
int tm_trust_tls(struct io_tls **ret_tls, struct tm_trust_store **ret_store,
                 const struct tm_config_server *config, bool server,
                 struct err_detail *detail) BASE_NODISCARD;
void tm_trust_free(struct tm_trust_store *store);

#endif
