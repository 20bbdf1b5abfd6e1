#include "base/regex.h"

#include <re2/re2.h>

#include <atomic>
#include <list>
#include <mutex>
#include <string>

struct regex {
    std::atomic<int> references;
    std::string pattern;
    RE2 re;

    regex(const std::string &text, const RE2::Options &options)
        : references(1), pattern(text), re(text, options)
    {
    }
};

namespace
{

enum { KEPT = 64, MEMORY = 1 << 20 };

std::mutex lock;
/* Most recently used first. Never destroyed: threads may still match while the process ends. */
std::list<regex *> &kept = *new std::list<regex *>;

/* The kept one, moved to the front, with one reference more. */
regex *find(const re2::StringPiece &pattern)
{
    std::lock_guard<std::mutex> guard(lock);
    for (auto at = kept.begin(); at != kept.end(); ++at)
        if (re2::StringPiece((*at)->pattern) == pattern) {
            kept.splice(kept.begin(), kept, at);
            (*at)->references++;
            return *at;
        }
    return nullptr;
}

void keep(regex *compiled)
{
    regex *oldest = nullptr;
    {
        std::lock_guard<std::mutex> guard(lock);
        compiled->references++;
        kept.push_front(compiled);
        if (kept.size() > KEPT) {
            oldest = kept.back();
            kept.pop_back();
        }
    }
    if (oldest)
        regex_put(oldest);
}

} // namespace

struct regex *regex_get(struct slice pattern, char fault[REGEX_FAULT])
{
    regex *found = find(re2::StringPiece(pattern.ptr, pattern.len));
    if (found)
        return found;
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(MEMORY);
    regex *compiled = new regex(std::string(pattern.ptr, pattern.len), options);
    if (!compiled->re.ok()) {
        if (fault)
            snprintf(fault, REGEX_FAULT, "error parsing regexp: %s", compiled->re.error().c_str());
        delete compiled;
        return nullptr;
    }
    keep(compiled);
    return compiled;
}

void regex_put(struct regex *regex)
{
    if (--regex->references == 0)
        delete regex;
}

bool regex_matches(const struct regex *regex, struct slice text)
{
    return regex->re.Match(re2::StringPiece(text.ptr, text.len), 0, text.len, RE2::UNANCHORED, nullptr, 0);
}

bool regex_find(const struct regex *regex, struct slice text, size_t from, size_t *ret_start, size_t *ret_end)
{
    re2::StringPiece match;
    if (!regex->re.Match(re2::StringPiece(text.ptr, text.len), from, text.len, RE2::UNANCHORED, &match, 1))
        return false;
    *ret_start = static_cast<size_t>(match.data() - text.ptr);
    *ret_end = *ret_start + match.size();
    return true;
}
