namespace MoEActors.Modules.Kinds;

/// <summary>When a kind of expert or gate failed.</summary>
public enum KindPhase
{
    /// <summary>In the check of a kind that has been added.</summary>
    Check,

    /// <summary>In a forward pass.</summary>
    Forward,

    /// <summary>In a backward pass.</summary>
    Backward,
}

/// <summary>
/// A kind of expert or gate that fails, or computes what it must not: which, where and when. What it has thrown itself is the inner exception, with
/// its stack.
/// </summary>
public sealed class KindException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="sort">What the kind is one of: <c>expert</c> or <c>gate</c>.</param>
    /// <param name="kind">The kind's name.</param>
    /// <param name="phase">When it failed.</param>
    /// <param name="what">What is wrong, as a sentence.</param>
    /// <param name="layer">The layer; null where there is none.</param>
    /// <param name="cause">What the kind has thrown; null where it has not.</param>
    public KindException(string sort, string kind, KindPhase phase, string what, int? layer = null, Exception? cause = null)
        : base(Sentence(sort, kind, phase, what, layer), cause)
    {
        Kind = kind;
        Phase = phase;
        Layer = layer;
    }

    /// <summary>Name of the kind.</summary>
    public string Kind { get; }

    /// <summary>When it failed.</summary>
    public KindPhase Phase { get; }

    /// <summary>The layer; null where there is none.</summary>
    public int? Layer { get; }

    /// <summary>What a kind has thrown, with whose it is.</summary>
    internal static KindException Of(string sort, string kind, KindPhase phase, int? layer, Exception cause) =>
        new(sort, kind, phase, $"{cause.GetType().Name}: {cause.Message}", layer, cause);

    /// <summary>Whether an exception is to be named: not where memory is short, or only counted, or a device has failed, which others know how to answer.</summary>
    internal static bool Names(IDevice device, Exception e) => device.Computes && e is not (OutOfMemoryException or KindException or DeviceException);

    private static string Sentence(string sort, string kind, KindPhase phase, string what, int? layer)
    {
        string place = (phase, layer) switch
        {
            (KindPhase.Check, _) => "failed its check",
            (_, null) => $"failed in {phase.ToString().ToLowerInvariant()}",
            _ => $"failed in layer {layer}, {phase.ToString().ToLowerInvariant()}",
        };
        return $"{char.ToUpperInvariant(sort[0])}{sort[1..]} '{kind}' {place}: {what}";
    }
}
