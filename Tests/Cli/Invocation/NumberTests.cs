using System.Globalization;
using System.Reflection;
using System.Text.Json;
using MoEActors.Cli.Commands.Simulate;
using MoEActors.Cli.Invocation;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Cli.Invocation;

/// <summary>Numbers that could be read in two ways, or in none, wherever numbers are asked for.</summary>
public sealed class NumberTests : IDisposable
{
    private static readonly string[] Fractional =
        ["train --learning-rate", "train --seconds", "demo --seconds", "resume x --seconds", "generate --checkpoint . --temperature"];

    private static readonly string[] Whole =
        ["train --steps", "demo --silos", "train --seed", "resume x --steps", "simulate trace --out x.csv --tokens", "bench layer --tokens", "estimate --config x --workers"];

    private static readonly string[] NoNumbers =
        ["0,003", "1,000", "1.000,5", "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "∞", "+0.5", " 0.5", "0.5 ", "0x10", "0x1p3", "1_000", "½", "٣", "1e", "$1", "(1)", "1f"];

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (string option in Fractional)
        {
            cases.AddRange(NoNumbers.Select(text => new TheoryDataRow<string, string>(option, text)));
        }

        foreach (string option in Whole)
        {
            cases.AddRange([.. NoNumbers.Append("1.0").Append("1e3").Append("99999999999999999999").Select(text => new TheoryDataRow<string, string>(option, text))]);
        }

        return cases;
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task What_is_not_plainly_a_number_is_refused_whatever_the_culture(string option, string text)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (comma.NumberFormat.NumberDecimalSeparator, comma.NumberFormat.NumberGroupSeparator) = (",", ".");
        foreach (CultureInfo culture in new[] { before, comma })
        {
            CultureInfo.CurrentCulture = culture;
            try
            {
                CommandLineRun run = await CommandLineRun.Of([.. option.Split(' '), text]);
                Assert.Equal((ExitCode.WrongUsage, ""), (run.ExitCode, run.Output));
                Assert.Contains($"{option.Split(' ')[^1]} must be ", run.Error, StringComparison.Ordinal);
                Assert.Contains($"'{text}' is not.", run.Error, StringComparison.Ordinal);
            }
            finally
            {
                CultureInfo.CurrentCulture = before;
            }
        }
    }

    [Theory]
    [InlineData("0.003", 0.003f)]
    [InlineData("3e-3", 0.003f)]
    [InlineData(".5", 0.5f)]
    [InlineData("2E+1", 20f)]
    [InlineData("-7", -7f)]
    public void Plain_numbers_are_read(string text, float expected)
    {
        Assert.True(PlainNumber.TryParse(text, out float value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("0,003", "is no JSON")]
    [InlineData("+0.5", "is no JSON")]
    [InlineData("NaN", "is no JSON")]
    [InlineData(".5", "is no JSON")]
    [InlineData("\"0,003\"", "$.optimizer.learningRate is \"0,003\"; it must be a number.")]
    [InlineData("\"0.003\"", "$.optimizer.learningRate is \"0.003\"; it must be a number.")]
    [InlineData("1e400", "$.optimizer.learningRate: LearningRate is Infinity")]
    public async Task A_file_has_numbers_of_json_alone(string text, string complaint)
    {
        CommandLineRun run = await Train("optimizer", "learningRate", text);
        Assert.Equal(ExitCode.WrongUsage, run.ExitCode);
        Assert.Contains(complaint, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_fractional_value_of_a_file_can_be_infinite()
    {
        (string Section, Type Type)[] sections =
            [("model", typeof(ModelConfiguration)), ("optimizer", typeof(OptimizerOptions)), ("gate", typeof(GateOptions))];
        int count = 0;
        foreach ((string section, Type type) in sections)
        {
            foreach (PropertyInfo property in type.GetProperties().Where(property => property.PropertyType == typeof(float) && property.CanWrite))
            {
                count++;
                CommandLineRun run = await Train(section, JsonNamingPolicy.CamelCase.ConvertName(property.Name), "1e400");
                Assert.Equal(ExitCode.WrongUsage, run.ExitCode);
                Assert.Contains(property.Name, run.Error, StringComparison.Ordinal);
            }
        }

        Assert.True(count > 12);
    }

    [Theory]
    [InlineData("5,5")]
    [InlineData("\"5,5\"")]
    [InlineData("1e400")]
    [InlineData("NaN")]
    [InlineData("+5")]
    [InlineData("0x5")]
    [InlineData("5\0")]
    [InlineData("5.5")]
    [InlineData("1 000")]
    public void A_trace_has_plain_whole_numbers(string tokens)
    {
        string file = _folder.Write("trace.csv", $"step,layer,expert,tokens\n0,0,0,{tokens}\n");
        TraceException refused = Assert.Throws<TraceException>(() => TraceReader.Read(file));
        Assert.Contains("line 2: ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_of_kinds_is_no_kind()
    {
        CommandLineRun run = await CommandLineRun.Of("simulate", "trace", "--kind", "drift,swap", "--out", Path.Combine(_folder.Path, "x.csv"));
        Assert.Equal(ExitCode.WrongUsage, run.ExitCode);
        Assert.Contains("'drift,swap' is not.", run.Error, StringComparison.Ordinal);
    }

    private Task<CommandLineRun> Train(string section, string name, string value)
    {
        string Values(string of) => section == of ? $"\"{name}\": {value}" : "";
        string gate = section == "gate" ? $$""", "gate": { {{Values("gate")}} }""" : "";
        string model = section == "model" ? $", {Values("model")}" : "";
        string file = _folder.Write(
            "c.json",
            $$"""{ "model": { "dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [4]{{model}}{{gate}} }, "optimizer": { {{Values("optimizer")}} } }""");
        return CommandLineRun.Of("train", "--config", file, "--runs", Path.Combine(_folder.Path, "runs"));
    }
}
