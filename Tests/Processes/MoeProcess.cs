using System.Globalization;
using MoEActors.Tests.Packages;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Processes;

/// <summary>The `moe` program as a process, as users run it.</summary>
internal static class MoeProcess
{
    /// <summary>The secret of the tests' clusters.</summary>
    public const string Secret = "hunter2-hunter2-hunter2";

    private static readonly string Program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "Cli", "release", "moe.dll"));

    /// <summary>Starts it.</summary>
    public static ChildProcess Start(string folder, IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        ChildProcess.Start("dotnet", folder, environment, [Program, .. arguments]);

    /// <summary>Starts a silo on ports of its own.</summary>
    /// <param name="redis">The server where it meets others.</param>
    /// <param name="name">Its name.</param>
    /// <param name="environment">Its environment; the tests' secret unless given.</param>
    /// <param name="siloPort">Its port for silos; a free one unless given.</param>
    /// <param name="more">More arguments.</param>
    public static SiloProcess StartSilo(
        string redis, string name, IReadOnlyDictionary<string, string>? environment = null, int? siloPort = null, params string[] more)
    {
        (int silo, int gateway, int health) = (siloPort ?? Ports.Free(), Ports.Free(), Ports.Free());
        ChildProcess process = Start(
            Path.GetTempPath(), environment ?? new Dictionary<string, string> { ["MOE_SECRET"] = Secret },
            ["silo", "--redis", redis, "--name", name, "--silo-port", Text(silo), "--gateway-port", Text(gateway), "--health-port", Text(health), "--end-with-input", .. more]);
        return new SiloProcess(process, name, silo, gateway, health);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A silo that is a process.</summary>
internal sealed class SiloProcess(ChildProcess process, string name, int siloPort, int gatewayPort, int healthPort) : IDisposable
{
    public ChildProcess Process => process;

    public string Name => name;

    public int SiloPort => siloPort;

    public string Gateway => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{gatewayPort}");

    public Uri Health(string path) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{healthPort}{path}"));

    /// <summary>Waits until it is a member of its cluster.</summary>
    public async Task<SiloProcess> IsActiveAsync()
    {
        await process.SaysAsync($"Silo {name} is active");
        return this;
    }

    /// <summary>Waits until it is a member of its cluster; false when it has ended before.</summary>
    public Task<bool> TryBecomeActiveAsync() => process.TrySayAsync($"Silo {name} is active");

    public void Dispose() => process.Dispose();
}
