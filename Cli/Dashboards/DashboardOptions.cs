using System.Collections;
using System.CommandLine;
using System.Text.RegularExpressions;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Dashboards;

/// <summary>The options by which a command is told where its dashboard is and who may change something by it.</summary>
internal sealed partial class DashboardOptions
{
    /// <summary>Variable of the environment that has the control token itself; there is no option of it, as everybody on a machine sees the arguments of its processes.</summary>
    public const string TokenVariable = "MOE_DASHBOARD_TOKEN";

    /// <summary>Option of Orleans' own dashboard.</summary>
    public const string OrleansOption = "--orleans-dashboard";

    private const string FileOption = "--dashboard-token-file";
    private const string FileVariable = "MOE_DASHBOARD_TOKEN_FILE";

    private readonly Option<string?> _place = DashboardChoice.Option();

    private readonly Option<string?> _file = TextOption.Optional(
        FileOption, "FILE", $"File with the token that whoever changes something by the dashboard must bring; {TokenVariable} has the token itself. Without one nothing can be changed by it.");

    private readonly Option<bool> _orleans = new(OrleansOption)
    {
        Description = "Serve Orleans' own dashboard beside it, below orleans/; in a cluster of other processes, all silos must have been started so.",
    };

    /// <summary>Adds the options to a command.</summary>
    public DashboardOptions AddTo(Command command)
    {
        command.Add(_place);
        command.Add(_file);
        command.Add(_orleans);
        return this;
    }

    /// <summary>What a command was told.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="otherwise">What is meant where no place was told.</param>
    /// <exception cref="UsageException">The place is none, or the token cannot be read or used.</exception>
    public DashboardChoice Of(ParseResult parsed, string otherwise = DashboardChoice.Default) =>
        DashboardChoice.Of(parsed.GetValue(_place), otherwise) with
        {
            Token = Token(parsed.GetValue(_file), Environment.GetEnvironmentVariables()),
            HasOrleans = parsed.GetValue(_orleans),
        };

    /// <summary>What is wrong with a token; null when nothing is. What it is, is not told.</summary>
    public static string? ProblemOf(string token) =>
        TokenForm().IsMatch(token) ? null : "is no control token: it must be of 16 to 512 characters of ASCII, none of them a space, as 'openssl rand -hex 32' makes one";

    private static string? Token(string? file, IDictionary environment)
    {
        (string From, string? Text) = (file is null ? environment[TokenVariable] as string : null) is { Length: > 0 } token
            ? (TokenVariable, token)
            : Read(file is null ? FileVariable : FileOption, file ?? environment[FileVariable] as string);
        return Text is null ? null : ProblemOf(Text) is { } problem ? throw new UsageException($"What {From} has {problem}.") : Text;
    }

    private static (string From, string? Text) Read(string from, string? file)
    {
        try
        {
            return (from, string.IsNullOrEmpty(file) ? null : RegularFile.ReadText(file).Trim());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"{from} {file} cannot be read: {e.Message}");
        }
    }

    [GeneratedRegex("^[!-~]{16,512}$")]
    private static partial Regex TokenForm();
}
