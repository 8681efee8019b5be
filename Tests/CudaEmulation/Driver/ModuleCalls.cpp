#include "Calls.h"
#include "../Compiler/Image.h"
#include "../Faults/Faults.h"
#include <algorithm>
#include <cstring>

using namespace emulation;
using namespace emulation::driver;

namespace {

constexpr int MaxThreadsPerBlock = 0, SharedSizeBytes = 1, ConstSizeBytes = 2, LocalSizeBytes = 3, NumRegs = 4, PtxVersion = 5, BinaryVersion = 6,
              CacheModeCa = 7, MaxDynamicSharedSizeBytes = 8, PreferredSharedMemoryCarveout = 9;

std::vector<Module*>* const Modules = new std::vector<Module*>;
std::vector<Function*>* const Functions = new std::vector<Function*>;

bool isModule(CUmodule module) {
    return std::find(Modules->begin(), Modules->end(), module) != Modules->end() && !module->unloaded && module->device == currentContext()->device;
}

bool isFunction(CUfunction function) {
    return std::find(Functions->begin(), Functions->end(), function) != Functions->end() && isModule(function->module);
}

/// What is wrong with the shape of a launch, in words; empty: nothing.
std::string wrongShape(const Function& function, const Dim3& grid, const Dim3& block, unsigned sharedBytes) {
    if (grid.count() == 0 || block.count() == 0) {
        return "an empty grid or block";
    }
    if (grid.x > 0x7FFFFFFF || grid.y > 65535 || grid.z > 65535) {
        return "the grid is too large";
    }
    if (block.x > 1024 || block.y > 1024 || block.z > 64 || block.count() > execution::MostThreads) {
        return text("a block has at most 1024 threads, not %zu", static_cast<size_t>(block.count()));
    }
    if (block.count() > static_cast<uint64_t>(function.entry->mostThreads)) {
        return text("%zu threads in a block, over the launch bounds of %d", static_cast<size_t>(block.count()), function.entry->mostThreads);
    }
    if (sharedBytes > function.dynamicLimit) {
        return text("%u bytes of dynamic shared memory, of %u that are allowed", sharedBytes, function.dynamicLimit);
    }
    return {};
}

}

namespace emulation::driver {

int liveModules(int device) {
    return static_cast<int>(std::count_if(Modules->begin(), Modules->end(), [=](Module* module) { return module->device == device && !module->unloaded; }));
}

void forgetModules(int device) {
    for (Module* module : *Modules) {
        module->unloaded |= module->device == device;
    }
}

}

EXPORT CUresult cuModuleLoadData(CUmodule* loaded, const void* bytes) {
    CALL(true)
    if (loaded == nullptr || bytes == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const Device& device = *driver::device(currentContext()->device);
    if (!image::suits(bytes, capability())) {
        return CUDA_ERROR_NO_BINARY_FOR_GPU;
    }
    std::string problem;
    Module* module = image::load(bytes, problem);
    if (module == nullptr) {
        report("module", problem);
        return CUDA_ERROR_INVALID_IMAGE;
    }
    module->device = device.number;
    Modules->push_back(module);
    *loaded = module;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleUnload(CUmodule module) {
    CALL(true)
    if (!isModule(module)) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    // Work that was queued before still runs: the code stays.
    module->unloaded = true;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleGetFunction(CUfunction* found, CUmodule module, const char* name) {
    CALL(true)
    if (found == nullptr || name == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (!isModule(module)) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    const KernelEntry* entry = image::kernel(*module, name);
    if (entry == nullptr) {
        return CUDA_ERROR_NOT_FOUND;
    }
    const auto known = std::find_if(Functions->begin(), Functions->end(), [&](Function* f) { return f->module == module && f->name == name; });
    if (known != Functions->end()) {
        *found = *known;
        return CUDA_SUCCESS;
    }
    auto* function = new Function;
    function->module = module;
    function->name = name;
    function->entry = entry;
    Functions->push_back(function);
    *found = function;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncSetAttribute(CUfunction function, int attribute, int value) {
    CALL(true)
    if (!isFunction(function)) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    switch (attribute) {
        case MaxDynamicSharedSizeBytes:
            if (value < 0 || value > static_cast<int>(execution::SharedOptIn)) {
                return CUDA_ERROR_INVALID_VALUE;
            }
            function->dynamicLimit = static_cast<unsigned>(value);
            return CUDA_SUCCESS;
        case PreferredSharedMemoryCarveout: return value < -1 || value > 100 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
        default: return CUDA_ERROR_INVALID_VALUE;
    }
}

/// Registers and local memory are not emulated: plausible numbers stand for them.
EXPORT CUresult cuFuncGetAttribute(int* value, int attribute, CUfunction function) {
    CALL(true)
    if (value == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (!isFunction(function)) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    switch (attribute) {
        case MaxThreadsPerBlock: *value = function->entry->mostThreads; return CUDA_SUCCESS;
        case SharedSizeBytes: *value = 0; return CUDA_SUCCESS;
        case ConstSizeBytes:
        case LocalSizeBytes:
        case CacheModeCa: *value = 0; return CUDA_SUCCESS;
        case NumRegs: *value = 32; return CUDA_SUCCESS;
        case PtxVersion:
        case BinaryVersion: *value = 90; return CUDA_SUCCESS;
        case MaxDynamicSharedSizeBytes: *value = static_cast<int>(function->dynamicLimit); return CUDA_SUCCESS;
        case PreferredSharedMemoryCarveout: *value = -1; return CUDA_SUCCESS;
        default: return CUDA_ERROR_INVALID_VALUE;
    }
}

EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ,
    unsigned sharedBytes, CUstream handle, void** parameters, void** extra) {
    CALL(true)
    if (!isFunction(function)) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    Stream* stream = streamOf(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    const Dim3 grid{gridX, gridY, gridZ}, block{blockX, blockY, blockZ};
    const std::string wrong = wrongShape(*function, grid, block, sharedBytes);
    if (!wrong.empty()) {
        report("launch", "kernel " + function->name + ": " + wrong);
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (extra != nullptr) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    if (parameters == nullptr && function->entry->parameterCount > 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    auto launch = std::make_shared<Launch>();
    launch->function = function;
    launch->grid = grid;
    launch->block = block;
    launch->dynamicShared = sharedBytes;
    for (int i = 0; i < function->entry->parameterCount; ++i) {
        const auto* from = static_cast<const char*>(parameters[i]);
        launch->arguments.emplace_back(from, from + function->entry->parameterSizes[i]);
    }
    engine::enqueue(*stream, {function->name, [launch] { execution::run(*launch); }, {}});
    return CUDA_SUCCESS;
}
