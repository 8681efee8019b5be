#pragma once
#include "CudaTypes.h"
#include "../Execution/Kernel.h"
#include "../Streams/Engine.h"

// What every call of the driver does first: it holds the lock, refuses what no call may do, and answers with the sticky error.
namespace emulation {

struct Device {
    int number = 0;
    Context context;
    uint64_t totalBytes = 0;
};

namespace driver {

/// Answers 0 or the error with which a call that needs the driver, a current context, or neither must end.
CUresult mayCall(const char* function, bool needsContext);

Context* currentContext();
void setCurrent(Context* context);
bool initialize();
bool isInitialized();
int deviceCount();
/// Of every device, as 90 for sm_90.
int capability();
Device* device(int number);

/// The stream that a handle means, null being the default stream; nullptr where there is none such in the current context.
Stream* streamOf(CUstream handle);

bool isEvent(CUevent event);

/// How many there are of what can leak.
int liveEvents(const Context& context);
int liveModules(int device);
void forgetEvents(Context& context);
void forgetModules(int device);
void forgetMemory(Context& context);

}
}

/// Begins a call: the lock is held to its end.
#define CALL(needsContext)                                                                  \
    if (const CUresult refused = emulation::driver::mayCall(__func__, needsContext)) {      \
        return refused;                                                                     \
    }                                                                                       \
    emulation::engine::Guard guard;                                                         \
    if (needsContext && emulation::driver::currentContext()->error != CUDA_SUCCESS) {       \
        return emulation::driver::currentContext()->error;                                  \
    }
