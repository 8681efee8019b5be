using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>
/// What a gate decided for one micro-batch. One object per layer, filled anew by every forward pass; its device spans belong
/// to the tape's arena.
/// </summary>
public sealed class Routing
{
    private int[] _choices = [];
    private bool[] _kept = [];

    /// <summary>Creates the routing of a layer.</summary>
    /// <param name="experts">Experts of the layer.</param>
    /// <param name="k">Experts per token.</param>
    public Routing(int experts, int k)
    {
        Experts = experts;
        K = k;
        KeptTokens = new int[experts];
        ChosenTokens = new int[experts];
        FirstChoices = new int[experts];
    }

    /// <summary>Experts of the layer.</summary>
    public int Experts { get; }

    /// <summary>Experts per token.</summary>
    public int K { get; }

    /// <summary>Rows routed, padding included.</summary>
    public int Rows { get; private set; }

    /// <summary>Tokens per expert that found a slot.</summary>
    public int[] KeptTokens { get; }

    /// <summary>Tokens per expert, those dropped included.</summary>
    public int[] ChosenTokens { get; }

    /// <summary>Tokens per expert whose first choice it is, those dropped included.</summary>
    public int[] FirstChoices { get; }

    /// <summary>Rows that travel: the sum of <see cref="KeptTokens"/>.</summary>
    public int KeptRows { get; private set; }

    /// <summary>Balance loss of the micro-batch, without its coefficient.</summary>
    public double BalanceLoss { get; internal set; }

    /// <summary>z-loss of the micro-batch, without its coefficient.</summary>
    public double ZLoss { get; internal set; }

    /// <summary>[rows, k] experts, best first; −1 for padding.</summary>
    public DeviceSpan<int> Choices { get; internal set; }

    /// <summary>[rows, k] weights.</summary>
    public DeviceSpan<float> Weights { get; internal set; }

    /// <summary>[rows, k] experts on the host.</summary>
    public ReadOnlySpan<int> HostChoices => _choices.AsSpan(0, Rows * K);

    /// <summary>[rows, k]: whether the choice found a slot.</summary>
    public ReadOnlySpan<bool> Kept => _kept.AsSpan(0, Rows * K);

    /// <summary>Makes room for the choices of <paramref name="rows"/> rows and returns it.</summary>
    internal Span<int> BeginChoices(int rows)
    {
        Rows = rows;
        if (_choices.Length < rows * K)
        {
            _choices = new int[rows * K];
            _kept = new bool[rows * K];
        }

        return _choices.AsSpan(0, rows * K);
    }

    /// <summary>
    /// Gives slots: all first choices before all second ones, earlier tokens before later ones, until an expert is full.
    /// </summary>
    /// <param name="capacity">Slots of an expert.</param>
    internal void AssignSlots(int capacity)
    {
        Array.Clear(KeptTokens);
        Array.Clear(ChosenTokens);
        KeptRows = 0;
        for (int j = 0; j < K; j++)
        {
            for (int i = j; i < Rows * K; i += K)
            {
                int expert = _choices[i];
                bool kept = expert >= 0 && KeptTokens[expert] < capacity;
                _kept[i] = kept;
                if (expert >= 0)
                {
                    ChosenTokens[expert]++;
                }

                if (kept)
                {
                    KeptTokens[expert]++;
                    KeptRows++;
                }
            }

            if (j == 0)
            {
                ChosenTokens.CopyTo(FirstChoices, 0);
            }
        }
    }
}
