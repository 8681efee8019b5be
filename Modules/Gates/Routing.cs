namespace MoEActors.Modules.Gates;

/// <summary>
/// What a gate decided for one micro-batch: for each row up to <see cref="K"/> experts, and which of them found a slot. One object per
/// layer, filled anew by every forward pass; its device spans belong to the tape's arena, its host buffers grow to the largest
/// micro-batch and then stay.
/// </summary>
/// <param name="experts">Experts of the layer.</param>
public sealed class Routing(int experts)
{
    private int[] _choices = [];
    private bool[] _kept = [];

    /// <summary>Experts of the layer.</summary>
    public int Experts { get; } = experts;

    /// <summary>
    /// Places for experts in a row: the k of top-k, which may change from step to step, or the most experts that took the same token,
    /// which may change from micro-batch to micro-batch.
    /// </summary>
    public int K { get; private set; }

    /// <summary>Rows routed, padding included.</summary>
    public int Rows { get; private set; }

    /// <summary>Tokens per expert that found a slot.</summary>
    public int[] KeptTokens { get; } = new int[experts];

    /// <summary>Tokens per expert, those dropped included.</summary>
    public int[] ChosenTokens { get; } = new int[experts];

    /// <summary>Tokens per expert whose first choice it is, those dropped included.</summary>
    public int[] FirstChoices { get; } = new int[experts];

    /// <summary>Rows that travel: the sum of <see cref="KeptTokens"/>.</summary>
    public int KeptRows { get; private set; }

    /// <summary>Choices that found no slot.</summary>
    public int DroppedChoices { get; private set; }

    /// <summary>Tokens that at least one expert computes.</summary>
    public int RoutedTokens { get; private set; }

    /// <summary>Balance loss of the micro-batch, without its coefficient.</summary>
    public double BalanceLoss { get; set; }

    /// <summary>z-loss of the micro-batch, without its coefficient.</summary>
    public double ZLoss { get; set; }

    /// <summary>The losses times their coefficients: what the layer adds to the loss of the micro-batch.</summary>
    public double AuxiliaryLoss { get; set; }

    /// <summary>Each loss by its name: what <see cref="AuxiliaryLoss"/> is made of. Measured for the report where the coefficient is 0.</summary>
    public List<AuxiliaryLoss> Losses { get; } = [];

    /// <summary>Tokens that took part: padding does not.</summary>
    public int Tokens { get; set; }

    /// <summary>Σ over those tokens of −Σₑ p·ln p, nats; p are the scores, divided by their sum if they are sigmoids.</summary>
    public double EntropySum { get; set; }

    /// <summary>[rows, k] experts, −1 where there is none and for padding. Of top-k the best come first; of expert choice the lowest.</summary>
    public DeviceSpan<int> Choices { get; set; }

    /// <summary>[rows, k] weights, 0 where there is no expert.</summary>
    public DeviceSpan<float> Weights { get; set; }

    /// <summary>[rows, k] experts on the host.</summary>
    public ReadOnlySpan<int> HostChoices => _choices.AsSpan(0, Rows * K);

    /// <summary>[rows, k]: whether the choice found a slot.</summary>
    public ReadOnlySpan<bool> Kept => _kept.AsSpan(0, Rows * K);

    /// <summary>Makes room for <paramref name="k"/> choices of each of <paramref name="rows"/> rows and returns it, to be filled.</summary>
    public Span<int> BeginChoices(int rows, int k)
    {
        Rows = rows;
        K = k;
        int count = checked(rows * k);
        if (_choices.Length < count)
        {
            _choices = new int[count];
            _kept = new bool[count];
        }

        return _choices.AsSpan(0, count);
    }

    /// <summary>Reads <paramref name="k"/> choices of each of <paramref name="rows"/> rows to the host, where slots are given.</summary>
    public void ReadChoices(IDevice device, int rows, int k) => device.Read(Choices, BeginChoices(rows, k));

    /// <summary>Gives slots: all first choices before all second ones, within them in the given order, until an expert is full.</summary>
    /// <param name="capacity">Slots of an expert.</param>
    /// <param name="order">The rows in the order in which they are served; empty for their own.</param>
    public void AssignSlots(int capacity, ReadOnlySpan<int> order = default)
    {
        Array.Clear(KeptTokens);
        Array.Clear(ChosenTokens);
        Array.Clear(FirstChoices);
        KeptRows = 0;
        DroppedChoices = 0;
        for (int j = 0; j < K; j++)
        {
            for (int place = 0; place < Rows; place++)
            {
                Assign((order.IsEmpty ? place : order[place]) * K + j, capacity);
            }

            if (j == 0)
            {
                ChosenTokens.CopyTo(FirstChoices, 0);
            }
        }

        CountRouted();
    }

    private void Assign(int choice, int capacity)
    {
        int expert = _choices[choice];
        _kept[choice] = expert >= 0 && KeptTokens[expert] < capacity;
        if (expert < 0)
        {
            return;
        }

        ChosenTokens[expert]++;
        if (_kept[choice])
        {
            KeptTokens[expert]++;
            KeptRows++;
        }
        else
        {
            DroppedChoices++;
        }
    }

    private void CountRouted()
    {
        RoutedTokens = 0;
        for (int row = 0; row < Rows; row++)
        {
            RoutedTokens += _kept.AsSpan(row * K, K).Contains(true) ? 1 : 0;
        }
    }
}
