namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>What went wrong in a cluster: what, where, and what to do. The base of every error that grains report.</summary>
[GenerateSerializer]
[Alias("moe.error")]
public class MoEException : Exception
{
    /// <summary>Creates the error.</summary>
    public MoEException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the error with its cause.</summary>
    public MoEException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
