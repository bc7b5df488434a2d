/* What every product must do alike, for the tests of each. */
#ifndef TM_TEST_STORE_CASES_H
#define TM_TEST_STORE_CASES_H

#include "tm/test/store_kit.h"

/* On an open and empty store. */
void store_cases_payloads(struct kit *k);
/* Payloads whose hashes the store makes. */
void store_cases_names(struct kit *k);
void store_cases_raws(struct kit *k);
void store_cases_groups(struct kit *k);
void store_cases_staging(struct kit *k);
void store_cases_deliveries(struct kit *k);
/* 300 at once: fewer commits than calls, answers in order. */
void store_cases_together(struct kit *k, bool durable);

#endif
