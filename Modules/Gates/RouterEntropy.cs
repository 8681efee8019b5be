using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>How undecided a router is: <c>−Σₑ p·ln p</c> of each token, from 0 (one expert) to ln E (all alike). Seen, not trained.</summary>
internal sealed class RouterEntropy
{
    private float[] _entropies = [];
    private int[] _valid = [];

    /// <summary>Σ over the tokens that take part, nats, in double in token order.</summary>
    public double Sum(Tape tape, GatePass pass)
    {
        int rows = pass.Scores.Rows;
        if (_entropies.Length < rows)
        {
            _entropies = new float[rows];
            _valid = new int[rows];
        }

        DeviceSpan<float> entropies = tape.Arena.Take<float>(rows);
        tape.Device.Entropies(pass.Scores, pass.ScoresNeedSum, entropies);
        tape.Device.Read(entropies, _entropies.AsSpan(0, rows));
        bool all = pass.Context.Valid.IsEmpty;
        if (!all)
        {
            tape.Device.Read(pass.Context.Valid, _valid.AsSpan(0, rows));
        }

        double sum = 0;
        for (int t = 0; t < rows; t++)
        {
            sum += all || _valid[t] != 0 ? _entropies[t] : 0;
        }

        return sum;
    }
}
