using System.Buffers;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace MoEActors.Cli.Invocation;

/// <summary>Options that are numbers, with messages that name the option, the number and the rule.</summary>
internal static class NumberOption
{
    /// <summary>A whole number of at least <paramref name="least"/> and at most <paramref name="most"/>.</summary>
    public static Option<int> Count(string name, string description, int initial, int least = 1, int most = int.MaxValue) =>
        WithDefault(name, description, initial, value => value >= least && value <= most, CountRule(least, most));

    /// <summary>A whole number of at least 1 and at most <paramref name="most"/>, or none.</summary>
    public static Option<int?> OptionalCount(string name, string description, int most = int.MaxValue) =>
        Optional<int>(name, description, value => value >= 1 && value <= most, CountRule(1, most));

    /// <summary>A number above 0.</summary>
    public static Option<float> Positive(string name, string description, float initial) =>
        WithDefault(name, description, initial, value => value > 0, "a number above 0");

    /// <summary>Numbers above 0, or none.</summary>
    public static Option<double[]> PositiveList(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result =>
        {
            double[] values = [.. result.Tokens.Select(token => PlainNumber.TryParse(token.Value, out double value) ? value : double.NaN)];
            if (Array.FindIndex(values, value => !(value > 0)) is >= 0 and var wrong)
            {
                result.AddError($"{name} must be numbers above 0; '{result.Tokens[wrong].Value}' is not.");
            }

            return values;
        },
    };

    /// <summary>A time in seconds.</summary>
    public static Option<double> Seconds(string description, double initial) =>
        WithDefault("--seconds", description, initial, IsTime, $"a number {TimeRule}");

    /// <summary>A time in seconds, or none.</summary>
    public static Option<double?> OptionalSeconds(string description) => Optional<double>("--seconds", description, IsTime, $"a number {TimeRule}");

    /// <summary>Whether a number of seconds is a possible time limit: about thirty years at most.</summary>
    public static bool IsTime(double seconds) => seconds is > 0 and <= 1e9;

    /// <summary>A number of at least 0.</summary>
    public static Option<float> NotNegative(string name, string description, float initial) =>
        WithDefault(name, description, initial, value => value >= 0, "a number of at least 0");

    /// <summary>A number of at least 0, or none.</summary>
    public static Option<float?> OptionalNotNegative(string name, string description) =>
        Optional<float>(name, description, value => value >= 0, "a number of at least 0");

    /// <summary>Any whole number.</summary>
    public static Option<long> Seed(long initial = SharedOptions.DefaultSeed) =>
        WithDefault("--seed", "Same seed, same numbers.", initial, _ => true, "a whole number");

    /// <summary>What <see cref="IsTime"/> asks for.</summary>
    public const string TimeRule = "above 0 and at most 1e9";

    private static string CountRule(int least, int most) => $"a whole number of at least {least}{(most < int.MaxValue ? $" and at most {most:N0}" : "")}";

    private static Option<T> WithDefault<T>(string name, string description, T initial, Func<T, bool> isValid, string rule)
        where T : struct, INumber<T> => new(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => initial,
            CustomParser = result => Parse(result, name, isValid, rule) ?? initial,
        };

    private static Option<T?> Optional<T>(string name, string description, Func<T, bool> isValid, string rule)
        where T : struct, INumber<T> => new(name)
        {
            Description = description,
            HelpName = "N",
            CustomParser = result => Parse(result, name, isValid, rule),
        };

    private static long Most<T>()
        where T : struct => default(T) is int ? int.MaxValue : long.MaxValue;

    private static T? Parse<T>(ArgumentResult result, string name, Func<T, bool> isValid, string rule)
        where T : struct, INumber<T>
    {
        string text = result.Tokens[0].Value;
        if (PlainNumber.TryParse(text, out T value) && isValid(value))
        {
            return value;
        }

        string hint = text.Contains(',', StringComparison.Ordinal) ? " Decimals have a point, and thousands nothing between them."
            : default(T) is int or long && PlainNumber.TryParse(text, out double great) && great > int.MaxValue ? $" It can be {Most<T>():N0} at most." : "";
        result.AddError($"{name} must be {rule}; '{text}' is not.{hint}");
        return null;
    }
}

/// <summary>
/// The one way to write a number, whatever the culture: digits, a point before decimals, an exponent, a minus. What could be read in two ways is not
/// read at all: a comma is the decimal sign of half of the world, and parts thousands in the other half.
/// </summary>
internal static class PlainNumber
{
    private const NumberStyles Whole = NumberStyles.AllowLeadingSign;
    private const NumberStyles Fractional = Whole | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    private static readonly SearchValues<char> Characters = SearchValues.Create("0123456789.eE+-");

    /// <summary>Reads a whole text as a finite number; a whole number where <typeparamref name="T"/> is one.</summary>
    public static bool TryParse<T>(ReadOnlySpan<char> text, out T value)
        where T : struct, INumber<T>
    {
        value = default;
        NumberStyles style = value is float or double ? Fractional : Whole;
        return !text.ContainsAnyExcept(Characters) && !text.StartsWith('+')
            && T.TryParse(text, style, CultureInfo.InvariantCulture, out value) && T.IsFinite(value);
    }
}
