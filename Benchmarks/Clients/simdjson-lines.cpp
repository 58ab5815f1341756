// Reads routes as NDJSON with simdjson's DOM parser, a line at a time: what fibd's own reader is measured against.
//
//     simdjson-lines FILE    prints ns a line; the fields of each line are looked up, and nothing is made of them
//
// simdjson's stream interfaces would be faster, but don't survive hostile lines; and unknown or double fields, which fibd
// refuses, go unnoticed here.
#include <simdjson.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

int main(int count, char **arguments) {
    if (count != 2) {
        std::fprintf(stderr, "usage: simdjson-lines FILE\n");
        return 2;
    }
    auto loaded = simdjson::padded_string::load(arguments[1]);
    if (loaded.error()) {
        std::fprintf(stderr, "simdjson-lines: can't read %s: %s\n", arguments[1], error_message(loaded.error()));
        return 1;
    }
    const simdjson::padded_string &text = loaded.value();
    const char *const names[] = {"dst", "gateway", "dev", "protocol"};
    simdjson::dom::parser parser;
    std::size_t lines = 0, bytes = 0;
    const auto start = std::chrono::steady_clock::now();
    // Every line but the last has the text that follows it as its padding.
    for (const char *at = text.data(), *const end = at + text.size(); at < end;) {
        const char *stop = static_cast<const char *>(std::memchr(at, '\n', end - at));
        const std::size_t length = (stop ? stop : end) - at;
        auto object = parser.parse(at, length, false).get_object();
        for (const char *name : names) {
            std::string_view value;
            if (!object[name].get(value)) bytes += value.size();
        }
        lines++;
        at += length + 1;
    }
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    std::printf("%zu lines, %.0f ns each (simdjson, %zu bytes of fields)\n", lines, time.count() / lines, bytes);
    return 0;
}
