#include "Races.h"
#include <vector>

namespace emulation::execution::races {

namespace {

unsigned threadOf(uint64_t mark) { return mark & ThreadMask; }
unsigned warpOf(uint64_t mark) { return threadOf(mark) / WarpSize; }
uint64_t intervalOf(uint64_t mark) { return mark >> IntervalAt; }
uint64_t periodOf(uint64_t mark) { return mark >> PeriodAt & PeriodMask; }
unsigned bytesOf(uint64_t mark) { return mark >> BytesAt & 15; }

/// Whether a mark was left in this launch; shared memory is new in each block.
bool counts(uint64_t mark, bool shared) { return intervalOf(mark) >= (shared ? run_.firstOfBlock : run_.firstOfLaunch); }

bool ofOtherBlock(uint64_t mark) { return intervalOf(mark) < run_.firstOfBlock; }

/// Whether the running thread's access comes with nothing between it and what left the mark.
bool clashes(uint64_t mark) {
    if (ofOtherBlock(mark) || (mark & Blocks) != 0) {
        return true;
    }
    if (intervalOf(mark) != run_.interval) {
        return false;
    }
    if ((mark & Wide) != 0) {
        return true;
    }
    if (warpOf(mark) == warpOf(run_.mark)) {
        return periodOf(mark) == periodOf(run_.mark) && ((mark & Many) != 0 || threadOf(mark) != threadOf(run_.mark));
    }
    return true;
}

/// What remains to be known of an older mark beside a new one of the same kind.
uint64_t merged(uint64_t old) {
    uint64_t flags = old & (Blocks | Wide | Many);
    if (ofOtherBlock(old)) {
        return Blocks;
    }
    if (intervalOf(old) != run_.interval) {
        return flags & Blocks;
    }
    if (warpOf(old) != warpOf(run_.mark)) {
        return flags | Wide;
    }
    if (periodOf(old) != periodOf(run_.mark)) {
        return flags & ~Many;
    }
    return threadOf(old) != threadOf(run_.mark) ? flags | Many : flags;
}

/// Whether an older mark is the running thread's own, with nothing between.
bool isOwn(uint64_t mark) {
    return !ofOtherBlock(mark) && threadOf(mark) == threadOf(run_.mark) && intervalOf(mark) == run_.interval && periodOf(mark) == periodOf(run_.mark);
}

/// Which bytes an older mark is of, to be kept in a new one.
uint64_t bytesOnly(uint64_t mark) { return mark & (15ull << BytesAt); }

[[noreturn]] void race(uintptr_t word, const char* now, uint64_t mark, const char* before, bool shared) {
    const std::string other = ofOtherBlock(mark) ? text("a thread %u of another block", threadOf(mark)) : nameOfThread(threadOf(mark));
    abandon(CUDA_ERROR_LAUNCH_FAILED, "race", text("%s a word of %s memory at 0x%zx that %s %s with no barrier between", now,
        shared ? "shared" : "global", word, other.c_str(), before));
}

}

void check(Shadow& shadow, uintptr_t word, unsigned bytes, Access access, bool shared) {
    const uint64_t mine = run_.mark | static_cast<uint64_t>(bytes) << BytesAt | (access == Access::Atomic ? Atomic : 0);
    const uint64_t written = shadow.written, read = shadow.read;
    if (access == Access::Read) {
        if (counts(written, shared) && clashes(written) && (bytesOf(written) & bytes) != 0) {
            race(word, "reads", written, "writes", shared);
        }
        // Of halves of a word that threads read apart, the last is known; of those that are read together, what is true of any.
        const bool together = counts(read, shared) && (isOwn(read) || (bytesOf(read) & bytes) != 0);
        shadow.read = together ? mine | bytesOnly(read) | merged(read) : mine;
        return;
    }
    if (written == mine && !counts(read, shared)) {
        return;
    }
    const char* now = access == Access::Atomic ? "changes atomically" : "writes";
    uint64_t kept = 0;
    if (counts(written, shared)) {
        const bool bothAtomic = access == Access::Atomic && (written & Atomic) != 0;
        const bool apart = (bytesOf(written) & bytes) == 0;
        if (!bothAtomic && !apart && clashes(written)) {
            race(word, now, written, "writes", shared);
        }
        // Of halves of a word that several threads write, the last is known.
        kept = (bothAtomic ? merged(written) : 0) | (isOwn(written) ? bytesOnly(written) : 0);
    }
    if (counts(read, shared) && (bytesOf(read) & bytes) != 0 && clashes(read)) {
        race(word, now, read, "reads", shared);
    }
    shadow.written = mine | kept;
}

Shadow* ofFixedShared(uintptr_t offset) {
    static std::vector<Shadow> shadows;
    if (shadows.size() < run_.fixedSharedSpan / 4 + 1) {
        shadows.resize(run_.fixedSharedSpan / 4 + 1);
    }
    return &shadows[offset / 4];
}

Shadow* ofDynamicShared(uintptr_t offset) {
    static std::vector<Shadow> shadows(SharedOptIn / 4 + 1);
    return &shadows[offset / 4];
}

}
