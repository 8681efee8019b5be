namespace MoEActors.Tests.Cli.Runs;

/// <summary>A user who presses Ctrl-C on reading a certain word.</summary>
internal sealed class CancellingWriter(CancellationTokenSource cancellation, string word) : StringWriter
{
    public override void WriteLine(string? value)
    {
        base.WriteLine(value);
        if (value?.Contains(word, StringComparison.Ordinal) == true)
        {
            cancellation.Cancel();
        }
    }
}
