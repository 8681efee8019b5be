using System.CommandLine;
using MoEActors.Cli.Invocation;

namespace MoEActors.Tests.Cli;

public sealed class CommandActionTests
{
    [Fact]
    public async Task A_command_ends_with_its_own_exit_code_and_output()
    {
        CommandLineRun run = await Run((parsed, output) =>
        {
            output.Out.Write($"verbose: {parsed.GetValue<bool>("--verbose")}");
            return 0;
        });
        Assert.Equal((0, "verbose: False", ""), (run.ExitCode, run.Output, run.Error));
    }

    [Fact]
    public async Task A_failure_is_one_line_without_a_stack_trace()
    {
        CommandLineRun run = await Run((_, _) => throw new AggregateException(new InvalidDataException("The loss is NaN\n in step 7.")));
        Assert.Equal((1, "", "moe work: The loss is NaN in step 7." + Environment.NewLine), (run.ExitCode, run.Output, run.Error));
    }

    [Fact]
    public async Task Verbose_shows_where_a_failure_comes_from()
    {
        CommandLineRun run = await Run((_, _) => throw new InvalidDataException("The loss is NaN."), "work", "--verbose");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("   at ", run.Error);
    }

    [Fact]
    public async Task Wrong_usage_found_by_the_command_ends_with_2()
    {
        CommandLineRun run = await Run((_, _) => throw new UsageException("--silos 9 is more than 8."));
        Assert.Equal((2, "moe work: --silos 9 is more than 8. See moe work --help." + Environment.NewLine), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Cancellation_ends_with_130()
    {
        using CancellationTokenSource cancellation = new();
        RootCommand root = Root(async (_, _, token) =>
        {
            await cancellation.CancelAsync();
            await Task.Delay(Timeout.Infinite, token);
            return 0;
        });
        CommandLineRun run = await CommandLineRun.Of(root, ["work"], cancellation.Token);
        Assert.Equal((130, "moe work: cancelled." + Environment.NewLine), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Cancellation_that_several_tasks_tell_of_ends_with_130()
    {
        using CancellationTokenSource cancellation = new();
        RootCommand root = Root(async (_, _, _) =>
        {
            await cancellation.CancelAsync();
            throw new AggregateException(new TaskCanceledException(), new AggregateException(new OperationCanceledException()));
        });
        Assert.Equal(130, (await CommandLineRun.Of(root, ["work"], cancellation.Token)).ExitCode);
    }

    [Fact]
    public async Task A_failure_beside_a_cancellation_is_a_failure()
    {
        using CancellationTokenSource cancellation = new();
        RootCommand root = Root(async (_, _, _) =>
        {
            await cancellation.CancelAsync();
            throw new AggregateException(new TaskCanceledException(), new InvalidDataException("broken"));
        });
        Assert.Equal(1, (await CommandLineRun.Of(root, ["work"], cancellation.Token)).ExitCode);
    }

    [Fact]
    public async Task A_cancellation_that_nobody_asked_for_is_a_failure()
    {
        CommandLineRun run = await Run((_, _) => throw new OperationCanceledException("A grain gave up."));
        Assert.Equal((1, "moe work: A grain gave up." + Environment.NewLine), (run.ExitCode, run.Error));
    }

    private static Task<CommandLineRun> Run(Func<ParseResult, CommandOutput, int> body, params string[] arguments) =>
        CommandLineRun.Of(Root((parsed, output, _) => Task.FromResult(body(parsed, output))), arguments.Length == 0 ? ["work"] : arguments);

    private static RootCommand Root(Func<ParseResult, CommandOutput, CancellationToken, Task<int>> run) =>
        new RootCommand { new Command("work").Runs(run) };
}
