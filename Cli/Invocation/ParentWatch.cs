using System.CommandLine;

namespace MoEActors.Cli.Invocation;

/// <summary>
/// A child's hold on its parent: standard input, which the parent keeps open and never writes to. It ends when the parent closes it, to ask the child to end, and
/// when the parent dies, however it does.
/// </summary>
internal sealed class ParentWatch : IDisposable
{
    private readonly CancellationTokenSource _gone = new();

    private ParentWatch(Stream input) => new Thread(() => Wait(input)) { IsBackground = true, Name = "parent watch" }.Start();

    /// <summary>Cancelled when the parent has ended, or asks this process to.</summary>
    public CancellationToken Gone => _gone.Token;

    /// <summary>The option of a command that a supervisor starts.</summary>
    public static Option<bool> Option() => new(OptionName)
    {
        Description = "End when standard input does, as it does when whoever started this process has ended.",
        Hidden = true,
    };

    /// <summary>The option's name.</summary>
    public const string OptionName = "--end-with-input";

    /// <summary>Begins to wait.</summary>
    public static ParentWatch Begin() => new(Console.OpenStandardInput());

    public void Dispose() => _gone.Dispose();

    private void Wait(Stream input)
    {
        try
        {
            Span<byte> ignored = stackalloc byte[64];
            while (input.Read(ignored) > 0)
            {
            }
        }
        catch (IOException)
        {
        }

        try
        {
            _gone.Cancel();
        }
        catch (ObjectDisposedException)
        {
        }
    }
}
