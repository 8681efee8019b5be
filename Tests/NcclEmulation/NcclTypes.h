#pragma once
#include "../CudaEmulation/Driver/CudaTypes.h"

// The types and numbers of NCCL's ABI, as the vendor's header of 2.30 has them.

using ncclResult_t = int;

enum : ncclResult_t {
    ncclSuccess = 0,
    ncclUnhandledCudaError = 1,
    ncclSystemError = 2,
    ncclInternalError = 3,
    ncclInvalidArgument = 4,
    ncclInvalidUsage = 5,
    ncclRemoteError = 6,
    ncclInProgress = 7,
};

using ncclDataType_t = int;
using ncclRedOp_t = int;

struct ncclUniqueId {
    char internal[128];
};

struct ncclConfig_t {
    size_t size;
    unsigned magic, version;
    int blocking, cgaClusterSize, minCTAs, maxCTAs;
    const char* netName;
    int splitShare, trafficClass;
    const char* commName;
    int collnetEnable, CTAPolicy, shrinkShare, nvlsCTAs;
    int nChannelsPerNetPeer, nvlinkCentricSched, graphUsageMode, numRmaCtx, maxP2pPeers, graphStreamOrdering;
};

namespace emulation::nccl {
struct Communicator;
}

using ncclComm_t = emulation::nccl::Communicator*;
