#include "apiserver/http/internal.h"

void outq_init(struct outq *q)
{
    *q = (struct outq){.tail = &q->head};
}

void outq_push(struct outq *q, struct blob *blob)
{
    if (!blob || blob->len == 0) {
        blob_unref(blob);
        return;
    }
    struct piece *piece = xmalloc(sizeof *piece);
    *piece = (struct piece){.blob = blob};
    *q->tail = piece;
    q->tail = &piece->next;
    q->bytes += blob->len;
}

static void drop_head(struct outq *q)
{
    struct piece *piece = q->head;
    q->head = piece->next;
    if (!q->head)
        q->tail = &q->head;
    free(piece);
}

void outq_clear(struct outq *q)
{
    while (q->head) {
        blob_unref(q->head->blob);
        drop_head(q);
    }
    q->bytes = 0;
}

void wbuf_put(struct wbuf *w, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    char *to = w->data + w->used;
    memcpy(to, bytes, len);
    h2o_iovec_t *last = w->iov_count ? &w->iov[w->iov_count - 1] : NULL;
    if (last && last->base + last->len == to)
        last->len += len;
    else
        w->iov[w->iov_count++] = h2o_iovec_init(to, len);
    w->used += len;
    w->total += len;
}

static bool can_hold(const struct wbuf *w)
{
    return w->held_count < sizeof w->held / sizeof *w->held;
}

size_t wbuf_take(struct wbuf *w, struct outq *q, size_t max, bool by_reference)
{
    size_t taken = 0;
    if (max > wbuf_room(w))
        max = wbuf_room(w);
    while (q->head && taken < max) {
        struct piece *piece = q->head;
        size_t left = piece->blob->len - piece->at;
        size_t n = left < max - taken ? left : max - taken;
        const char *from = piece->blob->data + piece->at;
        if (by_reference && n >= COPY_BELOW && can_hold(w)) {
            w->iov[w->iov_count++] = h2o_iovec_init((char *)from, n);
            w->total += n;
            w->held[w->held_count++] = blob_ref(piece->blob);
        } else {
            wbuf_put(w, from, n);
        }
        taken += n;
        piece->at += n;
        if (piece->at == piece->blob->len) {
            blob_unref(piece->blob);
            drop_head(q);
        }
    }
    q->bytes -= taken;
    return taken;
}
