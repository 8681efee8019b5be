#include "Calls.h"
#include "../Faults/Faults.h"
#include "../Memory/Arena.h"
#include <cstring>
#include <map>
#include <mutex>

namespace emulation::driver {

namespace {

bool initialized = false;
std::vector<Device*>* const Devices = new std::vector<Device*>;
thread_local Context* current = nullptr;

/// What the emulated device says of itself: attribute numbers as in the vendor's header.
const std::map<int, int>& attributes() {
    static const auto* known = new std::map<int, int>{
        {1, 1024},                       // threads per block
        {2, 1024}, {3, 1024}, {4, 64},   // block
        {5, 0x7FFFFFFF}, {6, 65535}, {7, 65535},  // grid
        {8, static_cast<int>(execution::SharedLimit)},
        {10, 32},      // warp
        {12, 65536},   // registers per block
        {13, 1980000}, // clock in kHz
        {16, static_cast<int>(setting("MOE_EMULATION_MULTIPROCESSORS", 4))},
        {18, 0},       // integrated
        {19, 1},       // maps host memory
        {31, 1},       // concurrent kernels
        {33, 1}, {34, 0}, {50, 0},  // PCI bus, device, domain
        {36, 2619000}, // memory clock in kHz
        {37, 5120},    // memory bus in bits
        {38, 50 << 20},// level 2
        {39, 2048},    // threads per multiprocessor
        {40, 2},       // copy engines
        {41, 1},       // unified addresses
        {75, capability() / 10},
        {76, capability() % 10},
        {78, 1},       // stream priorities
        {81, 228 << 10},
        {82, 65536},
        {83, 1},       // managed memory
        {97, static_cast<int>(execution::SharedOptIn)},
        {111, 1024},
        {115, 1},      // memory pools
    };
    return *known;
}

}

CUresult mayCall(const char* function, bool needsContext) {
    if (engine::insideHostFunction()) {
        report("host function", text("%s was called from inside a host function", function));
        return CUDA_ERROR_NOT_PERMITTED;
    }
    if (!initialized) {
        return CUDA_ERROR_NOT_INITIALIZED;
    }
    return needsContext && (current == nullptr || current->references == 0) ? CUDA_ERROR_INVALID_CONTEXT : CUDA_SUCCESS;
}

Context* currentContext() { return current; }

void setCurrent(Context* context) { current = context; }

bool isInitialized() { return initialized; }

int deviceCount() { return static_cast<int>(Devices->size()); }

Device* device(int number) { return number >= 0 && number < deviceCount() ? (*Devices)[static_cast<size_t>(number)] : nullptr; }

Stream* streamOf(CUstream handle) {
    if (handle == nullptr) {
        return current->defaultStream;
    }
    return engine::isStream(handle) && handle->context == current ? handle : nullptr;
}

int capability() { return static_cast<int>(setting("MOE_EMULATION_CAPABILITY", 90)); }

bool initialize() {
    static std::once_flag once;
    std::call_once(once, [] {
        arena::reserve();
        for (int i = 0; i < static_cast<int>(setting("MOE_EMULATION_DEVICES", 22)); ++i) {
            auto* device = new Device;
            device->number = i;
            device->totalBytes = setting("MOE_EMULATION_MEMORY", 4ull << 30);
            device->context.device = i;
            Devices->push_back(device);
        }
        initialized = true;
    });
    return !Devices->empty();
}

}

using namespace emulation;
using namespace emulation::driver;

EXPORT CUresult cuInit(unsigned flags) {
    if (engine::insideHostFunction()) {
        return mayCall(__func__, false);
    }
    return flags != 0 ? CUDA_ERROR_INVALID_VALUE : initialize() ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
}

EXPORT CUresult cuDriverGetVersion(int* version) {
    if (version == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    *version = 13000;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int* count) {
    CALL(false)
    if (count == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    *count = deviceCount();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGet(CUdevice* found, int ordinal) {
    CALL(false)
    if (found == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (device(ordinal) == nullptr) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    *found = ordinal;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char* name, int length, CUdevice number) {
    CALL(false)
    if (name == nullptr || length <= 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (device(number) == nullptr) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    std::strncpy(name, "Emulated CUDA device", static_cast<size_t>(length));
    name[length - 1] = 0;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice number) {
    CALL(false)
    const auto known = attributes().find(attribute);
    if (value == nullptr || known == attributes().end()) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (device(number) == nullptr) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    *value = known->second;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice number) {
    CALL(false)
    if (bytes == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (device(number) == nullptr) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    *bytes = device(number)->totalBytes;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice number) {
    CALL(false)
    if (uuid == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (device(number) == nullptr) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    std::memcpy(uuid->bytes, "emulated device", 15);
    uuid->bytes[15] = static_cast<char>(number);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice number) {
    CALL(false)
    if (context == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (device(number) == nullptr) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    Context& primary = device(number)->context;
    if (primary.defaultStream == nullptr) {
        primary.defaultStream = engine::openStream(primary, true);
        primary.defaultStream->isDefault = true;
    }
    ++primary.references;
    *context = &primary;
    return CUDA_SUCCESS;
}

/// The last release takes everything away that is still there, as it does from a real device, and the sticky error with it.
EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice number) {
    CALL(false)
    if (device(number) == nullptr) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    Context& primary = device(number)->context;
    if (primary.references == 0) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    if (--primary.references == 0) {
        engine::awaitAll(primary);
        engine::drop(primary);
        engine::closeAll(primary);
        forgetEvents(primary);
        forgetModules(number);
        forgetMemory(primary);
        primary.error = CUDA_SUCCESS;
        primary.used = 0;
    }
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
    CALL(false)
    if (context != nullptr && context->references == 0) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    setCurrent(context);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetCurrent(CUcontext* context) {
    CALL(false)
    if (context == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    *context = currentContext();
    return CUDA_SUCCESS;
}

/// How many a device has of what can leak: 0 allocations of device memory, 1 of pinned memory, 2 streams, 3 events, 4 modules.
EXPORT int moe_emulation_live(int kind, int number) {
    if (!isInitialized() || device(number) == nullptr) {
        return 0;
    }
    engine::Guard guard;
    const Context& context = device(number)->context;
    int memory = 0;
    switch (kind) {
        case 0:
        case 1:
            arena::forEach([&](arena::Allocation& allocation) {
                memory += allocation.host == (kind == 1) && allocation.device == number && allocation.state != arena::State::Freed && !allocation.freeing;
            });
            return memory;
        case 2: return engine::liveStreams(context);
        case 3: return liveEvents(context);
        case 4: return liveModules(number);
        default: return -1;
    }
}
