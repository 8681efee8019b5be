namespace MoEActors.Cli.Bench;

/// <summary>What <see cref="GemmBenchmark"/> measures.</summary>
public sealed record GemmBenchmarkOptions
{
    /// <summary>The products, each measured for every number of threads.</summary>
    public IReadOnlyList<GemmShape> Shapes { get; init; } =
    [
        new(768, 1536, 768),
        new(2048, 2048, 2048),
        new(512, 1024, 512),
        new(512, 1024, 512, TransposedB: true),
        new(512, 1024, 512, TransposedA: true),
        new(32, 1024, 512),
        new(128, 128, 32),
    ];

    /// <summary>Numbers of threads; both sides get the same.</summary>
    public IReadOnlyList<int> Threads { get; init; } = Environment.ProcessorCount > 1 ? [1, 2] : [1];

    /// <summary>Samples a side; medians are reported.</summary>
    public int Repetitions { get; init; } = 11;

    /// <summary>Least floating-point operations in a sample: small products are repeated until a sample has that many.</summary>
    public double OperationsPerSample { get; init; } = 4e9;
}
