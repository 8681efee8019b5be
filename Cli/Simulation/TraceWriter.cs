using MoEActors.Placement.Load;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Simulation;

/// <summary>Writes a trace as <see cref="TraceReader"/> reads it. Dense layers have no lines.</summary>
internal static class TraceWriter
{
    public static void Write(LoadTrace trace, TextWriter writer)
    {
        writer.Write("step,layer,expert,tokens\n");
        foreach (LoadSample row in trace.Rows)
        {
            for (int layer = 0; layer < row.Tokens.Length; layer++)
            {
                for (int expert = 0; expert < row.Tokens[layer].Length; expert++)
                {
                    writer.Write($"{row.Step},{layer},{expert},{row.Tokens[layer][expert]}\n");
                }
            }
        }
    }
}
