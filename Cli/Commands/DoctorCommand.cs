using System.CommandLine;
using System.Text.Json;
using MoEActors.Cli.Health;
using MoEActors.Cli.Invocation;

namespace MoEActors.Cli.Commands;

/// <summary>`moe doctor`: what this machine has, what is missing, and what to do about it.</summary>
internal sealed class DoctorCommand
{
    private readonly Option<bool> _json = SharedOptions.Json();

    public static Command Create() => new DoctorCommand().Build();

    private Command Build()
    {
        Command command = new("doctor", "Look at this machine, and say what to do about each problem. Ends with 1 when there is one.") { _json };
        command.Runs(
            parsed => new DoctorOptions { Json = parsed.GetValue(_json) },
            (options, output, _) => Task.FromResult(Report(Diagnosis.Of(Machine.Here()), options.Json, output.Out)));
        return command;
    }

    /// <summary>Prints the findings and returns the exit code: failed when one of them is a problem.</summary>
    internal static int Report(IReadOnlyList<Finding> findings, bool json, TextWriter writer)
    {
        bool healthy = findings.All(finding => finding.Verdict != Verdict.Problem);
        if (json)
        {
            writer.WriteLine(JsonSerializer.Serialize(new DoctorReport(healthy, findings), SnakeCase.OneLine));
            return healthy ? ExitCode.Done : ExitCode.Failed;
        }

        foreach (Finding finding in findings)
        {
            string mark = finding.Verdict switch { Verdict.Good => "good", Verdict.Remark => "remark", _ => "PROBLEM" };
            writer.WriteLine($"{mark,-8} {finding.Name,-14} {finding.Value}");
            if (finding.WhatToDo is { } advice)
            {
                writer.WriteLine($"{"",-8} {"",-14} {advice}");
            }
        }

        return healthy ? ExitCode.Done : ExitCode.Failed;
    }
}

/// <summary>What `moe doctor` is asked to do.</summary>
internal sealed record DoctorOptions : ICommandOptions
{
    /// <summary>Whether to print one JSON object instead of lines.</summary>
    public bool Json { get; init; }
}
