#include "frames.h"

#include <stdio.h>
#include <string.h>

// Bytes of a frame that weren't looked at yet.
struct text {
    const char *p, *end;
};

static bool skip(struct text *text, const char *literal) {
    size_t length = strlen(literal);
    if ((size_t)(text->end - text->p) < length || memcmp(text->p, literal, length) != 0) return false;
    text->p += length;
    return true;
}

static bool take_number(struct text *text, uint64_t *value) {
    const char *begin = text->p;
    for (*value = 0; text->p < text->end && (unsigned)(*text->p - '0') < 10; text->p++)
        *value = *value * 10 + (uint64_t)(*text->p - '0');
    return text->p > begin;
}

// Up to the end character, which is passed over.
static bool take_word(struct text *text, char end, char *out, size_t room) {
    const char *stop = memchr(text->p, end, (size_t)(text->end - text->p));
    if (!stop || (size_t)(stop - text->p) >= room) return false;
    memcpy(out, text->p, (size_t)(stop - text->p));
    out[stop - text->p] = 0;
    text->p = stop + 1;
    return true;
}

// Eight hexadecimal digits at once: their bytes become half bytes, which then move together.
static uint64_t eight_digits(const char *p) {
    uint64_t x;
    memcpy(&x, p, 8);
    x = (x & 0x0f0f0f0f0f0f0f0f) + 9 * (x >> 6 & 0x0101010101010101);
    x = __builtin_bswap64(x);
    x = (x | x >> 4) & 0x00ff00ff00ff00ff;
    x = (x | x >> 8) & 0x0000ffff0000ffff;
    return (x | x >> 16) & 0xffffffff;
}

// 32 digits and the quotation mark behind them.
static bool take_digest(struct text *text, digest *value) {
    if (text->end - text->p < 33 || text->p[32] != '"') return false;
    uint64_t high = eight_digits(text->p) << 32 | eight_digits(text->p + 8);
    uint64_t low = eight_digits(text->p + 16) << 32 | eight_digits(text->p + 24);
    *value = (digest)high << 64 | low;
    text->p += 33;
    return true;
}

static const char *next_event(const char *p, const char *end, struct frame *frame) {
    const char *stop;
    while ((stop = memchr(p, '\n', (size_t)(end - p)))) {
        size_t length = (size_t)(stop - p);
        if (length == 0) return p + 1;
        if (length >= 6 && memcmp(p, "data: ", 6) == 0) {
            frame->data = p + 6;
            frame->data_length = length - 6;
        } else if (length >= 7 && memcmp(p, "event: ", 7) == 0) {
            frame->event = p + 7;
            frame->event_length = length - 7;
        } else if (length >= 3 && memcmp(p, "id:", 3) == 0) {
            size_t begin = length > 3 && p[3] == ' ' ? 4 : 3;
            frame->id = p + begin;
            frame->id_length = length - begin;
        }
        p = stop + 1;
    }
    return NULL;
}

static const char *next_line(const char *p, const char *end, struct frame *frame) {
    const char *stop = memchr(p, '\n', (size_t)(end - p)), *quote;
    if (!stop) return NULL;
    struct text text = {p, stop};
    if (!skip(&text, "{\"event\":\"") || !(quote = memchr(text.p, '"', (size_t)(stop - text.p)))) return stop + 1;
    frame->event = text.p;
    frame->event_length = (size_t)(quote - text.p);
    text.p = quote + 1;
    if (skip(&text, ",\"id\":\"")) {
        if (!(quote = memchr(text.p, '"', (size_t)(stop - text.p)))) return stop + 1;
        frame->id = text.p;
        frame->id_length = (size_t)(quote - text.p);
        text.p = quote + 1;
    }
    if (!skip(&text, ",\"data\":") || stop - text.p < 3 || stop[-1] != '}') return stop + 1;
    frame->data = text.p;
    frame->data_length = (size_t)(stop - 1 - text.p);
    return stop + 1;
}

const char *next_frame(enum format format, const char *p, const char *end, struct frame *frame) {
    *frame = (struct frame){.event = ""};
    return format == ndjson ? next_line(p, end, frame) : next_event(p, end, frame);
}

bool is_event(const struct frame *frame, const char *name) {
    return frame->event_length == strlen(name) && memcmp(frame->event, name, frame->event_length) == 0;
}

// Passes over the entry, which the hash stands behind. No member of an entry is called h or was.
static bool pass_entry(struct text *text) {
    const char *brace = text->p;
    while ((brace = memchr(brace, '}', (size_t)(text->end - brace)))) {
        text->p = ++brace;
        if (skip(text, ",\"h\":\"") || skip(text, ",\"was\":\"")) {
            text->p = brace;
            return true;
        }
    }
    return false;
}

// From the end: `,"tx":N}` or `,"tx":N,"catchup":true}`.
static void parse_tail(struct text text, struct change *change) {
    static const char catchup[] = ",\"catchup\":true";
    size_t length = sizeof catchup - 1;
    text.end--;
    change->is_catchup = (size_t)(text.end - text.p) >= length && memcmp(text.end - length, catchup, length) == 0;
    if (change->is_catchup) text.end -= length;
    const char *digits = text.end;
    while (digits > text.p && (unsigned)(digits[-1] - '0') < 10) digits--;
    if (digits == text.end || digits - text.p < 6 || memcmp(digits - 6, ",\"tx\":", 6) != 0) return;
    text.p = digits;
    take_number(&text, &change->transaction);
}

bool parse_change(const struct frame *frame, struct change *change) {
    struct text text = {frame->data, frame->data + frame->data_length};
    uint64_t version;
    char operation[12];
    *change = (struct change){0};
    if (!frame->data || !skip(&text, "{\"op\":\"") || !take_word(&text, '"', operation, sizeof operation)) return false;
    change->is_row = strcmp(operation, "replay") == 0;
    if (!skip(&text, ",\"seq\":") || !take_number(&text, &change->sequence)) return false;
    if (!skip(&text, ",\"version\":") || !take_number(&text, &version)) return false;
    bool has_previous = skip(&text, ",\"prev\":") && take_number(&text, &change->previous);
    if (has_previous == change->is_row || !skip(&text, ",\"entry\":{")) return false;
    // A device that has begun anew is told of as a change, but it is no entry.
    if (strcmp(operation, "restart") == 0) return parse_tail(text, change), true;
    if (!pass_entry(&text)) return false;
    change->has_hash = skip(&text, ",\"h\":\"");
    if (change->has_hash && !take_digest(&text, &change->hash)) return false;
    change->has_was = skip(&text, ",\"was\":\"");
    if (change->has_was && !take_digest(&text, &change->was)) return false;
    parse_tail(text, change);
    // What goes away has no hash any more, and only that.
    return change->has_hash != (strcmp(operation, "delete") == 0);
}

bool parse_sync(const struct frame *frame, struct sync *sync) {
    struct text text = {frame->data, frame->data + frame->data_length};
    return frame->data && skip(&text, "{\"seq\":") && take_number(&text, &sync->sequence) &&
           skip(&text, ",\"count\":") && take_number(&text, &sync->count) && skip(&text, ",\"digest\":\"") &&
           take_digest(&text, &sync->digest);
}

bool parse_hello(const struct frame *frame, struct hello *hello) {
    struct text text = {frame->data, frame->data + frame->data_length};
    hello->reason[0] = 0;
    if (!frame->data || !skip(&text, "{\"epoch\":\"") || !take_word(&text, '"', hello->epoch, sizeof hello->epoch) ||
        !skip(&text, ",\"mode\":\"") || !take_word(&text, '"', hello->mode, sizeof hello->mode))
        return false;
    return !skip(&text, ",\"reason\":\"") || take_word(&text, '"', hello->reason, sizeof hello->reason);
}

bool parse_cursor(const struct frame *frame, char epoch[20], uint64_t *sequence, char filter[8]) {
    struct text text = {frame->id, frame->id + frame->id_length};
    size_t rest;
    if (!frame->id || !take_word(&text, '-', epoch, 20) || !take_number(&text, sequence) || !skip(&text, "-"))
        return false;
    rest = (size_t)(text.end - text.p);
    if (rest == 0 || rest > 7) return false;
    memcpy(filter, text.p, rest);
    filter[rest] = 0;
    return true;
}

void print_digest(digest value, char out[33]) {
    sprintf(out, "%016jx%016jx", (uintmax_t)(value >> 64), (uintmax_t)value & UINT64_MAX);
}
