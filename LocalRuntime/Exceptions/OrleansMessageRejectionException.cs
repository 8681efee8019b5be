namespace Orleans.Runtime;

/// <summary>A call that was refused before it reached its grain: its silo was stopping, or could not be reached, or was no more.</summary>
[GenerateSerializer]
public class OrleansMessageRejectionException : OrleansException
{
    /// <summary>Without a message.</summary>
    internal OrleansMessageRejectionException()
    {
    }

    /// <summary>With a message.</summary>
    internal OrleansMessageRejectionException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    internal OrleansMessageRejectionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
