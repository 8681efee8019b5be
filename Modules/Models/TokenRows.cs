namespace MoEActors.Modules.Models;

/// <summary>
/// The rows in which a model computes a micro-batch: of each sequence the tokens, in their order, and behind them its padding. Causal attention
/// shows a row nothing of what is behind it, so no token sees padding wherever it stood, and rotary positions count tokens alone: a sequence
/// has the same bits with padding and without. One object per model; its buffers grow to the largest micro-batch and then stay.
/// </summary>
internal sealed class TokenRows
{
    private int[] _ids = [];
    private int[] _targets = [];
    private int[] _valid = [];
    private int[] _rows = [];
    private int[] _firstKeys = [];
    private bool _isPacked;

    /// <summary>Rows, padding included.</summary>
    public int Count { get; private set; }

    /// <summary>Rows that are tokens.</summary>
    public int Tokens { get; private set; }

    /// <summary>By row: the token. Padding looks up id 0; nothing that matters reads it.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>By row: the id to predict, −1 where none is.</summary>
    public ReadOnlySpan<int> Targets => _targets.AsSpan(0, Count);

    /// <summary>By row: 1 for a token, 0 for padding.</summary>
    public ReadOnlySpan<int> Valid => _valid.AsSpan(0, Count);

    /// <summary>By row: where in its sequence the document of its token begins; empty when every sequence is one document.</summary>
    public ReadOnlySpan<int> FirstKeys => _firstKeys.AsSpan(0, _isPacked ? Count : 0);

    /// <summary>By position of the micro-batch, as the caller has it: the row of its token; −1 for padding.</summary>
    public ReadOnlySpan<int> RowOfPosition => _rows.AsSpan(0, Count);

    /// <summary>Takes the rows of a micro-batch.</summary>
    /// <param name="batch">The micro-batch; null for none, which has no rows.</param>
    /// <exception cref="ArgumentException">A target stands on padding.</exception>
    public void Load(MicroBatch? batch)
    {
        Count = batch?.Inputs.Length ?? 0;
        Tokens = 0;
        _isPacked = batch?.Documents is not null;
        if (_ids.Length < Count)
        {
            _ids = new int[Count];
            _targets = new int[Count];
            _valid = new int[Count];
            _rows = new int[Count];
            _firstKeys = new int[Count];
        }

        for (int start = 0; batch is not null && start < Count; start += batch.SequenceLength)
        {
            LoadSequence(batch, start, start + batch.SequenceLength);
        }
    }

    private void LoadSequence(MicroBatch batch, int start, int end)
    {
        int row = start, first = start, document = 0;
        for (int position = start; position < end; position++)
        {
            _rows[position] = -1;
            if (batch.Inputs[position] >= 0)
            {
                _ids[row] = batch.Inputs[position];
                _targets[row] = batch.Targets[position];
                _valid[row] = 1;
                if (batch.Documents is { } documents && documents[position] != document)
                {
                    (first, document) = (row, documents[position]);
                }

                _firstKeys[row] = first - start;
                _rows[position] = row++;
            }
            else if (batch.Targets[position] >= 0)
            {
                throw batch.TargetOnPadding(position);
            }
        }

        Tokens += row - start;
        _ids.AsSpan(row, end - row).Clear();
        _targets.AsSpan(row, end - row).Fill(-1);
        _valid.AsSpan(row, end - row).Clear();
        _firstKeys.AsSpan(row, end - row).Clear();
    }
}
