#include "Faults.h"
#include "../Driver/CudaTypes.h"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace emulation {

namespace {
std::mutex* const Lock = new std::mutex;
std::string* const Log = new std::string;
int Count = 0;
}

void report(const char* kind, const std::string& message) {
    const std::string line = std::string(kind) + ": " + message + "\n";
    std::lock_guard guard(*Lock);
    *Log += line;
    ++Count;
    std::fprintf(stderr, "emulated CUDA: %s", line.c_str());
}

std::string text(const char* format, ...) {
    char buffer[1024];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    return buffer;
}

uint64_t setting(const char* name, uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != 0 ? std::strtoull(value, nullptr, 0) : otherwise;
}

uint64_t Draw::next() {
    uint64_t value = _state += 0x9E3779B97F4A7C15;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
    return value ^ (value >> 31);
}

namespace {

uint64_t firstSeed() { return setting("MOE_EMULATION_SEED", 1); }

constexpr uint64_t ThreadsDiffer = 0xB10C;

}

Draw& streamOrder() {
    static Draw draw(firstSeed());
    return draw;
}

Draw& threadOrder() {
    static Draw draw(firstSeed() ^ ThreadsDiffer);
    return draw;
}

}

/// From now on orders are drawn from another seed; nothing may be running.
EXPORT void moe_emulation_seed(uint64_t seed) {
    emulation::streamOrder().restart(seed);
    emulation::threadOrder().restart(seed ^ emulation::ThreadsDiffer);
}

/// How many faults there have been since the log was cleared.
EXPORT int moe_emulation_faults() {
    std::lock_guard guard(*emulation::Lock);
    return emulation::Count;
}

/// Copies the log's last bytes that fit, a line per fault, with a zero behind them; returns the log's length.
EXPORT size_t moe_emulation_log(char* buffer, size_t size) {
    std::lock_guard guard(*emulation::Lock);
    const std::string& log = *emulation::Log;
    if (size > 0) {
        const size_t copied = log.size() < size ? log.size() : size - 1;
        std::memcpy(buffer, log.data() + (log.size() - copied), copied);
        buffer[copied] = 0;
    }
    return log.size();
}

EXPORT void moe_emulation_clear() {
    std::lock_guard guard(*emulation::Lock);
    emulation::Log->clear();
    emulation::Count = 0;
}
