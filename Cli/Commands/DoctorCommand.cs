using System.CommandLine;
using System.Text.Json;
using MoEActors.Cli.Health;

namespace MoEActors.Cli.Commands;

/// <summary>`moe doctor`: what this machine has, what is missing, and what to do about it.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        Option<bool> json = SharedOptions.Json();
        return new Command("doctor", "Look at this machine, and say what to do about each problem. Ends with 1 when there is one.") { json }
            .Runs((parsed, output, _) => Task.FromResult(Report(Diagnosis.Of(Machine.Here()), parsed.GetValue(json), output.Out)));
    }

    /// <summary>Prints the findings and returns the exit code: failed when one of them is a problem.</summary>
    internal static int Report(IReadOnlyList<Finding> findings, bool json, TextWriter writer)
    {
        bool healthy = findings.All(finding => finding.Verdict != Verdict.Problem);
        if (json)
        {
            writer.WriteLine(JsonSerializer.Serialize(new DoctorReport(healthy, findings), SnakeCase.OneLine));
        }

        foreach (Finding finding in json ? [] : findings)
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
