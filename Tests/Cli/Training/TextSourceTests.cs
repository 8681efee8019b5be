using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Cli.Training;

/// <summary>What tells a run's text from every other.</summary>
public sealed class TextSourceTests
{
    [Fact]
    public void With_weights_it_matters_which_source_a_document_is_of()
    {
        using TemporaryFolder folder = new();
        string[] names = [.. "abcd".Select(letter => folder.Write($"{letter}/{letter}.txt", System.Text.Encoding.UTF8.GetBytes(new string(letter, 40))))];
        string two = Path.Combine(folder.Path, "two");
        string Hash(double[]? weights, params string[][] sources)
        {
            Directory.CreateDirectory(two);
            string[] paths = [.. sources.Select((files, index) => Path.Combine(two, $"{index}"))];
            foreach ((string[] files, string path) in sources.Zip(paths))
            {
                Directory.CreateDirectory(path);
                foreach (string file in files)
                {
                    File.Copy(file, Path.Combine(path, Path.GetFileName(file)));
                }
            }

            string hash = TextSource.Read(paths, new TextReading(Packed: true, weights), new CommandOutput(TextWriter.Null, TextWriter.Null, Verbose: false)).Hash;
            Directory.Delete(two, recursive: true);
            return hash;
        }

        string[][] before = [names[..2], names[2..]], after = [names[..1], names[1..]];
        Assert.NotEqual(Hash([1, 1], before), Hash([1, 1], after));
        Assert.Equal(Hash([1, 1], before), Hash([1, 1], before));
        Assert.Equal(Hash(null, before), Hash(null, after));
    }
}
