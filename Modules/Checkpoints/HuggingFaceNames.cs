using MoEActors.Modules.Layers;
using MoEActors.Modules.Models;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// Names and layouts of the Hugging Face convention for Mixtral-like models: linear weights are [out, in], and what this library keeps as one
/// matrix (queries, keys and values; gate and up) is several.
/// </summary>
public static class HuggingFaceNames
{
    /// <summary>The tensors of the dense part.</summary>
    public static IReadOnlyList<TensorPiece> Dense(ModelConfiguration model)
    {
        AttentionShape attention = model.Attention;
        List<TensorPiece> pieces = [new("model.embed_tokens.weight", "embed_tokens", 0, model.Dim, Transposed: false)];
        for (int layer = 0; layer < model.Layers; layer++)
        {
            string ours = ModelLayout.LayerPrefix(layer);
            string theirs = $"model.layers.{layer}.";
            pieces.Add(new($"{theirs}input_layernorm.weight", $"{ours}input_norm", 0, model.Dim, Transposed: false));
            pieces.Add(Linear($"{theirs}self_attn.q_proj.weight", $"{ours}qkv_proj", 0, attention.QueryColumns));
            pieces.Add(Linear($"{theirs}self_attn.k_proj.weight", $"{ours}qkv_proj", attention.QueryColumns, attention.KeyColumns));
            pieces.Add(Linear($"{theirs}self_attn.v_proj.weight", $"{ours}qkv_proj", attention.QueryColumns + attention.KeyColumns, attention.KeyColumns));
            pieces.Add(Linear($"{theirs}self_attn.o_proj.weight", $"{ours}o_proj", 0, model.Dim));
            pieces.Add(new($"{theirs}post_attention_layernorm.weight", $"{ours}post_attention_norm", 0, model.Dim, Transposed: false));
            if (model.Experts[layer] > 0)
            {
                pieces.Add(Linear($"{theirs}block_sparse_moe.gate.weight", $"{ours}router", 0, model.Experts[layer]));
            }
            else
            {
                pieces.Add(Linear($"{theirs}mlp.gate_proj.weight", $"{ours}mlp.gate_up", 0, model.Hidden));
                pieces.Add(Linear($"{theirs}mlp.up_proj.weight", $"{ours}mlp.gate_up", model.Hidden, model.Hidden));
                pieces.Add(Linear($"{theirs}mlp.down_proj.weight", $"{ours}mlp.down", 0, model.Dim));
            }
        }

        pieces.Add(new("model.norm.weight", "norm", 0, model.Dim, Transposed: false));
        pieces.Add(Linear("lm_head.weight", "lm_head", 0, model.Vocabulary));
        return pieces;
    }

    /// <summary>The tensors of one expert.</summary>
    public static IReadOnlyList<TensorPiece> Expert(ModelConfiguration model, int layer, int expert)
    {
        string theirs = $"model.layers.{layer}.block_sparse_moe.experts.{expert}.";
        return model.Expert == "swiglu"
            ?
            [
                Linear($"{theirs}w1.weight", "gate_up", 0, model.Hidden),
                Linear($"{theirs}w3.weight", "gate_up", model.Hidden, model.Hidden),
                Linear($"{theirs}w2.weight", "down", 0, model.Dim),
            ]
            :
            [
                Linear($"{theirs}w1.weight", "w1", 0, model.Hidden),
                new($"{theirs}w1.bias", "b1", 0, model.Hidden, Transposed: false),
                Linear($"{theirs}w2.weight", "w2", 0, model.Dim),
                new($"{theirs}w2.bias", "b2", 0, model.Dim, Transposed: false),
            ];
    }

    private static TensorPiece Linear(string name, string parameter, int firstColumn, int columns) =>
        new(name, parameter, firstColumn, columns, Transposed: true);
}
