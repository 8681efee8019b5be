using System.Globalization;
using System.Text.RegularExpressions;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Packages;

/// <summary>The packages, as they come to a user: restored from a folder into fresh projects outside of the repository.</summary>
public sealed class PackageTests
{
    private static readonly string Repository = FindRepository();

    [Fact]
    public async Task A_fresh_program_a_fresh_host_and_the_tool_work_from_packages()
    {
        using var folder = new TemporaryFolder();
        string version = string.Create(CultureInfo.InvariantCulture, $"0.1.0-test.{Environment.ProcessId}");
        string feed = Path.Combine(folder.Path, "feed");
        await ChildProcess.RunAsync("dotnet", Repository, "pack", "MoEActors.sln", "-c", "Release", "--no-build", "-o", feed, $"-p:PackageVersion={version}", "-v", "q");
        Assert.Contains($"MoEActors.Client.{version}.nupkg", Names(feed));
        Assert.DoesNotContain(Names(feed), name => name!.Contains("Tests", StringComparison.Ordinal) || name.Contains("Benchmarks", StringComparison.Ordinal));
        Isolate(folder, feed);

        await TryProgramAsync(folder, version);
        await TryWorkerAsync(folder, version);
        await TryToolAsync(folder, feed, version);
    }

    /// <summary>README's program, pasted: with the implicit usings of a console project, and nothing else.</summary>
    private static async Task TryProgramAsync(TemporaryFolder folder, string version)
    {
        string readme = await File.ReadAllTextAsync(Path.Combine(Repository, "README.md"), TestContext.Current.CancellationToken);
        string program = Regex.Match(readme.ReplaceLineEndings("\n"), "```csharp\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        string shorter = program.Replace("500", "3", StringComparison.Ordinal);
        Assert.NotEqual(program, shorter);
        folder.Write("app/Program.cs", shorter);
        folder.Write("app/app.csproj", Project("Microsoft.NET.Sdk", "MoEActors.Hosting", version));
        folder.Write("app/my-texts/text.txt", string.Concat(Enumerable.Range(0, 3000).Select(i => $"{i} and {i + 1} follow each other.\n")));
        string app = Path.Combine(folder.Path, "app");
        string said = await ChildProcess.RunAsync("dotnet", app, "run", "-c", "Release");
        Assert.Contains("step 3: loss ", said, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(app, "runs/mine/checkpoint/config.json")), said);
    }

    /// <summary>What `dotnet new worker` makes, with a silo in it.</summary>
    private static async Task TryWorkerAsync(TemporaryFolder folder, string version)
    {
        await ChildProcess.RunAsync("dotnet", folder.Path, "new", "worker", "-n", "host", "--no-restore");
        string host = Path.Combine(folder.Path, "host");
        string project = Path.Combine(host, "host.csproj");
        string text = await File.ReadAllTextAsync(project, TestContext.Current.CancellationToken);
        folder.Write("host/host.csproj", text.Replace("<ItemGroup>", $"<ItemGroup>\n    <PackageReference Include=\"MoEActors.Hosting\" Version=\"{version}\" />", StringComparison.Ordinal));
        string layers = (await File.ReadAllTextAsync(Path.Combine(Repository, "docs", "layers.md"), TestContext.Current.CancellationToken)).ReplaceLineEndings("\n");
        string[] kinds = [.. Regex.Matches(layers, "```csharp\n(using .*?)```", RegexOptions.Singleline).Select(match => match.Groups[1].Value)];
        Assert.Equal(2, kinds.Length);
        for (int kind = 0; kind < kinds.Length; kind++)
        {
            folder.Write($"host/Kind{kind}.cs", kinds[kind]);
        }

        folder.Write("host/Program.cs", $$"""
            using MoEActors.Examples;
            using MoEActors.Modules.KindChecks;

            // The own expert and gate of docs/layers.md, pasted into files of their own.
            ExpertKindCheck.Run(new SquaredReluExpert());
            GateKindCheck.Run(new TopPGate(p: 0.6f));
            var builder = Host.CreateApplicationBuilder(args);
            builder.UseOrleans(silo => silo.UseLocalhostClustering(siloPort: {{Ports.Free()}}, gatewayPort: {{Ports.Free()}}).AddMoE());
            builder.Services.AddMoEClient();
            IHost host = builder.Build();
            await host.StartAsync();
            MoEModel model = await host.Services.GetRequiredService<MoECluster>().CreateModelAsync("m", new RunConfiguration
            {
                Model = new ModelConfiguration { Dim = 16, Heads = 2, KeyValueHeads = 1, Hidden = 16, Experts = [4], MaximumSequence = 8 },
            });
            Console.WriteLine($"a model of {(await model.GetStatusAsync()).SiloNames.Length} worker");
            await host.StopAsync();
            """);
        File.Delete(Path.Combine(host, "Worker.cs"));
        Assert.Contains("a model of 1 worker", await ChildProcess.RunAsync("dotnet", host, "run", "-c", "Release"), StringComparison.Ordinal);
    }

    private static async Task TryToolAsync(TemporaryFolder folder, string feed, string version)
    {
        string tools = Path.Combine(folder.Path, "tools");
        await ChildProcess.RunAsync("dotnet", folder.Path, "tool", "install", "MoEActors.Tool", "--tool-path", tools, "--version", version, "--source", feed);
        string moe = Path.Combine(tools, "moe");
        Assert.Contains("doctor", await ChildProcess.RunAsync(moe, folder.Path, "--help"), StringComparison.Ordinal);
        string said = await ChildProcess.RunAsync(moe, Path.Combine(folder.Path, "app"), "train", "--text", "my-texts", "--steps", "2", "--silos", "2", "--name", "from-the-tool");
        Assert.True(File.Exists(Path.Combine(folder.Path, "app/runs/from-the-tool/checkpoint/config.json")), said);
    }

    /// <summary>Packages of ours are unpacked in the folder, those of others taken from where they are already.</summary>
    private static void Isolate(TemporaryFolder folder, string feed)
    {
        string home = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        folder.Write("nuget.config", $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{Path.Combine(folder.Path, "packages")}" /></config>
              <fallbackPackageFolders><add key="there" value="{home}" /></fallbackPackageFolders>
              <packageSources><add key="feed" value="{feed}" /></packageSources>
            </configuration>
            """);
    }

    private static string Project(string sdk, string package, string version) => $"""
        <Project Sdk="{sdk}">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
            <Nullable>enable</Nullable>
            <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="{package}" Version="{version}" />
          </ItemGroup>
        </Project>
        """;

    private static IEnumerable<string?> Names(string folder) => Directory.GetFiles(folder).Select(Path.GetFileName);

    private static string FindRepository()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MoEActors.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run within the repository.");
        }

        return folder;
    }
}
