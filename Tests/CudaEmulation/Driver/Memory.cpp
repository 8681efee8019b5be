#include "Calls.h"
#include "../Faults/Faults.h"
#include "../Memory/Arena.h"
#include <cstring>

// Memory of the device is allocated and freed in stream order; copies are done when their turn in the stream comes.

using namespace emulation;
using namespace emulation::driver;

namespace {

constexpr uint32_t PoolReleaseThreshold = 4;

/// Fails the context where an operation of the driver's own would touch what is not allowed.
bool allowed(const char* operation, CUdeviceptr address, size_t bytes) {
    const std::string refused = arena::refusal(address, bytes, engine::executing().device);
    if (!refused.empty()) {
        engine::fail(CUDA_ERROR_ILLEGAL_ADDRESS, "address", std::string(operation) + " of " + refused);
    }
    return refused.empty();
}

bool isPinned(const void* host, size_t bytes) {
    const auto* allocation = arena::find(reinterpret_cast<uintptr_t>(host));
    return allocation != nullptr && allocation->host && reinterpret_cast<uintptr_t>(host) + bytes <= allocation->end;
}

void* at(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

CUresult fill(CUdeviceptr destination, size_t bytes, CUstream handle, std::function<void(void*)> write) {
    Stream* stream = streamOf(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (arena::find(destination) == nullptr && bytes > 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    engine::enqueue(*stream, {"memset", [=] {
        if (allowed("memset", destination, bytes)) {
            write(at(destination));
        }
    }, {}});
    return CUDA_SUCCESS;
}

}

namespace emulation::driver {

void forgetMemory(Context& context) {
    arena::forEach([&](arena::Allocation& allocation) {
        if (allocation.device == context.device && allocation.state != arena::State::Freed) {
            arena::release(allocation);
        }
    });
}

}

EXPORT CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
    CALL(true)
    const Device& device = *driver::device(currentContext()->device);
    *total = device.totalBytes;
    *free = device.totalBytes - device.context.used;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetDefaultMemPool(CUmemoryPool* pool, CUdevice number) {
    CALL(false)
    if (pool == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (device(number) == nullptr) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    *pool = device(number);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemPoolSetAttribute(CUmemoryPool pool, int attribute, void* value) {
    CALL(false)
    // Memory goes back to the device when it is freed, whatever is set here: no address is used again.
    return pool == nullptr || value == nullptr || attribute < 1 || attribute > static_cast<int>(PoolReleaseThreshold) ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EXPORT CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t) {
    CALL(false)
    return pool == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EXPORT CUresult cuMemAllocAsync(CUdeviceptr* address, size_t bytes, CUstream handle) {
    CALL(true)
    Stream* stream = streamOf(handle);
    if (address == nullptr || bytes == 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    Device& device = *driver::device(currentContext()->device);
    arena::Allocation* allocation =
        bytes > device.totalBytes - device.context.used ? nullptr : arena::create(bytes, device.number, false);
    if (allocation == nullptr) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    device.context.used += bytes;
    *address = allocation->begin;
    engine::enqueue(*stream, {"allocation", [allocation] { allocation->state = arena::State::Live; }, {}});
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
    CALL(true)
    Stream* stream = streamOf(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    arena::Allocation* allocation = arena::find(address);
    if (allocation == nullptr || allocation->begin != address || allocation->host || allocation->freeing || allocation->state == arena::State::Freed) {
        report("free", text("0x%zx: ", static_cast<size_t>(address)) + arena::describe(address));
        return CUDA_ERROR_INVALID_VALUE;
    }
    allocation->freeing = true;
    Context* context = &driver::device(allocation->device)->context;
    engine::enqueue(*stream, {"free", [allocation, context] {
        engine::Guard inside;
        context->used -= allocation->end - allocation->begin;
        arena::release(*allocation);
    }, {}});
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemHostAlloc(void** host, size_t bytes, unsigned flags) {
    CALL(true)
    if (host == nullptr || bytes == 0 || flags > 7) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    arena::Allocation* allocation = arena::create(bytes, currentContext()->device, true);
    if (allocation == nullptr) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    allocation->state = arena::State::Live;
    *host = at(allocation->begin);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemFreeHost(void* host) {
    CALL(true)
    arena::Allocation* allocation = arena::find(reinterpret_cast<uintptr_t>(host));
    if (allocation == nullptr || allocation->begin != reinterpret_cast<uintptr_t>(host) || !allocation->host || allocation->state != arena::State::Live) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    engine::awaitAll(*currentContext());
    arena::release(*allocation);
    return currentContext()->error;
}

EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr destination, const void* source, size_t bytes, CUstream handle) {
    CALL(true)
    Stream* stream = streamOf(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (bytes == 0) {
        return CUDA_SUCCESS;
    }
    if (source == nullptr || arena::find(destination) == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    // From pinned memory the copy reads what is there at its turn; other memory has been staged when the call returns.
    auto staged = std::make_shared<std::vector<char>>();
    if (!isPinned(source, bytes)) {
        const auto* from = static_cast<const char*>(source);
        staged->assign(from, from + bytes);
    }
    engine::enqueue(*stream, {"copy to device", [=] {
        if (!allowed("copy to device", destination, bytes)) {
            return;
        }
        if (staged->empty() && !allowed("copy from pinned memory", reinterpret_cast<uintptr_t>(source), bytes)) {
            return;
        }
        std::memcpy(at(destination), staged->empty() ? source : staged->data(), bytes);
    }, {}});
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemcpyDtoHAsync_v2(void* destination, CUdeviceptr source, size_t bytes, CUstream handle) {
    CALL(true)
    Stream* stream = streamOf(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (bytes == 0) {
        return CUDA_SUCCESS;
    }
    if (destination == nullptr || arena::find(source) == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const bool pinned = isPinned(destination, bytes);
    const Point copied = engine::enqueue(*stream, {"copy to host", [=] {
        if (allowed("copy to host", source, bytes) && (!pinned || allowed("copy to pinned memory", reinterpret_cast<uintptr_t>(destination), bytes))) {
            std::memcpy(destination, at(source), bytes);
        }
    }, {}});
    if (!pinned) {
        engine::await(copied);
    }
    return currentContext()->error;
}

EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream handle) {
    CALL(true)
    Stream* stream = streamOf(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (bytes == 0) {
        return CUDA_SUCCESS;
    }
    if (arena::find(destination) == nullptr || arena::find(source) == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    engine::enqueue(*stream, {"copy", [=] {
        if (!allowed("copy to", destination, bytes) || !allowed("copy from", source, bytes)) {
            return;
        }
        if (destination < source + bytes && source < destination + bytes) {
            engine::fail(CUDA_ERROR_LAUNCH_FAILED, "overlap", text("a copy of %zu bytes from 0x%zx to 0x%zx", bytes, static_cast<size_t>(source),
                static_cast<size_t>(destination)));
            return;
        }
        std::memcpy(at(destination), at(source), bytes);
    }, {}});
    return CUDA_SUCCESS;
}

/// Between two devices, or within one.
EXPORT CUresult cuMemcpyPeerAsync(CUdeviceptr destination, CUcontext destinationContext, CUdeviceptr source, CUcontext sourceContext, size_t bytes, CUstream handle) {
    CALL(true)
    Stream* stream = streamOf(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (destinationContext == nullptr || sourceContext == nullptr || arena::find(destination) == nullptr || arena::find(source) == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const int to = destinationContext->device, from = sourceContext->device;
    engine::enqueue(*stream, {"copy between devices", [=] {
        for (const std::string& refused : {arena::refusal(destination, bytes, to), arena::refusal(source, bytes, from)}) {
            if (!refused.empty()) {
                engine::fail(CUDA_ERROR_ILLEGAL_ADDRESS, "address", "copy between devices of " + refused);
                return;
            }
        }
        std::memcpy(at(destination), at(source), bytes);
    }, {}});
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemsetD8Async(CUdeviceptr destination, unsigned char value, size_t count, CUstream handle) {
    CALL(true)
    return fill(destination, count, handle, [=](void* to) { std::memset(to, value, count); });
}

EXPORT CUresult cuMemsetD32Async(CUdeviceptr destination, unsigned value, size_t count, CUstream handle) {
    CALL(true)
    if (destination % sizeof value != 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    return fill(destination, count * sizeof value, handle, [=](void* to) { std::fill_n(static_cast<unsigned*>(to), count, value); });
}
