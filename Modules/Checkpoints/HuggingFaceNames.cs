using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// Names and layouts of the Hugging Face convention: linear weights are [out, in], and what this library keeps as one matrix (queries,
/// keys and values; gate and up) is several. Mixture-of-experts layers are named as in Mixtral; with shared experts or sigmoid scores, which
/// Mixtral does not have, as in the DeepSeek, Qwen and GLM families. What no family has (cosine gates, the residual form, GELU experts, and
/// whatever kinds others add) has names of its own below the layer's.
/// </summary>
public static class HuggingFaceNames
{
    /// <summary>The tensors of the dense part.</summary>
    public static IReadOnlyList<TensorRegion> Dense(ModelConfiguration model)
    {
        if (model.Backbone == Backbone.None)
        {
            return Mixture(model, 0, ModelLayout.LayerPrefix(0));
        }

        AttentionShape attention = model.Attention;
        List<TensorRegion> regions = [new("model.embed_tokens.weight", ModelLayout.Embedding, 0, model.Dim, Transposed: false)];
        for (int layer = 0; layer < model.Layers; layer++)
        {
            string ours = ModelLayout.LayerPrefix(layer);
            string theirs = $"model.layers.{layer}.";
            regions.Add(Vector($"{theirs}input_layernorm.weight", $"{ours}input_norm", model.Dim));
            regions.Add(Linear($"{theirs}self_attn.q_proj.weight", $"{ours}qkv_proj", 0, attention.QueryColumns));
            regions.Add(Linear($"{theirs}self_attn.k_proj.weight", $"{ours}qkv_proj", attention.QueryColumns, attention.KeyColumns));
            regions.Add(Linear($"{theirs}self_attn.v_proj.weight", $"{ours}qkv_proj", attention.QueryColumns + attention.KeyColumns, attention.KeyColumns));
            regions.Add(Linear($"{theirs}self_attn.o_proj.weight", $"{ours}o_proj", 0, model.Dim));
            regions.Add(Vector($"{theirs}post_attention_layernorm.weight", $"{ours}post_attention_norm", model.Dim));
            regions.AddRange(model.Experts[layer] > 0
                ? Mixture(model, layer, ours)
                : SwiGlu($"{theirs}mlp.", $"{ours}mlp.", model.Hidden, model.Dim, Projections));
        }

        regions.Add(Vector("model.norm.weight", "norm", model.Dim));
        regions.Add(Linear("lm_head.weight", "lm_head", 0, model.Vocabulary));
        return regions;
    }

    /// <summary>The tensors of one expert.</summary>
    public static IReadOnlyList<TensorRegion> Expert(ModelConfiguration model, int layer, int expert) =>
        Feedforward(model, $"{MixturePrefix(model, layer)}experts.{expert}.", "", model.Hidden, IsMixtral(model) ? MixtralNames : Projections);

    /// <summary>Names of gate, up and down.</summary>
    private static readonly string[] Projections = ["gate_proj", "up_proj", "down_proj"];

    /// <summary>What the names of a gate's tensors begin with, as a rule.</summary>
    private const string GatePrefix = "router_";

    private static readonly string[] MixtralNames = ["w1", "w3", "w2"];

    private static bool IsMixtral(ModelConfiguration model) => model.SharedExperts == 0 && model.Gate.Scores == GateScores.Softmax;

    private static string MixturePrefix(ModelConfiguration model, int layer) =>
        $"model.layers.{layer}.{(IsMixtral(model) ? "block_sparse_moe" : "mlp")}.";

    private static TensorRegion[] Mixture(ModelConfiguration model, int layer, string ours)
    {
        string theirs = MixturePrefix(model, layer);
        IEnumerable<TensorRegion> residual = model.Residual
            ? [.. Feedforward(model, $"{theirs}residual_mlp.", $"{ours}residual_mlp.", model.Hidden, Projections),
                Linear($"{theirs}coefficient.weight", ours + ModelLayout.ResidualCoefficient, 0, 2)]
            : [];
        return
        [
            .. model.Kinds.Gates.Get(model.Gate.Kind).Layout(model.Gate, model.Dim, model.Experts[layer]).Select(shape => shape.Name switch
            {
                GateTensors.Router => Linear($"{theirs}gate.weight", ours + shape.Name, 0, shape.Columns),
                GateTensors.Bias => Vector($"{theirs}gate.e_score_correction_bias", ours + shape.Name, shape.Columns),
                GateTensors.Projection => Linear($"{theirs}gate.projection.weight", ours + shape.Name, 0, shape.Columns),
                GateTensors.Embedding => Vector($"{theirs}gate.embedding", ours + shape.Name, shape.Columns),
                _ => Own($"{theirs}gate.{shape.Name[(shape.Name.StartsWith(GatePrefix, StringComparison.Ordinal) ? GatePrefix.Length : 0)..]}", ours, shape),
            }),
            .. model.SharedExperts == 0
                ? [] : Feedforward(model, $"{theirs}shared_experts.", $"{ours}shared_experts.", model.SharedExperts * model.Hidden, Projections),
            .. residual,
        ];
    }

    private static TensorRegion[] Feedforward(ModelConfiguration model, string theirs, string ours, int hidden, string[] names)
    {
        IExpertKind kind = model.Kinds.Experts.Get(model.Expert);
        return kind switch
        {
            SwiGluExpert => SwiGlu(theirs, ours, hidden, model.Dim, names),
            GeluExpert =>
            [
                Linear($"{theirs}w1.weight", $"{ours}w1", 0, hidden),
                Vector($"{theirs}w1.bias", $"{ours}b1", hidden),
                Linear($"{theirs}w2.weight", $"{ours}w2", 0, model.Dim),
                Vector($"{theirs}w2.bias", $"{ours}b2", model.Dim),
            ],
            _ => [.. kind.Layout(model.Dim, hidden).Select(shape => Own(theirs + shape.Name, ours, shape))],
        };
    }

    private static TensorRegion[] SwiGlu(string theirs, string ours, int hidden, int dim, string[] names) =>
    [
        Linear($"{theirs}{names[0]}.weight", $"{ours}gate_up", 0, hidden),
        Linear($"{theirs}{names[1]}.weight", $"{ours}gate_up", hidden, hidden),
        Linear($"{theirs}{names[2]}.weight", $"{ours}down", 0, dim),
    ];

    /// <summary>A tensor that no family of models has: its own name, and a matrix transposed like all others.</summary>
    private static TensorRegion Own(string name, string ours, ParameterShape shape) => shape.Rows == 1
        ? Vector(name, ours + shape.Name, shape.Columns)
        : Linear($"{name}.weight", ours + shape.Name, 0, shape.Columns);

    private static TensorRegion Linear(string name, string parameter, int firstColumn, int columns) =>
        new(name, parameter, firstColumn, columns, Transposed: true);

    /// <summary>A tensor that is stored as it is.</summary>
    private static TensorRegion Vector(string name, string parameter, int columns) =>
        new(name, parameter, 0, columns, Transposed: false);
}

/// <summary>
/// A tensor of a checkpoint, and the part of a parameter that it is: a run of columns, stored as [out, in] where the parameter is
/// [in, out].
/// </summary>
/// <param name="Name">Name in the checkpoint.</param>
/// <param name="Parameter">Name of the parameter in its block.</param>
/// <param name="FirstColumn">First column of the part.</param>
/// <param name="Columns">Columns of the part.</param>
/// <param name="Transposed">Whether the checkpoint has rows and columns exchanged.</param>
public sealed record TensorRegion(string Name, string Parameter, int FirstColumn, int Columns, bool Transposed)
{
    /// <summary>Shape in the checkpoint; a vector has one dimension.</summary>
    public int[] Shape(ParameterShape parameter) => parameter.Rows == 1 && !Transposed
        ? [Columns]
        : Transposed ? [Columns, parameter.Rows] : [parameter.Rows, Columns];

    /// <summary>The part in the checkpoint's order.</summary>
    /// <param name="parameter">The parameter's shape.</param>
    /// <param name="values">Its values, row-major.</param>
    public float[] Take(ParameterShape parameter, ReadOnlySpan<float> values)
    {
        float[] part = new float[parameter.Rows * Columns];
        for (int row = 0; row < parameter.Rows; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                part[Place(parameter, row, column)] = values[row * parameter.Columns + FirstColumn + column];
            }
        }

        return part;
    }

    /// <summary>Puts a part that was read into the parameter's values.</summary>
    /// <param name="parameter">The parameter's shape.</param>
    /// <param name="part">The part in the checkpoint's order.</param>
    /// <param name="values">The parameter's values, row-major.</param>
    public void Put(ParameterShape parameter, ReadOnlySpan<float> part, Span<float> values)
    {
        for (int row = 0; row < parameter.Rows; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                values[row * parameter.Columns + FirstColumn + column] = part[Place(parameter, row, column)];
            }
        }
    }

    private int Place(ParameterShape parameter, int row, int column) => Transposed ? column * parameter.Rows + row : row * Columns + column;
}
