namespace MoEActors.Tests.Cli;

[Collection(MoEActors.Tests.CudaEmulation.CudaCollection.Name)]
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("", "demo", "train", "bench", "simulate")]
    [InlineData("demo", "--json", "--silos", "--seconds", "--steps", "--seed", "--output", "--no-director", "default: 4")]
    [InlineData(
        "train", "--text", "--silos", "--steps", "--seconds", "--batch", "--sequence", "--dim", "--layers", "--heads", "--kv-heads",
        "--experts", "--top-k", "--hidden", "--learning-rate", "--seed", "--name", "--json", "--config", "--runs", "--save-every", "--recompute",
        "--no-director")]
    [InlineData("resume", "NAME", "--checkpoint", "--runs", "--steps", "--seconds", "--text", "--silos", "--json")]
    [InlineData("status", "NAME", "--runs", "--json")]
    [InlineData("generate", "NAME", "--checkpoint", "--runs", "--prompt", "--tokens", "--temperature", "--seed", "--json")]
    [InlineData("silo", "--config", "--redis", "--name", "--silo-port", "--listen-address", "--health-port", "--secret-file", "--devices", "--log-level")]
    [InlineData("cluster", "--silos", "--runs", "--log-level")]
    [InlineData("runs", "list", "delete")]
    [InlineData("runs list", "--runs", "--connect", "--json")]
    [InlineData("runs delete", "NAME", "--runs", "--connect")]
    [InlineData("doctor", "--json")]
    [InlineData("estimate", "--config", "--workers", "--recompute", "--device", "--memory", "--json")]
    [InlineData("bench", "layer", "gemm", "step", "director", "moves", "switch", "planning", "exchange", "parallelism")]
    [InlineData(
        "bench layer", "--tokens", "--model-dim", "--hidden", "--experts", "--top-k", "--workers", "--steps", "--json")]
    [InlineData(
        "bench parallelism", "--tokens", "--model-dim", "--hidden", "--experts", "--top-k", "--workers", "--steps", "--json")]
    [InlineData("bench gemm", "--json")]
    [InlineData("bench step", "--config", "--steps", "--silos", "--json")]
    [InlineData("bench moves", "--config", "--steps", "--every", "--silos", "--json")]
    [InlineData("bench switch", "--switches", "--every", "--silos", "--json")]
    [InlineData("bench director", "--warmup", "--steps", "--silos", "--json")]
    [InlineData("bench planning", "--repetitions", "--json")]
    [InlineData("bench exchange", "--processes", "--bytes", "--blocks", "--json")]
    [InlineData("simulate", "placement", "trace", "record", "parallelism", "ladder")]
    [InlineData(
        "simulate placement", "--trace", "--workers", "--hosts", "--spare-slots", "--policy", "--every", "--reproducible", "--copies", "--json")]
    [InlineData("simulate trace", "--kind", "--layers", "--experts", "--steps", "--interval", "--tokens", "--seed", "--period", "--noise", "--out")]
    [InlineData("simulate parallelism", "--workers", "--seed", "--json")]
    [InlineData("simulate ladder", "--json")]
    [InlineData("simulate record", "--config", "--text", "--silos", "--steps", "--every", "--turn", "--out")]
    public async Task Help_tells_what_a_command_takes(string command, params string[] words)
    {
        CommandLineRun run = await CommandLineRun.Of([.. Words(command), "--help"]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.All(words, word => Assert.Contains(word, run.Output));
    }

    [Fact]
    public async Task No_argument_at_all_gives_help()
    {
        CommandLineRun run = await CommandLineRun.Of();
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("demo", run.Output);
    }

    [Theory]
    [InlineData("foo", "moe: 'foo' is not known here.")]
    [InlineData("trian", "moe: 'trian' is not known here. Did you mean train?")]
    [InlineData("demo --stpes 5", "moe demo: '--stpes' is not known here. Did you mean --steps?")]
    [InlineData("demo --verbos", "moe demo: '--verbos' is not known here. Did you mean --verbose?")]
    [InlineData("simulate placment", "moe simulate: 'placment' is not known here. Did you mean placement?")]
    [InlineData("help xyz", "moe: 'xyz' is not known here.")]
    [InlineData("xyz --help", "moe: 'xyz' is not known here.")]
    [InlineData("bench gem --help", "moe bench: 'gem' is not known here. Did you mean gemm?")]
    [InlineData("demo --bogus --help", "moe demo: '--bogus' is not known here.")]
    [InlineData("demo --steps 3 --seconds 5", "moe demo: --steps and --seconds exclude each other.")]
    [InlineData("train --seconds 5 --steps 3", "moe train: --steps and --seconds exclude each other.")]
    [InlineData("demo --bogus", "moe demo: '--bogus' is not known here.")]
    [InlineData("demo extra", "moe demo: 'extra' is not known here.")]
    [InlineData("demo --silos 2 3", "moe demo: '3' is not known here.")]
    [InlineData("demo --silos x", "moe demo: --silos must be a whole number of at least 1 and at most 64; 'x' is not.")]
    [InlineData("demo --silos 0", "moe demo: --silos must be a whole number of at least 1 and at most 64; '0' is not.")]
    [InlineData("demo --steps -3", "moe demo: --steps must be a whole number of at least 1; '-3' is not.")]
    [InlineData("demo --silos 100000", "moe demo: --silos must be a whole number of at least 1 and at most 64; '100000' is not.")]
    [InlineData("resume a --silos 65", "moe resume: --silos must be a whole number of at least 1 and at most 64; '65' is not.")]
    [InlineData("generate a --tokens 99999999999", "moe generate: --tokens must be a whole number of at least 1; '99999999999' is not. It can be 2,147,483,647 at most.")]
    [InlineData("train --steps --text txt", "moe train: --steps needs a value; --text behind it is the next option.")]
    [InlineData("train --text a --name --steps", "moe train: --name needs a value; --steps behind it is the next option.")]
    [InlineData("--json status", "moe status: --json must stand behind the command.")]
    [InlineData("demo --silos x --steps y", "moe demo: --silos must be a whole number of at least 1 and at most 64; 'x' is not. --steps must be a whole number of at least 1; 'y' is not.")]
    [InlineData("demo --seconds 0", "moe demo: --seconds must be a number above 0 and at most 1e9; '0' is not.")]
    [InlineData("demo --seed 1.5", "moe demo: --seed must be a whole number; '1.5' is not.")]
    [InlineData("demo --silos", "moe demo: Required argument missing for option: '--silos'.")]
    [InlineData("demo --json no/such/folder/f.json", "moe demo: --json no/such/folder/f.json is no file that can be written")]
    [InlineData("train --learning-rate NaN", "moe train: --learning-rate must be a number above 0; 'NaN' is not.")]
    [InlineData("train --text", "moe train: Required argument missing for option: '--text'.")]
    [InlineData("train --parallelism sideways", "moe train: --parallelism sideways is none of expert, data, copies, slices-R, tuned.")]
    [InlineData("train --parallelism slices-1", "moe train: --parallelism slices-1 is none of expert, data, copies, slices-R, tuned.")]
    [InlineData(
        "train --parallelism slices-2",
        "moe train: --parallelism slices-2 adds up in another order than whole experts do, and the run is reproducible: a file for --config can say \"reproducible\": false.")]
    [InlineData("train --experts 4 --top-k 5", "moe train: --top-k 5 is more than --experts 4.")]
    [InlineData("train --dim 100 --heads 3", "moe train: --dim 100 is no multiple of --heads 3.")]
    [InlineData("train --dim 24 --heads 8", "moe train: --dim 24 gives each of --heads 8 an odd width")]
    [InlineData("train --heads 8 --kv-heads 3", "moe train: --heads 8 is no multiple of --kv-heads 3.")]
    [InlineData("train --name a/b", "moe train: --name 'a/b' is no name of a folder below runs/.")]
    [InlineData("train --name a:b", "moe train: --name 'a:b' is no name of a folder below runs/. Letters, digits, '-', '_' and '.' are allowed.")]
    [InlineData("train --name größe", "moe train: --name 'größe' is no name of a folder below runs/.")]
    [InlineData("train --name ..", "moe train: --name '..' is no name of a folder below runs/.")]
    [InlineData("resume", "moe resume: the NAME of a run or --checkpoint FOLDER must be given.")]
    [InlineData("resume a --checkpoint b", "moe resume: NAME and --checkpoint exclude each other.")]
    [InlineData("resume ../a", "moe resume: NAME '../a' is no name of a folder below runs/.")]
    [InlineData("train --config no/such/file", "moe train: --config no/such/file cannot be read")]
    [InlineData("estimate", "moe estimate: Option '--config' is required.")]
    [InlineData("estimate --config no/such/file", "moe estimate: --config no/such/file cannot be read")]
    [InlineData("train --recompute 9", "moe train: Recompute is '9'; it must be all, none, or layers from 0 to 3")]
    [InlineData("generate", "moe generate: the NAME of a run or --checkpoint FOLDER must be given.")]
    [InlineData("generate --checkpoint . --temperature -1", "moe generate: --temperature must be a number of at least 0; '-1' is not.")]
    [InlineData("generate a --connect nowhere", "moe generate: --connect 'nowhere' is neither redis://HOST:PORT nor HOST:PORT,HOST:PORT.")]
    [InlineData("status --connect redis://:secret@a:1", "moe status: --connect has a password, which everybody on this machine sees")]
    [InlineData("status --runs no/such/folder --connect", "moe status: --connect without an address means the cluster of this machine, and none was started")]
    [InlineData("cluster --log-level loud", "moe cluster: --log-level is \"loud\"; it must be one of trace, debug, information,")]
    [InlineData("cluster --silos 0", "moe cluster: --silos must be a whole number of at least 1 and at most 64; '0' is not.")]
    [InlineData("runs", "moe runs: one of list, delete must follow.")]
    [InlineData("runs delete ../a", "moe runs delete: NAME '../a' is no name of a folder below runs/.")]
    [InlineData("bench", "moe bench: one of layer, gemm, step, director, moves, switch, telemetry, planning, exchange, parallelism, dashboard must follow.")]
    [InlineData("bench foo", "moe bench: 'foo' is not known here.")]
    [InlineData("bench layer --tokens 5 --workers 2", "moe bench layer: --tokens 5 is no multiple of --workers 2.")]
    [InlineData("bench layer --experts 2 --top-k 3", "moe bench layer: --top-k 3 is more than --experts 2.")]
    [InlineData("bench moves --silos 1", "moe bench moves: --silos 1 leaves no other worker to move an expert to.")]
    [InlineData("bench moves --every 2", "moe bench moves: --every 2 and --steps 120 leave no quiet steps to compare with")]
    [InlineData("bench step --config no/such/file", "moe bench step: --config no/such/file cannot be read")]
    public async Task Wrong_usage_ends_with_one_line_that_names_the_argument(string arguments, string message)
    {
        CommandLineRun run = await CommandLineRun.Of(Words(arguments));
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.StartsWith(message, run.Error);
        Assert.EndsWith("--help.\n", run.Error.ReplaceLineEndings("\n"));
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("help", "--help")]
    [InlineData("help train", "train --help")]
    [InlineData("help simulate trace", "simulate trace --help")]
    public async Task Help_can_be_asked_for_by_name(string asked, string option)
    {
        CommandLineRun run = await CommandLineRun.Of(Words(asked));
        Assert.Equal(await CommandLineRun.Of(Words(option)), run);
        Assert.Equal(0, run.ExitCode);
    }

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
