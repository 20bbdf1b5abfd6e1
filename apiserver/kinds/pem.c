#include "apiserver/kinds/pem.h"
#include <limits.h>
#include <openssl/err.h>

void pem_block_release(struct pem_block *block)
{
    OPENSSL_free(block->name);
    OPENSSL_free(block->header);
    OPENSSL_free(block->der);
    *block = (struct pem_block){0};
}

void pem_bio_free(BIO **bio)
{
    BIO_free(*bio);
}

BIO *pem_open(struct slice text)
{
    return text.len > INT_MAX ? NULL : BIO_new_mem_buf(text.ptr, (int)text.len);
}

bool pem_next(BIO *bio, struct pem_block *block)
{
    pem_block_release(block);
    if (bio && PEM_read_bio(bio, &block->name, &block->header, &block->der, &block->len) == 1)
        return true;
    ERR_clear_error(); /* the end is an error too; none may be left for TLS to find on this thread */
    return false;
}
