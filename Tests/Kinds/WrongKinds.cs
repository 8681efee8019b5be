using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Kinds;

/// <summary>A squared ReLU with a bias and one mistake.</summary>
/// <param name="mistake">One of <see cref="Mistakes"/>, or what it throws in training.</param>
internal sealed class WrongExpert(string mistake) : IExpertKind
{
    private const int Up = 0;
    private const int Bias = 1;
    private const int Down = 2;

    private float _times = 1;

    /// <summary>By mistake: what the check says.</summary>
    public static Dictionary<string, string> Mistakes { get; } = new()
    {
        ["no gradient of a weight"] = "the gradient of 'down' is 0 everywhere",
        ["no gradient of a bias"] = "the gradient of 'bias' is 0 everywhere",
        ["half a gradient"] = "the gradient of 'up' is",
        ["no output"] = "its output is NaN",
        ["half an output"] = "its output is NaN",
        ["no input gradient"] = "the gradient of its input is NaN",
        ["wrong input gradient"] = "the gradient of its input is",
        ["stale memory"] = "its output is NaN",
        ["output always stored"] = "as OutputAccumulation says",
        ["input gradient always stored"] = "as InputAccumulation says",
        ["gradient replaced"] = "it must be added",
        ["another output every time"] = "from the same rows",
        ["input overwritten"] = "its input is",
        ["output gradient overwritten"] = "the gradient of its output is",
        ["rows look at each other"] = "without the other rows",
        ["no rows"] = "DivideByZeroException",
        ["throws in forward"] = "FormatException: on purpose",
        ["throws in backward"] = "FormatException: on purpose",
    };

    public string Name => "wrong";

    public IReadOnlyList<ParameterShape> Layout(int dim, int hidden) =>
    [
        ParameterShape.Weight("up", dim, hidden, 1f / MathF.Sqrt(dim)),
        ParameterShape.Bias("bias", dim),
        ParameterShape.Weight("down", hidden, dim, 1f / MathF.Sqrt(hidden)),
    ];

    public void Forward(ExpertBatch batch)
    {
        Matrix positive = batch.Save(batch.ColumnsOf(Up));
        Matrix activation = batch.Save(batch.ColumnsOf(Up));
        IDevice device = batch.Tape.Device;
        switch (mistake)
        {
            case "throws in forward":
                throw new FormatException("on purpose");
            case "no rows":
                _ = 1 / batch.Rows;
                break;
            case "no output":
                return;
        }

        batch.Multiply(batch.Input, Up, positive);
        if (mistake == "rows look at each other" && batch.Rows > 1)
        {
            device.Add(positive.SliceRows(1, 1).Data.Slice(0, positive.Columns), positive.SliceRows(0, 1).Data.Slice(0, positive.Columns));
        }

        device.Relu(positive, positive);
        device.Multiply(positive, positive, activation);
        if (mistake == "another output every time")
        {
            device.Scale(activation.Data, _times += 0.25f);
        }

        if (mistake == "stale memory")
        {
            Matrix stale = batch.Tape.NewMatrix(batch.Rows, activation.Columns);
            device.Add(stale.Data, activation.Data);
        }

        if (mistake == "input overwritten")
        {
            device.Scale(batch.Input.Data, 2);
        }

        Matrix output = batch.Output;
        if (mistake == "half an output")
        {
            for (int e = 0; e < batch.Experts.Count; e++)
            {
                device.MatMul(
                    batch.RowsOf(activation, e), batch.Experts[e][Down].Value.SliceColumns(1, output.Columns - 1),
                    batch.RowsOf(output, e).SliceColumns(1, output.Columns - 1), batch.OutputAccumulation);
            }

            return;
        }

        batch.Multiply(activation, Down, output, mistake == "output always stored" ? Accumulation.Store : batch.OutputAccumulation);
        for (int e = 0; e < batch.Experts.Count; e++)
        {
            device.AddBias(batch.RowsOf(output, e), batch.Experts[e][Bias].Vector);
        }
    }

    public void Backward(ExpertBatch batch)
    {
        IDevice device = batch.Tape.Device;
        if (mistake == "throws in backward")
        {
            throw new FormatException("on purpose");
        }

        Matrix positive = batch.Saved(0), activation = batch.Saved(1);
        Matrix gradient = batch.Tape.NewMatrix(batch.Rows, activation.Columns);
        if (mistake != "no gradient of a weight")
        {
            batch.AddWeightGradient(activation, batch.OutputGradient, Down);
        }

        if (mistake != "no gradient of a bias")
        {
            batch.AddBiasGradient(batch.OutputGradient, Bias);
        }

        batch.MultiplyTransposed(batch.OutputGradient, Down, gradient);
        device.Multiply(gradient, positive, gradient);
        device.Scale(gradient.Data, 2);
        if (mistake == "gradient replaced")
        {
            for (int e = 0; e < batch.Experts.Count; e++)
            {
                device.MatMul(batch.RowsOf(batch.Input, e).T, batch.RowsOf(gradient, e), batch.Experts[e][Up].Gradient, Accumulation.Store);
            }
        }
        else
        {
            batch.AddWeightGradient(batch.Input, gradient, Up);
        }

        if (mistake == "half a gradient")
        {
            for (int e = 0; e < batch.Experts.Count; e++)
            {
                device.Scale(batch.Experts[e][Up].GradientVector, 0.5f);
            }
        }

        if (mistake == "wrong input gradient")
        {
            device.Scale(gradient.Data, 1.1f);
        }

        if (mistake != "no input gradient")
        {
            batch.MultiplyTransposed(
                gradient, Up, batch.InputGradient, mistake == "input gradient always stored" ? Accumulation.Store : batch.InputAccumulation);
        }

        if (mistake == "output gradient overwritten")
        {
            device.Scale(batch.OutputGradient.Data, 2);
        }
    }
}

/// <summary>Top-k with one mistake.</summary>
/// <param name="mistake">One of <see cref="Mistakes"/>.</param>
internal sealed class WrongGate(string mistake) : IGateKind
{
    /// <summary>By mistake: what the check says.</summary>
    public static Dictionary<string, string> Mistakes { get; } = new()
    {
        ["twice"] = "one of them twice",
        ["none"] = "got no expert",
        ["none at all"] = "got no expert",
        ["no such expert"] = "'choices'[5] is 5; it must be at least -1 and below 5",
        ["padding too"] = "is padding",
        ["chance"] = "it chose differently from the same rows",
        ["too wide"] = "as wide as 6 experts in a layer of 5",
        ["logits too narrow"] = "The router's logits are 9×4; 9 tokens and 5 experts need 9×5",
        ["no gradient of the router"] = "the gradient of 'router' is 0",
        ["half a gradient"] = "the gradient of 'router' is",
        ["no gradient of the tokens"] = "the gradient of its tokens is",
        ["gradient of the tokens stored"] = "as Tape.GradientToWrite says",
        ["gradient of the router stored"] = "it must be added",
        ["scores without a gradient"] = "the gradient of",
        ["weights that are no numbers"] = "a weight is NaN",
        ["throws"] = "FormatException: on purpose",
    };

    public string Name => "wrong";

    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) =>
        [ParameterShape.Weight("router", dim, mistake == "too wide" ? experts + 1 : experts, 1f / MathF.Sqrt(dim))];

    public IGate Create(GateOptions options, Func<string, Parameter> parameters) => new Gate(
        options, new Router(parameters("router"), mistake), new Selection(mistake), scores: new Scores(mistake));

    private sealed class Router(Parameter weight, string mistake) : IRouter
    {
        private Tensor _x;

        public int Experts => weight.Shape.Columns;

        public Matrix Forward(Tape tape, in Tensor x)
        {
            _x = x;
            Matrix logits = tape.NewMatrix(x.Rows, Experts);
            tape.Device.MatMul(x.Value, weight.Value, logits);
            return mistake switch
            {
                "throws" => throw new FormatException("on purpose"),
                "logits too narrow" => logits.SliceColumns(0, Experts - 1),
                _ => logits,
            };
        }

        public void Backward(Tape tape, in Matrix dLogits)
        {
            if (mistake == "half a gradient")
            {
                Matrix half = tape.NewMatrix(dLogits.Rows, dLogits.Columns);
                tape.Device.Fill(half.Data, 0.5f);
                tape.Device.Multiply(dLogits, half, half);
                tape.Device.MatMul(_x.Value.T, half, weight.Gradient, Accumulation.Add);
            }
            else if (mistake != "no gradient of the router")
            {
                tape.Device.MatMul(
                    _x.Value.T, dLogits, weight.Gradient, mistake == "gradient of the router stored" ? Accumulation.Store : Accumulation.Add);
            }

            Matrix dx = tape.GradientToWrite(_x, out Accumulation accumulation);
            if (mistake != "no gradient of the tokens")
            {
                tape.Device.MatMul(dLogits, weight.Value.T, dx, mistake == "gradient of the tokens stored" ? Accumulation.Store : accumulation);
            }
        }
    }

    private sealed class Scores(string mistake) : IScores
    {
        public bool NeedSum => false;

        public void Forward(Tape tape, in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp)
        {
            tape.Device.Softmax(logits, scores, logSumExp);
            if (mistake == "weights that are no numbers")
            {
                tape.Device.Scale(scores.Data, float.NaN);
            }
        }

        public void Backward(Tape tape, in Matrix scores, in Matrix dScores, in Matrix dLogits)
        {
            if (mistake != "scores without a gradient")
            {
                tape.Device.SoftmaxGradient(scores, dScores, dLogits);
            }
        }
    }

    private sealed class Selection(string mistake) : HostSelection
    {
        private readonly TokenChoice _best = new();
        private int _calls;

        protected override void Choose(Tape tape, GatePass pass, Span<int> choices)
        {
            _best.Select(tape, pass);
            tape.Device.Read(pass.Routing.Choices, choices);
            int k = pass.Routing.K;
            _calls++;
            for (int i = 0; i < choices.Length; i++)
            {
                int row = i / k;
                choices[i] = mistake switch
                {
                    "twice" when row == 4 => 3,
                    "none" when row == 5 => -1,
                    "none at all" => -1,
                    "no such expert" when row == 2 && i % k == 1 => 5,
                    "padding too" => (row + i % k) % 5,
                    "chance" when row == 0 => (_calls + i % k) % 5,
                    _ => choices[i],
                };
            }
        }
    }
}
