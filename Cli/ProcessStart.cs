using System.Diagnostics;
using System.Globalization;

namespace MoEActors.Cli;

/// <summary>When this program began.</summary>
internal static class ProcessStart
{
    /// <summary>Milliseconds since 1970 at which the `moe` script handed over to the program.</summary>
    private const string HandedOver = "MOE_HANDED_OVER";

    /// <summary>
    /// The start of the process; behind the `moe` script, the moment at which it became this program: the script runs in the same process and may have
    /// built for a minute before that.
    /// </summary>
    public static DateTime Utc
    {
        get
        {
            DateTime process = Process.GetCurrentProcess().StartTime.ToUniversalTime();
            string? text = Environment.GetEnvironmentVariable(HandedOver);
            if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds))
            {
                return process;
            }

            DateTime handed = DateTime.UnixEpoch.AddMilliseconds(milliseconds);
            return handed > process && handed < DateTime.UtcNow ? handed : process;
        }
    }
}
