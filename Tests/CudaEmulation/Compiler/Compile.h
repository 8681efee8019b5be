#pragma once
#include <string>
#include <vector>

// Kernels by g++.
namespace emulation::compiler {

struct Options {
    std::string architecture = "compute_75";  // NVRTC's own default
    bool contract = true;
    std::vector<std::string> definitions;
};

/// Compiles kernels to an image; false: the log says why not. The image is empty for a virtual architecture, as NVRTC's is.
bool compile(const std::string& source, const std::string& name, const Options& options, std::string& image, std::string& log);

}
