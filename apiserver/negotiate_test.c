#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "apiserver/negotiate.h"

static const struct {
    const char *accept;
    unsigned offers;
    bool ok;
    enum media media;
    enum media_as as;
} cases[] = {
    {NULL, 0, true, MEDIA_JSON, AS_ITSELF},
    {"", 0, true, MEDIA_JSON, AS_ITSELF},
    {"*/*", 0, true, MEDIA_JSON, AS_ITSELF},
    {"application/*", 0, false, MEDIA_JSON, AS_ITSELF},
    {"application/*", OFFER_UNROUTED, true, MEDIA_JSON, AS_ITSELF},
    {"application/*;q=0.8, application/yaml", 0, true, MEDIA_YAML, AS_ITSELF},
    {"*/*, application/vnd.kubernetes.protobuf", 0, true, MEDIA_PROTOBUF, AS_ITSELF},
    {"application/JSON", 0, false, MEDIA_JSON, AS_ITSELF},
    {"application/yaml, application/json", OFFER_STREAM, false, MEDIA_JSON, AS_ITSELF},
    {"application/json;stream=watch", 0, true, MEDIA_JSON, AS_ITSELF},
    {"application/yaml;stream=watch", 0, false, MEDIA_JSON, AS_ITSELF},
    {"application/json;stream=other", 0, false, MEDIA_JSON, AS_ITSELF},
    {"application/json;q=bogus, application/yaml;q=0.1", 0, true, MEDIA_YAML, AS_ITSELF},
    {"application/json;foo=bar", 0, true, MEDIA_JSON, AS_ITSELF},
    {"text/plain, application/json;q=0.1", OFFER_TEXT, true, MEDIA_JSON, AS_ITSELF},
    {"text/plain", OFFER_TEXT, false, MEDIA_JSON, AS_ITSELF},
    {"text/html", OFFER_ANYTHING, true, MEDIA_JSON, AS_ITSELF},
    {"application/yaml", OFFER_JSON, false, MEDIA_JSON, AS_ITSELF},
    {"application/vnd.kubernetes.protobuf", OFFER_CUSTOM | OFFER_PARTIAL, false, MEDIA_JSON, AS_ITSELF},
    {"application/vnd.kubernetes.protobuf, application/json", OFFER_CUSTOM, true, MEDIA_JSON, AS_ITSELF},
    {"application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
     OFFER_CUSTOM | OFFER_PARTIAL, true, MEDIA_PROTOBUF, AS_PARTIAL},
    {"application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io", OFFER_TABLE, false, MEDIA_JSON,
     AS_ITSELF},
    {"application/vnd.kubernetes.protobuf;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io",
     OFFER_DISCOVERY, true, MEDIA_PROTOBUF, AS_DISCOVERY},
    {"application/yaml", 0, true, MEDIA_YAML, AS_ITSELF},
    {"application/yaml", OFFER_STREAM, false, MEDIA_JSON, AS_ITSELF},
    {"text/html", 0, false, MEDIA_JSON, AS_ITSELF},
    {"text/html, application/json;q=0.5", 0, true, MEDIA_JSON, AS_ITSELF},
    {"application/yaml;q=0.1, application/json;q=0.9", 0, true, MEDIA_JSON, AS_ITSELF},
    {"application/json;q=0.1, application/yaml;q=0.9", 0, true, MEDIA_YAML, AS_ITSELF},
    {"application/json;q=0", 0, true, MEDIA_JSON, AS_ITSELF},
    {"application/json;q=0, application/yaml", 0, true, MEDIA_YAML, AS_ITSELF},
    {"application/json;as=Table;v=v1;g=meta.k8s.io", OFFER_TABLE, true, MEDIA_JSON, AS_TABLE},
    {"application/json;as=Table;v=v1;g=meta.k8s.io", 0, false, MEDIA_JSON, AS_ITSELF},
    {"application/json;as=Table;v=v9;g=meta.k8s.io, application/json", OFFER_TABLE, true, MEDIA_JSON,
     AS_ITSELF},
    {"application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", OFFER_PARTIAL, true, MEDIA_JSON,
     AS_PARTIAL_LIST},
    {"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", OFFER_DISCOVERY,
     true, MEDIA_JSON, AS_DISCOVERY},
    {"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
     OFFER_DISCOVERY, true, MEDIA_JSON, AS_ITSELF},
};

static void chooses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        struct accept got = {0};
        struct slice header = cases[i].accept ? slice_str(cases[i].accept) : slice_make(NULL, 0);
        bool ok = negotiate_accept(header, cases[i].offers, &got, &err);
        if (ok != cases[i].ok || (ok && (got.media != cases[i].media || got.as != cases[i].as)))
            fail_msg("%s: want %d media %d as %d, got %d media %d as %d", cases[i].accept, cases[i].ok,
                     cases[i].media, cases[i].as, ok, got.media, got.as);
        if (!ok)
            assert_int_equal(err.reason, REASON_NOT_ACCEPTABLE);
        error_release(&err);
    }
}

static void knows_gzip(void **state)
{
    (void)state;
    assert_true(accepts_gzip(SLICE("gzip")));
    assert_true(accepts_gzip(SLICE("deflate, gzip;q=0.3")));
    assert_false(accepts_gzip(SLICE("gzip;q=0")));
    assert_false(accepts_gzip(SLICE("identity")));
    assert_false(accepts_gzip(slice_make(NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chooses), cmocka_unit_test(knows_gzip)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
