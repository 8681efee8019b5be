using MoEActors.Cli.Invocation;

namespace MoEActors.Tests.Cli.Invocation;

/// <summary>Errors of a process that has too little, in words of what to raise.</summary>
public sealed class ScarcityTests
{
    [Fact]
    public void Too_little_memory_is_told_with_what_limits_it()
    {
        foreach (Exception e in new Exception[] { new InsufficientMemoryException(), new AggregateException(new InvalidOperationException("x", new InsufficientMemoryException())) })
        {
            Assert.Contains("ulimit -v", Scarcity.Advice(e), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Too_few_files_are_told_by_whatever_they_were_noticed()
    {
        Exception[] errors =
        [
            new FileNotFoundException("Could not load file or assembly.", "MoEActors.Client, Version=1.0.0.0, Culture=neutral, PublicKeyToken=null"),
            new TypeInitializationException("X", new FileNotFoundException("Could not load file or assembly.", "System.Collections, Version=10.0.0.0")),
            new FileNotFoundException("Could not load file or assembly.", "Microsoft.Extensions.FileProviders.Physical, Version=10.0.0.0"),
            new FileLoadException("Could not load file or assembly.", "MoEActors.Silo, Version=1.0.0.0"),
            new TypeInitializationException("X", new IOException("Too many open files : '/proc/self/maps'")),
        ];
        Assert.All(errors, e => Assert.Contains("ulimit -n", Scarcity.Advice(e), StringComparison.Ordinal));
    }

    /// <summary>.NET maps memory by files: when it may open no more, it says that there is no memory.</summary>
    [Theory]
    [InlineData(200, "ulimit -n")]
    [InlineData(0, "ulimit -n")]
    [InlineData(256, "ulimit -v")]
    [InlineData(long.MaxValue, "ulimit -v")]
    public void Memory_that_cannot_be_mapped_for_want_of_files_is_a_want_of_files(long allowed, string raise) =>
        Assert.Contains(raise, Scarcity.Advice(new InsufficientMemoryException(), () => allowed), StringComparison.Ordinal);

    [Fact]
    public void Other_errors_speak_for_themselves()
    {
        Exception[] errors =
        [
            new FileNotFoundException("There is no run.", "runs/x/status.json"),
            new FileNotFoundException("Could not load file or assembly.", "Not.Ours, Version=1.0.0.0"),
            new IOException("No space left on device"),
            new FileNotFoundException(),
        ];
        Assert.All(errors, e => Assert.Null(Scarcity.Advice(e)));
    }
}
