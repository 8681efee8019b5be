#include "Arena.h"
#include "../Driver/CudaTypes.h"
#include "../Faults/Faults.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

namespace emulation::arena {

uintptr_t base;
uint32_t* granules;
Allocation** allocations;
char* shadow;

namespace {

constexpr uintptr_t Granule = 1ull << GranuleBits;
constexpr size_t MostAllocations = 1u << 24;
constexpr size_t PoisonBytes = 4u << 20;

std::mutex* const Lock = new std::mutex;
uint32_t count;
uintptr_t next;
int poison = -1;
int key = -1;

void* claim(size_t bytes, int protection) {
    void* found = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (found == MAP_FAILED) {
        report("setup", text("no %zu bytes of addresses", bytes));
        std::abort();
    }
    madvise(found, bytes, MADV_NOHUGEPAGE);
    return found;
}

/// A file of poison: mapped privately it costs memory only where it is written.
int poisonFile() {
    const int file = memfd_create("poison", MFD_CLOEXEC);
    const std::vector<uint8_t> bytes(PoisonBytes, Poison);
    for (size_t done = 0; done < PoisonBytes;) {
        const ssize_t written = write(file, bytes.data() + done, PoisonBytes - done);
        if (written <= 0) {
            report("setup", "no memory for poison");
            std::abort();
        }
        done += static_cast<size_t>(written);
    }
    return file;
}

}

void reserve() {
    std::lock_guard guard(*Lock);
    if (base != 0) {
        return;
    }
    granules = static_cast<uint32_t*>(claim((Span >> GranuleBits) * sizeof(uint32_t), PROT_READ | PROT_WRITE));
    allocations = static_cast<Allocation**>(claim(MostAllocations * sizeof(Allocation*), PROT_READ | PROT_WRITE));
    shadow = static_cast<char*>(claim(Span * 4, PROT_READ | PROT_WRITE));
    poison = poisonFile();
    key = pkey_alloc(0, PKEY_DISABLE_ACCESS);
    const uintptr_t claimed = reinterpret_cast<uintptr_t>(claim(Span + Granule, PROT_NONE));
    next = base = (claimed + Granule - 1) & ~(Granule - 1);
}

Allocation* create(size_t bytes, int device, bool host) {
    std::lock_guard guard(*Lock);
    // At least a granule behind each allocation belongs to nobody.
    const uintptr_t mapped = (bytes + Granule - 1) & ~(Granule - 1);
    if (next + mapped + Granule > base + Span || count + 1 >= MostAllocations) {
        return nullptr;
    }
    for (uintptr_t done = 0; done < mapped; done += PoisonBytes) {
        const size_t part = std::min<size_t>(PoisonBytes, mapped - done);
        void* at = reinterpret_cast<void*>(next + done);
        if (mmap(at, part, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, poison, 0) == MAP_FAILED) {
            return nullptr;
        }
    }
    if (!host && key >= 0) {
        pkey_mprotect(reinterpret_cast<void*>(next), mapped, PROT_READ | PROT_WRITE, key);
    }
    auto* allocation = new Allocation;
    *allocation = {.begin = next, .end = next + bytes, .device = device, .host = host, .freeing = false, .state = State::Pending, .number = ++count, .pieces = {}};
    allocations[count] = allocation;
    std::fill_n(granules + ((next - base) >> GranuleBits), mapped >> GranuleBits, count);
    next += mapped + Granule;
    return allocation;
}

void release(Allocation& allocation) {
    std::lock_guard guard(*Lock);
    allocation.state = State::Freed;
    allocation.pieces.clear();
    const uintptr_t mapped = (allocation.end - allocation.begin + Granule - 1) & ~(Granule - 1);
    mmap(reinterpret_cast<void*>(allocation.begin), mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    madvise(shadow + (allocation.begin - base) * 4, mapped * 4, MADV_DONTNEED);
}

Allocation* nearest(uintptr_t address) {
    std::lock_guard guard(*Lock);
    Allocation* best = nullptr;
    for (uint32_t i = 1; i <= count && allocations[i]->begin <= address; ++i) {
        best = allocations[i];
    }
    return best;
}

void forEach(const std::function<void(Allocation&)>& visit) {
    for (uint32_t i = 1; i <= count; ++i) {
        visit(*allocations[i]);
    }
}

std::string describe(uintptr_t address) {
    const Allocation* allocation = contains(address) ? nearest(address) : nullptr;
    if (allocation == nullptr) {
        return "no device memory is near";
    }
    const char* state = allocation->state == State::Freed ? "freed" : allocation->state == State::Pending ? "not yet allocated" : "living";
    const size_t size = allocation->end - allocation->begin;
    const std::string name = text("allocation %u of %zu bytes at 0x%zx (%s)", allocation->number, size, allocation->begin, state);
    return address < allocation->end
        ? text("byte %zu of ", address - allocation->begin) + name
        : text("%zu bytes behind the end of ", address - allocation->end) + name;
}

std::string refusal(uintptr_t address, size_t bytes, int device) {
    if (bytes == 0) {
        return {};
    }
    const Allocation* allocation = find(address);
    if (allocation == nullptr || address + bytes > allocation->end || address + bytes < address) {
        return text("%zu bytes at 0x%zx: ", bytes, address) + describe(allocation == nullptr ? address : std::max(address, allocation->end));
    }
    if (allocation->state != State::Live) {
        return text("%zu bytes at 0x%zx: ", bytes, address) + describe(address);
    }
    if (!allocation->host && allocation->device != device) {
        return text("%zu bytes at 0x%zx of device %d, used on device %d", bytes, address, allocation->device, device);
    }
    return {};
}

Piece* pieceAt(Allocation& allocation, uintptr_t address) {
    auto after = std::upper_bound(
        allocation.pieces.begin(), allocation.pieces.end(), address, [](uintptr_t a, const Piece& piece) { return a < piece.begin; });
    return after != allocation.pieces.begin() && address < std::prev(after)->end ? &*std::prev(after) : nullptr;
}

void open() {
    if (key >= 0) {
        pkey_set(key, 0);
    }
}

}

/// Declares a part of an allocation an object of its own: from the first such part on, bytes of the allocation that are in none may
/// not be touched, and a launch may touch only those parts that its parameters, or pointers it loads, point into.
EXPORT int moe_emulation_declare(CUdeviceptr address, size_t bytes) {
    using namespace emulation;
    arena::Allocation* allocation = arena::find(address);
    if (allocation == nullptr || address + bytes > allocation->end || allocation->state == arena::State::Freed) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    auto& pieces = allocation->pieces;
    auto at = std::upper_bound(pieces.begin(), pieces.end(), address, [](uintptr_t a, const arena::Piece& piece) { return a < piece.begin; });
    const bool overlaps = (at != pieces.end() && at->begin < address + bytes) || (at != pieces.begin() && std::prev(at)->end > address);
    if (overlaps) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    pieces.insert(at, {address, address + bytes, 0});
    return CUDA_SUCCESS;
}

/// Takes a declaration back.
EXPORT int moe_emulation_forget(CUdeviceptr address) {
    using namespace emulation;
    arena::Allocation* allocation = arena::find(address);
    arena::Piece* piece = allocation == nullptr ? nullptr : arena::pieceAt(*allocation, address);
    if (piece == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    allocation->pieces.erase(allocation->pieces.begin() + (piece - allocation->pieces.data()));
    return CUDA_SUCCESS;
}
