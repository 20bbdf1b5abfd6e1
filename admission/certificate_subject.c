#include "admission/certificate_subject.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "openapi/scalar.h"

DEFINE_CLEANUP(cleanup_req_fn, X509_REQ *, X509_REQ_free)
DEFINE_CLEANUP(cleanup_bio_fn, BIO *, BIO_free_all)

static X509_REQ *read_request(struct arena *arena, struct slice request)
{
    struct slice pem;
    const char *fault;
    if (!scalar_base64_decode(arena, request, &pem, &fault))
        return NULL;
    CLEANUP(cleanup_bio_fn) BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509_REQ *req = in ? PEM_read_bio_X509_REQ(in, NULL, NULL, NULL) : NULL;
    ERR_clear_error();
    return req;
}

static struct slice text_of(struct arena *arena, X509_NAME_ENTRY *entry)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    struct slice text = len > 0 ? arena_dup(arena, slice_make((char *)utf8, (size_t)len)) : SLICE("");
    OPENSSL_free(utf8);
    return text;
}

bool certificate_common_name(struct arena *arena, struct slice request, struct slice *ret)
{
    CLEANUP(cleanup_req_fn) X509_REQ *req = read_request(arena, request);
    if (!req)
        return false;
    X509_NAME *subject = X509_REQ_get_subject_name(req);
    int last = -1;
    for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;)
        last = i;
    *ret = last < 0 ? SLICE("") : text_of(arena, X509_NAME_get_entry(subject, last));
    return true;
}

bool certificate_has_organization(struct arena *arena, struct slice request, const char *name, bool *ret_has)
{
    CLEANUP(cleanup_req_fn) X509_REQ *req = read_request(arena, request);
    if (!req)
        return false;
    X509_NAME *subject = X509_REQ_get_subject_name(req);
    *ret_has = false;
    for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_organizationName, i)) >= 0;)
        *ret_has |= slice_is(text_of(arena, X509_NAME_get_entry(subject, i)), name);
    return true;
}
