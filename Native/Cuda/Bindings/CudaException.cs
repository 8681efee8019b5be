namespace MoEActors.Native.Cuda.Bindings;

/// <summary>A call of CUDA that failed: what was being done, on which GPU, and what the library said.</summary>
public sealed class CudaException : DeviceException
{
    internal CudaException(int gpu, string what, string error, string text, bool isSticky)
        : base(InWords(gpu, what, error, text, isSticky))
    {
        Gpu = gpu;
        Error = error;
        IsLost = isSticky;
    }

    internal CudaException(int gpu, string message, string error)
        : base(message)
    {
        Gpu = gpu;
        Error = error;
    }

    /// <summary>Ordinal of the GPU; −1 if the failure concerned none.</summary>
    public int Gpu { get; }

    /// <summary>The library's name of the error, such as <c>CUDA_ERROR_ILLEGAL_ADDRESS</c>.</summary>
    public string Error { get; }

    private static string InWords(int gpu, string what, string error, string text, bool isSticky) =>
        $"{(gpu < 0 ? "CUDA" : $"cuda:{gpu}")} failed while {what}: {error}{(text.Length == 0 ? "" : $" ({text})")}."
        + (isSticky ? " The GPU cannot be used by this process any more; start it again." : "");
}

/// <summary>A GPU has no memory left.</summary>
public sealed class CudaMemoryException : OutOfMemoryException
{
    internal CudaMemoryException(int gpu, string what)
        : base($"cuda:{gpu} has no memory left while {what}. Use smaller batches or more GPUs.") => Gpu = gpu;

    /// <summary>Ordinal of the GPU.</summary>
    public int Gpu { get; }
}
