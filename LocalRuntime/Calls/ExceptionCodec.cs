using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>What becomes of an exception on its way to another silo.</summary>
internal static class ExceptionCodec
{
    /// <summary>One without a codec is replaced by the complaint that it has none, as Orleans does.</summary>
    public static Exception AcrossSilos(Exception exception) => WireTypes.Allows(exception.GetType())
        ? exception
        : new CodecNotFoundException($"Could not find a codec for type {exception.GetType()}.");
}
