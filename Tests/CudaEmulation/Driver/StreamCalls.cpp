#include "Calls.h"
#include "../Faults/Faults.h"
#include <algorithm>
#include <chrono>

using namespace emulation;
using namespace emulation::driver;

namespace {

std::vector<Event*>* const Events = new std::vector<Event*>;

double now() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// What a wait ends with.
CUresult outcome(const Context& context, const Point& point) {
    return context.error != CUDA_SUCCESS ? context.error : engine::reached(point) ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

}

namespace emulation::driver {

bool isAnyEvent(CUevent event) { return std::find(Events->begin(), Events->end(), event) != Events->end() && !event->destroyed; }

bool isEvent(CUevent event) { return isAnyEvent(event) && event->context == currentContext(); }

int liveEvents(const Context& context) {
    return static_cast<int>(std::count_if(Events->begin(), Events->end(), [&](Event* event) { return event->context == &context && !event->destroyed; }));
}

void forgetEvents(Context& context) {
    for (Event* event : *Events) {
        event->destroyed |= event->context == &context;
    }
}

}

EXPORT CUresult cuStreamCreate(CUstream* stream, unsigned flags) {
    CALL(true)
    if (stream == nullptr || flags > 1) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    *stream = engine::openStream(*currentContext(), flags == 0);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamDestroy_v2(CUstream stream) {
    CALL(true)
    if (stream == nullptr || streamOf(stream) == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    engine::closeStream(stream);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamSynchronize(CUstream handle) {
    CALL(true)
    Stream* stream = streamOf(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    const Point last{stream, stream->enqueued};
    engine::await(last);
    return outcome(*stream->context, last);
}

EXPORT CUresult cuStreamQuery(CUstream handle) {
    CALL(true)
    Stream* stream = streamOf(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    const Point last{stream, stream->enqueued};
    engine::nudge(last);
    return outcome(*stream->context, last);
}

EXPORT CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned flags) {
    CALL(true)
    Stream* stream = streamOf(handle);
    // The event may be another device's: that is how devices wait for each other.
    if (stream == nullptr || !isAnyEvent(event)) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (flags > 1) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    // An event that was never recorded holds nobody up.
    if (event->recorded && !engine::reached(event->point)) {
        engine::enqueue(*stream, {"wait", [] {}, {event->point}});
    }
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventCreate(CUevent* event, unsigned flags) {
    CALL(true)
    if (event == nullptr || flags > 7) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    *event = new Event;
    (*event)->context = currentContext();
    (*event)->timed = (flags & 2) == 0;
    Events->push_back(*event);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventDestroy_v2(CUevent event) {
    CALL(true)
    if (!isEvent(event)) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    // A destroyed event's handle is never that of another, so that its use is found.
    event->destroyed = true;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventRecord(CUevent event, CUstream handle) {
    CALL(true)
    Stream* stream = streamOf(handle);
    if (stream == nullptr || !isEvent(event)) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    auto time = std::make_shared<double>(0);
    event->recorded = true;
    event->time = time;
    event->point = engine::enqueue(*stream, {"event", [time] { *time = now(); }, {}});
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventSynchronize(CUevent event) {
    CALL(true)
    if (!isEvent(event)) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    const Point point = event->point;
    engine::await(point);
    return outcome(*event->context, point);
}

EXPORT CUresult cuEventQuery(CUevent event) {
    CALL(true)
    if (!isEvent(event)) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    const Point point = event->point;
    engine::nudge(point);
    return outcome(*event->context, point);
}

EXPORT CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
    CALL(true)
    if (milliseconds == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (!isEvent(start) || !isEvent(end) || !start->timed || !end->timed || !start->recorded || !end->recorded) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (!engine::reached(start->point) || !engine::reached(end->point)) {
        return CUDA_ERROR_NOT_READY;
    }
    *milliseconds = static_cast<float>(*end->time - *start->time);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent start, CUevent end) { return cuEventElapsedTime(milliseconds, start, end); }

EXPORT CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void* userData) {
    CALL(true)
    Stream* stream = streamOf(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (function == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    Operation operation{"host function", [=] { function(userData); }, {}};
    operation.onHostThread = true;
    engine::enqueue(*stream, std::move(operation));
    return CUDA_SUCCESS;
}
