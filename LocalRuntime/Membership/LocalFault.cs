namespace Orleans.Hosting;

/// <summary>What goes wrong with a call.</summary>
public enum LocalFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The request is lost: it never runs, and its caller's time runs out.</summary>
    LoseRequest,

    /// <summary>The answer is lost: it runs, and its caller's time runs out.</summary>
    LoseReply,

    /// <summary>The callee's silo cannot be reached.</summary>
    Unavailable,
}
