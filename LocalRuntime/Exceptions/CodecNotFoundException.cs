namespace Orleans.Serialization;

/// <summary>A value of a type that may not travel in a grain call.</summary>
[GenerateSerializer]
public sealed class CodecNotFoundException : SerializerException
{
    /// <summary>Without a message.</summary>
    public CodecNotFoundException()
    {
    }

    /// <summary>With a message.</summary>
    public CodecNotFoundException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public CodecNotFoundException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
