using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Layers;

/// <summary>A table of one row per token id.</summary>
/// <param name="table">[vocabulary, features].</param>
public sealed class Embedding(Parameter table)
{
    /// <summary>The rows of the ids: [n, features]. Padding looks up id 0; nothing that matters reads it.</summary>
    public Tensor Forward(Tape tape, DeviceSpan<int> ids)
    {
        Tensor y = tape.Create(ids.Length, table.Shape.Columns);
        tape.Device.GatherRows(table.Value, ids, y.Value);
        if (tape.Record<Node>() is { } node)
        {
            node.Table = table;
            node.Ids = ids;
            node.Y = y;
        }

        return y;
    }

    private sealed class Node : TapeNode
    {
        public Parameter Table = null!;
        public DeviceSpan<int> Ids;
        public Tensor Y;

        protected internal override void Backward(Tape tape) =>
            tape.Device.EmbeddingGradient(Ids, tape.Gradient(Y), Table.Gradient);
    }
}
