#include "Races.h"
#include "../Memory/Arena.h"
#include <cstdio>
#include <dlfcn.h>
#include <type_traits>

// Kernels are compiled with the instrumentation of the thread and the undefined-behaviour sanitizers; the calls that it puts before every
// access to memory come here instead of to the sanitizers' own libraries.

namespace emulation::execution {

using races::Access;
using races::Shadow;

namespace {

/// Where in the kernel's text an access is: the compiler's line table, asked only when something is wrong.
std::string lineOf(void* code) {
    Dl_info info;
    if (dladdr(code, &info) == 0 || info.dli_fname == nullptr) {
        return {};
    }
    const auto offset = reinterpret_cast<uintptr_t>(code) - reinterpret_cast<uintptr_t>(info.dli_fbase) - 1;
    std::string line(256, 0);
    FILE* tool = popen(text("addr2line -s -e %s 0x%zx 2>/dev/null", info.dli_fname, offset).c_str(), "r");
    if (tool == nullptr) {
        return {};
    }
    line.resize(fread(line.data(), 1, line.size() - 1, tool));
    pclose(tool);
    while (!line.empty() && line.back() == '\n') {
        line.pop_back();
    }
    return line.empty() || line[0] == '?' ? std::string{} : " (" + line + ")";
}

const char* verb(Access access) { return access == Access::Read ? "reads" : access == Access::Write ? "writes" : "changes atomically"; }

void mark(Shadow* shadows, uintptr_t address, unsigned bytes, Access access, bool shared) {
    const unsigned offset = address & 3;
    if (offset + bytes <= 4) {
        races::check(*shadows, address, ((1u << bytes) - 1) << offset, access, shared);
        return;
    }
    for (uintptr_t word = address & ~static_cast<uintptr_t>(3); word < address + bytes; word += 4) {
        races::check(*shadows++, word, 15, access, shared);
    }
}

[[noreturn]] void illegal(uintptr_t address, unsigned bytes, Access access, void* code, const std::string& why) {
    abandon(CUDA_ERROR_ILLEGAL_ADDRESS, "address", text("%s %u bytes at 0x%zx%s: %s", verb(access), bytes, address, lineOf(code).c_str(), why.c_str()));
}

/// Memory that is neither on the device nor on the thread's own stack.
__attribute__((noinline)) void checkOther(uintptr_t address, unsigned bytes, Access access, void* code) {
    if (address - run_.fixedShared < run_.fixedSharedSpan) {
        if (address + bytes > run_.fixedShared + run_.fixedSharedSpan) {
            illegal(address, bytes, access, code, "behind the end of shared memory");
        }
        useShared(address - run_.fixedShared);
        if (run_.races) {
            mark(races::ofFixedShared(address - run_.fixedShared), address, bytes, access, true);
        }
        return;
    }
    if (address - run_.dynamicShared < SharedOptIn) {
        if (address + bytes > run_.dynamicShared + run_.dynamicSharedSpan) {
            illegal(address, bytes, access, code, text("byte %zu of dynamic shared memory, of which the launch has %zu",
                address - run_.dynamicShared, run_.dynamicSharedSpan));
        }
        if (run_.races) {
            mark(races::ofDynamicShared(address - run_.dynamicShared), address, bytes, access, true);
        }
        return;
    }
    if (address - run_.image < run_.imageSpan) {
        return;
    }
    illegal(address, bytes, access, code, arena::describe(address));
}

__attribute__((noinline)) void checkPieces(arena::Allocation& allocation, uintptr_t address, unsigned bytes, Access access, void* code) {
    const arena::Piece* piece = arena::pieceAt(allocation, address);
    if (piece == nullptr) {
        illegal(address, bytes, access, code, "between the declared parts of " + arena::describe(address));
    }
    if (address + bytes > piece->end) {
        illegal(address, bytes, access, code, "over the end of a declared part of " + arena::describe(address));
    }
    if (piece->launch != run_.launchNumber) {
        illegal(address, bytes, access, code, text("in a declared part (%zu bytes at 0x%zx) that nothing given to the kernel points into, of ",
            piece->end - piece->begin, piece->begin) + arena::describe(address));
    }
}

inline void check(uintptr_t address, unsigned bytes, Access access, void* code) {
    if (address - run_.stacks < run_.stacksSpan) {
        return;
    }
    arena::Allocation* allocation = arena::find(address);
    if (allocation == nullptr && !arena::contains(address)) {
        checkOther(address, bytes, access, code);
        return;
    }
    if (allocation == nullptr || address + bytes > allocation->end || allocation->state != arena::State::Live
        || (!allocation->host && allocation->device != run_.device)) {
        illegal(address, bytes, access, code, arena::refusal(address, bytes, run_.device));
    }
    if (!allocation->pieces.empty()) {
        checkPieces(*allocation, address, bytes, access, code);
    }
    if (run_.races) {
        mark(reinterpret_cast<Shadow*>(arena::shadow + ((address - arena::base) & ~static_cast<uintptr_t>(3)) * 4), address, bytes, access, false);
    }
}

inline void checkAligned(uintptr_t address, unsigned bytes, Access access, void* code) {
    if ((address & (bytes - 1)) != 0) {
        abandon(CUDA_ERROR_MISALIGNED_ADDRESS, "alignment", text("%s %u bytes at 0x%zx%s", verb(access), bytes, address, lineOf(code).c_str()));
    }
    check(address, bytes, access, code);
}

}

void admit(uintptr_t address) {
    arena::Allocation* allocation = arena::find(address);
    if (allocation != nullptr && !allocation->pieces.empty()) {
        if (arena::Piece* piece = arena::pieceAt(*allocation, address)) {
            piece->launch = run_.launchNumber;
        }
    }
}

}

using namespace emulation::execution;
using emulation::text;

#define CODE __builtin_return_address(0)
#define ADDRESS reinterpret_cast<uintptr_t>(pointer)

EXPORT void __tsan_init() {}
EXPORT void __tsan_func_entry(void*) {}
EXPORT void __tsan_func_exit() {}
EXPORT void __tsan_read1(void* pointer) { check(ADDRESS, 1, Access::Read, CODE); }
EXPORT void __tsan_read2(void* pointer) { checkAligned(ADDRESS, 2, Access::Read, CODE); }
EXPORT void __tsan_read4(void* pointer) { checkAligned(ADDRESS, 4, Access::Read, CODE); }
EXPORT void __tsan_read16(void* pointer) { checkAligned(ADDRESS, 16, Access::Read, CODE); }
EXPORT void __tsan_write1(void* pointer) { check(ADDRESS, 1, Access::Write, CODE); }
EXPORT void __tsan_write2(void* pointer) { checkAligned(ADDRESS, 2, Access::Write, CODE); }
EXPORT void __tsan_write4(void* pointer) { checkAligned(ADDRESS, 4, Access::Write, CODE); }
EXPORT void __tsan_write8(void* pointer) { checkAligned(ADDRESS, 8, Access::Write, CODE); }
EXPORT void __tsan_write16(void* pointer) { checkAligned(ADDRESS, 16, Access::Write, CODE); }
EXPORT void __tsan_unaligned_read2(void* pointer) { check(ADDRESS, 2, Access::Read, CODE); }
EXPORT void __tsan_unaligned_read4(void* pointer) { check(ADDRESS, 4, Access::Read, CODE); }
EXPORT void __tsan_unaligned_read8(void* pointer) { check(ADDRESS, 8, Access::Read, CODE); }
EXPORT void __tsan_unaligned_read16(void* pointer) { check(ADDRESS, 16, Access::Read, CODE); }
EXPORT void __tsan_unaligned_write2(void* pointer) { check(ADDRESS, 2, Access::Write, CODE); }
EXPORT void __tsan_unaligned_write4(void* pointer) { check(ADDRESS, 4, Access::Write, CODE); }
EXPORT void __tsan_unaligned_write8(void* pointer) { check(ADDRESS, 8, Access::Write, CODE); }
EXPORT void __tsan_unaligned_write16(void* pointer) { check(ADDRESS, 16, Access::Write, CODE); }
EXPORT void __tsan_read_range(void* pointer, size_t bytes) { check(ADDRESS, static_cast<unsigned>(bytes), Access::Read, CODE); }
EXPORT void __tsan_write_range(void* pointer, size_t bytes) { check(ADDRESS, static_cast<unsigned>(bytes), Access::Write, CODE); }

/// What is loaded may be a pointer: then the kernel has been given it.
EXPORT void __tsan_read8(void* pointer) {
    checkAligned(ADDRESS, 8, Access::Read, CODE);
    admit(*static_cast<uintptr_t*>(pointer));
}

namespace {

template <typename Value>
Value atomically(Value* pointer, int kind, Value value, Value compare, void* code) {
    checkAligned(ADDRESS, sizeof(Value), Access::Atomic, code);
    using Signed = std::make_signed_t<Value>;
    const Value old = *pointer;
    switch (kind) {
        case 0: *pointer = old + value; break;
        case 1: *pointer = value; break;
        case 2: *pointer = old < value ? value : old; break;
        case 3: *pointer = old > value ? value : old; break;
        case 4: *pointer = static_cast<Signed>(old) < static_cast<Signed>(value) ? value : old; break;
        case 5: *pointer = static_cast<Signed>(old) > static_cast<Signed>(value) ? value : old; break;
        case 6: *pointer = old | value; break;
        case 7: *pointer = old & value; break;
        default: *pointer = old == compare ? value : old; break;
    }
    return old;
}

}

/// The atomic operations of the kernel prelude, by the number that it knows them by.
EXPORT uint32_t moe_emulation_atomic32(uint32_t* pointer, int kind, uint32_t value, uint32_t compare) {
    return atomically(pointer, kind, value, compare, CODE);
}

EXPORT uint64_t moe_emulation_atomic64(uint64_t* pointer, int kind, uint64_t value, uint64_t compare) {
    return atomically(pointer, kind, value, compare, CODE);
}

/// The places that the undefined-behaviour sanitizer describes.
struct SourceLocation {
    const char* file;
    uint32_t line, column;
};

EXPORT void __ubsan_handle_type_mismatch_v1(const SourceLocation* at, void* pointer) {
    abandon(CUDA_ERROR_MISALIGNED_ADDRESS, "alignment", text("0x%zx is not aligned as its type wants, line %u", ADDRESS, at->line));
}

EXPORT void __ubsan_handle_out_of_bounds(const SourceLocation* at, uintptr_t index) {
    abandon(CUDA_ERROR_ILLEGAL_ADDRESS, "address", text("index %zd is outside of its array, line %u", static_cast<ptrdiff_t>(index), at->line));
}

EXPORT void __ubsan_handle_divrem_overflow(const SourceLocation* at, uintptr_t, uintptr_t) {
    abandon(CUDA_ERROR_LAUNCH_FAILED, "division", text("an integer is divided by zero, line %u", at->line));
}

EXPORT void moe_emulation_races(int on) { run_.races = on != 0; }
