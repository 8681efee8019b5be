using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MoEActors.Native.Cuda.Bindings;

/// <summary>Turns statuses of the three libraries into exceptions.</summary>
internal static class CudaStatus
{
    /// <summary>From here on up to <see cref="LastSticky"/>, an error has ended the context: every later call fails alike.</summary>
    private const int FirstSticky = 700;

    private const int LastSticky = 719;

    private const int LaunchOutOfResources = 701;

    private const int EccUncorrectable = 214;

    private const int NvlinkUncorrectable = 220;

    private const int Unknown = 999;

    /// <summary>Throws if a driver call failed.</summary>
    /// <param name="result">Its status.</param>
    /// <param name="what">What was being done, as part of a sentence.</param>
    /// <param name="gpu">Ordinal of the GPU; −1 if the call concerned none.</param>
    /// <exception cref="CudaException">It failed.</exception>
    /// <exception cref="CudaMemoryException">It failed for want of device memory.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(CudaResult result, string what, int gpu)
    {
        if (result != CudaResult.Success)
        {
            Throw(result, what, gpu);
        }
    }

    /// <summary>As above; the words are put together only when it failed, since kernels and products are started thousands of times in a step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(CudaResult result, [InterpolatedStringHandlerArgument(nameof(result))] ref FailureWords what, int gpu)
    {
        if (result != CudaResult.Success)
        {
            Throw(result, what.ToString(), gpu);
        }
    }

    /// <summary>Throws if a call of NVRTC failed.</summary>
    public static void Check(NvrtcResult result, string what, int gpu)
    {
        if (result != NvrtcResult.Success)
        {
            throw new CudaException(gpu, what, Marshal.PtrToStringUTF8(Nvrtc.GetErrorString(result)) ?? $"NVRTC status {(int)result}", "", isSticky: false);
        }
    }

    /// <summary>Throws if a call of cuBLASLt failed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(CublasStatus status, string what, int gpu)
    {
        if (status != CublasStatus.Success)
        {
            Throw(status, what, gpu);
        }
    }

    /// <summary>As above, with words that are put together only when it failed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(CublasStatus status, [InterpolatedStringHandlerArgument(nameof(status))] ref FailureWords what, int gpu)
    {
        if (status != CublasStatus.Success)
        {
            Throw(status, what.ToString(), gpu);
        }
    }

    /// <summary>The driver's name of a status.</summary>
    public static string NameOf(CudaResult result) =>
        Driver.GetErrorName(result, out nint name) == CudaResult.Success ? Marshal.PtrToStringUTF8(name)! : $"CUDA status {(int)result}";

    private static void Throw(CublasStatus status, string what, int gpu)
    {
        // The library says that a product has failed, and not that everything does from now on: that says the driver.
        CudaResult context = Driver.StreamQuery(0);
        if (IsSticky(context))
        {
            Throw(context, what, gpu);
        }

        throw new CudaException(gpu, what, Marshal.PtrToStringUTF8(CublasLt.GetStatusName(status)) ?? $"cuBLASLt status {(int)status}", "", isSticky: false);
    }

    private static bool IsSticky(CudaResult result) =>
        (int)result is (>= FirstSticky and <= LastSticky and not LaunchOutOfResources) or EccUncorrectable or NvlinkUncorrectable or Unknown;

    private static void Throw(CudaResult result, string what, int gpu)
    {
        string text = Driver.GetErrorString(result, out nint found) == CudaResult.Success ? Marshal.PtrToStringUTF8(found)! : "";
        if (result == CudaResult.OutOfMemory)
        {
            throw new CudaMemoryException(gpu, what);
        }

        throw new CudaException(gpu, what, NameOf(result), text, IsSticky(result));
    }
}

/// <summary>What was being done, of which nothing is put together unless it failed.</summary>
[InterpolatedStringHandler]
internal ref struct FailureWords
{
    private DefaultInterpolatedStringHandler _words;

    public FailureWords(int literalLength, int formattedCount, CudaResult result, out bool failed)
        : this(literalLength, formattedCount, failed = result != CudaResult.Success) { }

    public FailureWords(int literalLength, int formattedCount, CublasStatus status, out bool failed)
        : this(literalLength, formattedCount, failed = status != CublasStatus.Success) { }

    private FailureWords(int literalLength, int formattedCount, bool failed) =>
        _words = failed ? new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture) : default;

    public void AppendLiteral(string text) => _words.AppendLiteral(text);

    public void AppendFormatted<T>(T value, string? format = null) => _words.AppendFormatted(value, format);

    /// <inheritdoc />
    public override string ToString() => _words.ToStringAndClear();
}
