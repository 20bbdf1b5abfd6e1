/*
 * pem: the blocks of a PEM text, one after the other; what stands between them is skipped. Ownership: a block
 * holds OpenSSL's memory until the next one is read or cleanup_pem_block runs. One thread at a time.
 *
 *     cleanup_bio BIO *bio = pem_open(text);
 *     cleanup_pem_block struct pem_block block = {0};
 *     while (pem_next(bio, &block)) ...
 */
#ifndef APISERVER_KINDS_PEM_H
#define APISERVER_KINDS_PEM_H

#include <openssl/pem.h>
#include "base/cleanup.h"
#include "base/slice.h"

struct pem_block {
    char *name, *header; /* "CERTIFICATE"; "" without headers */
    unsigned char *der;
    long len;
};

/* NULL when there is no memory. The text must outlive it. */
BIO *pem_open(struct slice text);
/* False at the end, and from the first broken block on. bio may be NULL. */
bool pem_next(BIO *bio, struct pem_block *block);

void pem_block_release(struct pem_block *block);
void pem_bio_free(BIO **bio);
#define cleanup_pem_block CLEANUP(pem_block_release)
#define cleanup_bio       CLEANUP(pem_bio_free)

#endif
