namespace MoEActors.Client.Data.Packing;

/// <summary>A line of a file of records that holds none.</summary>
/// <param name="File">Name of the file.</param>
/// <param name="Line">Number of the line, from 1.</param>
/// <param name="Column">Where in it, in characters from 1.</param>
/// <param name="What">What is wrong there.</param>
public sealed record BrokenLine(string File, int Line, int Column, string What)
{
    /// <summary>The place as compilers write it, and what is wrong.</summary>
    public override string ToString() => FormattableString.Invariant($"{File}:{Line}:{Column}: {What}");
}

/// <summary>A file of records has a line that holds none, and it is not to be skipped. The message says where it is and what to do.</summary>
/// <param name="line">The line.</param>
public sealed class BrokenLineException(BrokenLine line) : Exception($"{line}. Mend the line, or let broken lines be skipped.")
{
    /// <summary>The line.</summary>
    public BrokenLine Line { get; } = line;
}
